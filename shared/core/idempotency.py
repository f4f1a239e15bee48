"""Requests that may be sent twice: the answer is stored in the transaction of its effect.

Key, caller and route together name a request. The first to come writes its record, holds a lock that ends with its
transaction, and stores its answer before the commit; so a crash at any moment leaves either both effect and answer, or
neither. The same request again gets the same answer; another body under the key is refused; one that comes while the
first still runs is told to wait. Answers of the business (201, 409 sold out) are stored; failures of form or of ours
are not, since nothing happened. Kept for 72 hours.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.core import clock, encryption, tenancy
from shared.core.errors import Problem
from shared.core.tenancy import Base

KEPT = timedelta(hours=72)
MAX_KEY_LENGTH = 255
PLATFORM_STORE = UUID(int=0)  # stands for the store in the records of platform operators' requests

_COLUMN = "idempotency_keys.answer"


class IdempotencyKeyRequired(Problem):
    """The route moves money or stock, and the request has no Idempotency-Key."""

    status = 400
    code = "idempotency_key_required"
    title = "Idempotency-Key required"


class IdempotencyKeyInvalid(Problem):
    """The Idempotency-Key is empty, longer than 255 characters, or not printable ASCII."""

    status = 400
    code = "idempotency_key_invalid"
    title = "Invalid Idempotency-Key"


class IdempotencyKeyReused(Problem):
    """The key was used for a request with another body."""

    status = 422
    code = "idempotency_key_reused"
    title = "Idempotency-Key already used for another request"


class RequestInFlight(Problem):
    """The first request under this key still runs."""

    status = 409
    code = "request_in_flight"
    title = "The same request is being processed"
    retryable = True


class IdempotencyRecord(Base):
    """A request that may not happen twice, and its answer. Purged in batches after 72 hours, so never partitioned."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("idempotency_keys_by_expiry", "store_id", "expires_at"),)

    store_id: Mapped[UUID] = mapped_column(primary_key=True)
    caller: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    status: Mapped[int | None]
    answer: Mapped[bytes | None]  # headers and body, encrypted: answers hold personal data and guests' secrets
    expires_at: Mapped[datetime]


@dataclass(frozen=True)
class Answer:
    """What was answered: status, the answer's own headers, and the body's bytes."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Claim:
    """The right to carry out a request, and where its answer is to be stored. `replay` is the answer it had already."""

    store_id: UUID
    caller: str
    route: str
    key: str
    replay: Answer | None = None


_CLAIM = text("""
with lock as materialized (
    select pg_try_advisory_xact_lock(hashtextextended(:lock, 0)) as got
), fresh as (
    insert into idempotency_keys (store_id, caller, route, key, fingerprint, expires_at)
    select :store_id, :caller, :route, :key, :fingerprint, :expires_at from lock where got
    on conflict (store_id, caller, route, key) do update
        set fingerprint = excluded.fingerprint, expires_at = excluded.expires_at,
            status = null, answer = null
        where idempotency_keys.expires_at <= :now
    returning 1
)
select lock.got, exists (select 1 from fresh) as fresh, k.fingerprint, k.status, k.answer
from lock left join idempotency_keys k
  on k.store_id = :store_id and k.caller = :caller and k.route = :route and k.key = :key
""")

_CLAIM_ALONG = text("select claim_request(:store_id, :caller, :route, :key, :fingerprint, :expires_at, :now, :lock)")
CLAIMED = "SC001"  # the SQLSTATE by which it refuses

_STORE = text("""
update idempotency_keys set status = :status, answer = :answer
where store_id = :store_id and caller = :caller and route = :route and key = :key
""")


def normalized_key(header: str | None) -> str | None:
    """Return the key of an Idempotency-Key header, with or without the quotes of RFC 8941; None where there is none.

    Raises:
        IdempotencyKeyInvalid: it is empty, too long, or not printable ASCII.
    """
    if header is None:
        return None
    key = header[1:-1] if len(header) > 1 and header[0] == header[-1] == '"' else header
    if not 0 < len(key) <= MAX_KEY_LENGTH or not key.isascii() or not key.isprintable():
        detail = f"An Idempotency-Key has 1 to {MAX_KEY_LENGTH} printable ASCII characters."
        raise IdempotencyKeyInvalid(detail)
    return key


def claim(  # noqa: PLR0913 -- each of them is part of what names the request
    session: Session, *, store_id: UUID, caller: str, route: str, key: str, request: bytes, along: bool = False
) -> Claim:
    """Claim the request for this transaction, or return the claim with the answer that it had already.

    `request` is what must be the same for the same key: path, query and body. One statement. With `along` it travels
    with the session's next one, which nothing is done of if the key was used before: from there a database error of
    SQLSTATE `CLAIMED` is raised, whatever the reason. Roll back then, and claim anew, without it.

    Raises:
        IdempotencyKeyReused: the key was used for another request.
        RequestInFlight: the first request under the key has not ended.
    """
    fingerprint = hashlib.sha256(request).digest()
    fresh_claim = Claim(store_id, caller, route, key)
    now = clock.now()
    values = {
        "store_id": store_id,
        "caller": caller,
        "route": route,
        "key": key,
        "fingerprint": fingerprint,
        "now": now,
        "expires_at": now + KEPT,
        "lock": "\n".join(("idempotency", str(store_id), caller, route, key)),
    }
    if along:
        tenancy.ask(session, _CLAIM_ALONG, values, lambda _: None)
        return fresh_claim
    found = tenancy.run(session, _CLAIM, values).one()
    if found.got and not found.fresh and found.status is None:
        # The first one committed after our statement's snapshot and before our lock: now its answer can be seen.
        found = tenancy.run(session, _CLAIM, values).one()
    if not found.got:
        detail = "The first request with this Idempotency-Key has not ended; send it again in a moment."
        raise RequestInFlight(detail, headers={"Retry-After": "1"})
    if found.fresh:
        return fresh_claim
    if found.fingerprint != fingerprint:
        detail = "This Idempotency-Key was sent with another request; use a new key for a new request."
        raise IdempotencyKeyReused(detail)
    headers, _, body = encryption.decrypt(store_id, _COLUMN, found.answer).partition(b"\n")
    return replace(fresh_claim, replay=Answer(found.status, json.loads(headers), body))


def store_answer(session: Session, claimed: Claim, answer: Answer) -> None:
    """Store the answer, in the transaction of its effect. One statement, which travels with the commit."""
    headers = json.dumps(answer.headers).encode()  # one line: JSON escapes line breaks
    tenancy.tell(
        session,
        _STORE,
        {
            "store_id": claimed.store_id,
            "caller": claimed.caller,
            "route": claimed.route,
            "key": claimed.key,
            "status": answer.status,
            "answer": encryption.encrypt(claimed.store_id, _COLUMN, headers + b"\n" + answer.body),
        },
    )
