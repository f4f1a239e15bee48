"""Shutting a person out of the platform, and letting them in again."""

from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from shared.core import audit, clock, tenancy
from shared.core.errors import NotFound
from shared.identity import people, sessions
from shared.identity.models.people import User


def disable(session: Session, user_id: UUID, *, because: str) -> User:
    """Shut a person out, from their next request on; their sessions end for good. Again, it changes nothing.

    Comes from an unbound session and leaves it bound to the person.

    Raises:
        NotFound: there is no such person.
    """
    now = clock.now()
    with tenancy.within(session, user_id):
        changed = _set(session, user_id, User.disabled_at.is_(None), disabled_at=now)
        if changed:
            sessions.end_all(session, because="disabled")
            _record(session, user_id, "user.disabled", before=None, after=now.isoformat(), because=because)
        return _present(session)


def enable(session: Session, user_id: UUID, *, because: str) -> User:
    """Let a person in again, by a new sign-in. Again, it changes nothing.

    Comes from an unbound session and leaves it bound to the person.

    Raises:
        NotFound: there is no such person.
    """
    with tenancy.within(session, user_id):
        if _set(session, user_id, User.disabled_at.is_not(None), disabled_at=None):
            _record(session, user_id, "user.enabled", before="disabled", after=None, because=because)
        return _present(session)


def _set(session: Session, user_id: UUID, condition: object, **values: object) -> bool:
    changed = session.scalar(
        update(User)
        .where(User.id == user_id, User.deleted_at.is_(None), condition)  # type: ignore[arg-type]  # a condition of SQL
        .values(updated_at=clock.now(), version=User.version + 1, **values)
        .returning(User.id)
        .execution_options(synchronize_session=False)
    )
    return changed is not None


def _record(  # noqa: PLR0913 -- each is a part of the entry, by keyword
    session: Session, user_id: UUID, action: str, *, before: str | None, after: str | None, because: str
) -> None:
    audit.record(
        session,
        action=action,
        entity="user",
        entity_id=user_id,
        before={"disabled_at": before},
        after={"disabled_at": after, "because": because},
        severity="critical",
    )


def _present(session: Session) -> User:
    known = people.known(session)
    if known is None:
        raise NotFound("There is no such person.")
    return people.get(session)
