"""People as they are found: by their address, across everybody's rows, and then in their own."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from shared.core import emails, encryption, tenancy
from shared.core.errors import Unauthenticated
from shared.core.idempotency import PLATFORM_STORE
from shared.identity.models.people import User

NOBODY = PLATFORM_STORE  # in whose name it is written down what was tried with an address that is nobody's

_BY_EMAIL = text("select lookup.user_by_email(:email_index)")

# What sign-in needs to know, and no more: nothing of it is encrypted, so that nobody's takes as long as somebody's.
type Known = Row[UUID, str | None, datetime | None, datetime | None, datetime | None]


def index_of(email: str) -> bytes:
    """Return what an address is found by: its fingerprint under the platform's key, whatever its capitals."""
    return encryption.blind_index(PLATFORM_STORE, "users.email", emails.for_lookup(email))


def find(session: Session, email_index: bytes) -> UUID | None:
    """Return who has the address; None where nobody has. One statement, a look-up. No answer may tell which it was."""
    found: UUID | None = session.scalar(_BY_EMAIL, {"email_index": email_index})
    return found


def known(session: Session) -> Known | None:
    """Return what the bound person is let in by; None where the session is bound to nobody. One statement."""
    columns = (User.id, User.password_hash, User.email_verified_at, User.second_factor_since, User.disabled_at)
    return session.execute(
        select(*columns).where(User.id == tenancy.require_store(session), User.deleted_at.is_(None))
    ).one_or_none()


def get(session: Session) -> User:
    """Return the bound person.

    Raises:
        Unauthenticated: they are gone.
    """
    found = session.scalars(
        select(User).where(User.id == tenancy.require_store(session), User.deleted_at.is_(None))
    ).one_or_none()
    if found is None:
        raise Unauthenticated("This account was closed.")
    return found


def hold(session: Session, password_hash: str | None) -> bool:
    """Hold the bound person as they were found until the transaction ends; tell whether they still are.

    Whoever changes the password, or disables the person, comes before or after, and not between.
    """
    held = session.scalar(
        select(User.id)
        .where(
            User.id == tenancy.require_store(session),
            User.password_hash.is_not_distinct_from(password_hash),
            User.disabled_at.is_(None),
            User.deleted_at.is_(None),
        )
        .with_for_update(key_share=True)  # FOR NO KEY UPDATE
    )
    return held is not None


def lock(session: Session) -> None:
    """Keep others from changing what the bound person is let in by, until the transaction ends."""
    person = select(User.id).where(User.id == tenancy.require_store(session))
    session.scalar(person.with_for_update(key_share=True))  # FOR NO KEY UPDATE
