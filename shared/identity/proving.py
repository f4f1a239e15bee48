"""Proving that it is still you: before what is risky, and when a password is changed."""

from typing import Self
from uuid import UUID

from sqlalchemy.orm import Session

from shared.core import audit, clock, passwords
from shared.core.errors import Forbidden
from shared.core.principal import Session as SignedInSession
from shared.identity import limits, people, sessions
from shared.identity.sessions import Opened


class WrongPassword(Forbidden):
    """This is not your password."""

    code = "wrong_password"
    title = "Wrong password"
    is_recorded = True

    @classmethod
    def of(cls, session: Session, user_id: UUID, *, doing: str) -> Self:
        """Write down that the bound person's password was got wrong, and what for; return the refusal."""
        audit.record(
            session,
            action="password.refused",
            entity="user",
            entity_id=user_id,
            after={"doing": doing},
            severity="notice",
        )
        return cls("This is not your password.")


class SecondFactorNeeded(Forbidden):
    """You have a second factor, and a password alone proves nothing."""

    code = "second_factor_needed"
    title = "Use your second factor"


def step_up(session: Session, signed_in: SignedInSession, *, password: str) -> Opened:
    """Take the bound person's password as proof, which serves what is risky for five minutes.

    The session gets another token.

    Raises:
        WrongPassword: it is not theirs.
        SecondFactorNeeded: they have a second factor, and prove by that.
        TooManyRequests: it was tried too often.
        Unauthenticated: the session has ended in the meantime.
    """
    limits.before_proving(signed_in.user_id)
    known = people.known(session)
    if known is not None and known.second_factor_since is not None:
        raise SecondFactorNeeded("Prove that it is you by your second factor: a code of your authenticator app.")
    kept = known.password_hash if known else None
    if not passwords.matches(kept, password) or not people.hold(session, kept):
        raise WrongPassword.of(session, signed_in.user_id, doing="step_up")
    return prove(session, signed_in, by="password")


def prove(session: Session, signed_in: SignedInSession, *, by: str) -> Opened:
    """Write down that the bound person has just proven who they are; their session gets another token.

    Raises:
        Unauthenticated: the session has ended in the meantime.
    """
    now = clock.now()
    proven = sessions.rotate(session, signed_in, proven_at=now)
    audit.record(
        session,
        action="session.proven",
        entity="session",
        entity_id=signed_in.id,
        before={"proven_at": signed_in.proven_at.isoformat() if signed_in.proven_at else None},
        after={"proven_at": now.isoformat(), "by": by},
        severity="notice",
    )
    return proven
