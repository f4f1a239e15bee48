"""Codes: six digits, sent to a contact, that prove who has it. Ten minutes, five tries, one use.

Whoever shows a code names the row that it belongs to as well, whose id was in the answer to who asked for it. So a code
that somebody else asked for proves nothing of mine, and nobody can use up the tries of mine.
"""

import hmac
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import ConfigDict
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from shared.core import audit, clock, database, encryption, ids, tenancy
from shared.core.errors import Problem
from shared.core.schemas import Schema
from shared.customers import limits, wording
from shared.customers.contacts import Kind, Reach
from shared.customers.models import MOST_TRIES, WISH, CodePurpose, CustomerCode
from shared.messaging import outgoing
from shared.stores.queries import StoreFacts

LASTS = timedelta(minutes=10)
PURPOSE = "customer_code"

_DIGITS = 6


_COUNT_TRY = text("""
update customer_codes set tries = tries + 1
where store_id = :store_id and id = :id and purpose = :purpose
  and customer_id is not distinct from cast(:customer_id as uuid)
  and used_at is null and expires_at > :now and tries < :most
returning digest, personal
""")


class CodeRefused(Problem):
    """The code is wrong, expired, used, of something else, or was tried five times: which of these is not told."""

    status = 422
    code = "code_refused"
    title = "Wrong code"
    is_noted = True


class Wish(Schema):
    """What becomes true once the contact is proven. The rest serves where that makes an account, and is lost else."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    value: str
    name: str | None = None
    locale: str | None = None
    password_hash: str | None = None

    @property
    def reach(self) -> Reach:
        """The contact that is to be proven."""
        return Reach(self.kind, self.value)


def send(
    session: Session, store: StoreFacts, wish: Wish, *, purpose: CodePurpose, customer_id: UUID | None = None
) -> CustomerCode:
    """Send a code to the contact of `wish`. Whether somebody has that contact is not looked up.

    Raises:
        TooManyRequests: too many were sent.
    """
    store_id = tenancy.require_store(session)
    limits.take_code(store_id, wish.reach)
    code_id, now = ids.new_id(), clock.now()
    code = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}"
    row = CustomerCode(
        id=code_id,
        purpose=purpose,
        customer_id=customer_id,
        personal=wish.model_dump(exclude_none=True),
        digest=_digest(store_id, code_id, code),
        tries=0,
        created_at=now,
        expires_at=now + LASTS,
    )
    session.add(row)
    words = wording.in_language_of(wish.locale or store.locale)
    subject, words_of_it = wording.code_message(words, store=store.name, code=code)
    outgoing.enqueue(
        session,
        wish.reach.channel,
        to=wish.value,
        subject=subject,
        text=words_of_it,
        purpose=PURPOSE,
        dedupe_key=f"{PURPOSE}:{code_id}",
    )
    audit.record(
        session,
        action="customer_code.sent",
        entity="customer_code",
        entity_id=code_id,
        after={"purpose": purpose.value, wish.kind: audit.masked(wish.value)},
    )
    return row


def redeem(
    session: Session, code_id: UUID, code: str, *, purpose: CodePurpose, customer_id: UUID | None = None
) -> Wish:
    """Use a code up, and return what it was to prove. Of two who use it at once, one does.

    The try is counted on a connection of its own: it stays, whatever becomes of this transaction.

    Raises:
        CodeRefused: it proves nothing.
        TooManyRequests: too many were tried.
    """
    store_id, now = tenancy.require_store(session), clock.now()
    limits.take_proof(store_id)
    found = _try(store_id, code_id, purpose=purpose, customer_id=customer_id, now=now)
    expected = _digest(store_id, code_id, code)
    if found is None or not hmac.compare_digest(found[0], expected):
        raise _refused()
    used = session.execute(
        update(CustomerCode)
        .where(CustomerCode.id == code_id, CustomerCode.used_at.is_(None))
        .values(used_at=now)
        .returning(CustomerCode.id)
    ).one_or_none()
    if used is None:
        raise _refused()
    return found[1]


def _try(
    store_id: UUID, code_id: UUID, *, purpose: CodePurpose, customer_id: UUID | None, now: datetime
) -> tuple[bytes, Wish] | None:
    """Count a try of a code that is still good; return its digest and what it is to prove."""
    values = {
        "store_id": store_id,
        "id": code_id,
        "purpose": purpose.value,
        "customer_id": customer_id,
        "now": now,
        "most": MOST_TRIES,
    }
    with database.transaction_beside(store_id) as beside:
        found = beside.execute(_COUNT_TRY, values).one_or_none()
    if found is None:
        return None
    clear = encryption.decrypt(store_id, WISH, bytes(found.personal))
    return bytes(found.digest), Wish.model_validate_json(clear)


def _digest(store_id: UUID, code_id: UUID, code: str) -> bytes:
    return encryption.blind_index(store_id, "customer_codes.code", f"{code_id}:{code}")


def _refused() -> CodeRefused:
    return CodeRefused("This code is wrong or its time is over. Try again, or ask for a new one.")
