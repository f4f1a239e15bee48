"""Choosing a password: good enough, and none of the last five."""

from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from shared.core import clock, ids, passwords
from shared.core.passwords import PasswordRefused
from shared.identity.models.people import FormerPassword, User

REMEMBERED = 5  # passwords that can't be chosen again, today's among them


def choose(session: Session, user: User, password: str, *, field: str = "password") -> bool:
    """Give the bound person a new password; tell whether it replaced the one that `user` was read with.

    Of two who replace it at once, one does. Costs one argon2 for the new one and one for each remembered.

    Raises:
        PasswordRefused: it could be guessed, or is one of the last five.
    """
    passwords.require_good(password, about=(user.email, user.name), field=field)
    former = session.scalars(select(FormerPassword).order_by(FormerPassword.id.desc())).all()
    if any(passwords.matches(one.password_hash, password) for one in former[:REMEMBERED]):
        detail = f"You have used this password before. Choose one that is none of the last {REMEMBERED}."
        raise PasswordRefused("used_before", detail, field=field)
    chosen, now = passwords.hash(password), clock.now()
    replaced = session.scalar(
        update(User)
        .where(User.id == user.id, User.password_hash.is_not_distinct_from(user.password_hash))
        .values(password_hash=chosen, password_changed_at=now, updated_at=now, version=User.version + 1)
        .returning(User.id)
        .execution_options(synchronize_session=False)
    )
    if replaced is None:
        return False
    remember(session, user.id, chosen)
    forgotten = [one.id for one in former[REMEMBERED - 1 :]]
    if forgotten:
        session.execute(delete(FormerPassword).where(FormerPassword.id.in_(forgotten)))
    return True


def remember(session: Session, user_id: UUID, password_hash: str) -> None:
    """Keep a password that the person has from now on, so that it is not chosen again too soon."""
    session.add(FormerPassword(id=ids.new_id(), user_id=user_id, password_hash=password_hash, set_at=clock.now()))
    session.flush()
