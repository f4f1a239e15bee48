"""Who a person is, as those may know who work with them: read where it lies, in the person's own rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.core import tenancy
from shared.core.errors import Unauthenticated
from shared.identity.models.people import StaffSession, User


@dataclass(frozen=True)
class Profile:
    """A person. `last_seen_at` is when they were last at work in the organization that asks, within five minutes."""

    user_id: UUID
    name: str
    email: str
    locale: str
    is_verified: bool  # that the address is theirs
    last_seen_at: datetime | None = None


def read(session: Session, user_id: UUID) -> Profile:
    """Return a person; comes back to the tenant that the session is bound to. One statement.

    Raises:
        Unauthenticated: they are gone.
    """
    found = _read(session, user_id, at_work_in=None)
    if found is None:
        raise Unauthenticated("This account was closed.")
    return found


def read_colleagues(session: Session, user_ids: Iterable[UUID], *, organization_id: UUID) -> dict[UUID, Profile]:
    """Return the people who work in an organization, but for those who are gone; one statement each.

    `organization_id`: what they are seen at; where else somebody works is nobody's business.
    """
    found = {user_id: _read(session, user_id, at_work_in=organization_id) for user_id in dict.fromkeys(user_ids)}
    return {user_id: profile for user_id, profile in found.items() if profile is not None}


def _read(session: Session, user_id: UUID, *, at_work_in: UUID | None) -> Profile | None:
    seen = (
        select(func.max(StaffSession.last_seen_at))
        .where(StaffSession.user_id == user_id, StaffSession.organization_id == at_work_in)
        .scalar_subquery()
    )
    before = tenancy.store_of(session)
    with tenancy.within(session, user_id):
        row = session.execute(
            select(User.name, User.email, User.locale, User.email_verified_at, seen.label("seen")).where(
                User.id == user_id, User.deleted_at.is_(None)
            )
        ).one_or_none()
    if before is not None:
        tenancy.bind(session, before)
    if row is None:
        return None
    return Profile(user_id, row.name, row.email, row.locale, row.email_verified_at is not None, row.seen)
