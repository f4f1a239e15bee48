"""The second factor: a code of one's authenticator app, or a recovery code; asked for at sign-in and before risky acts.

A code serves once. Of an app the time step of the last one is kept, and a code of that step or an earlier one is
refused, whoever read it over somebody's shoulder (RFC 6238, 5.2). The step before and after the present one are taken
too: clocks of phones go wrong by seconds.
"""

import hmac
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from shared.core import audit, clock, tenancy
from shared.core.errors import Forbidden
from shared.core.principal import Session as SignedInSession
from shared.identity import challenges, letters, limits, people, proving, recovery_codes, sessions, signing_in
from shared.identity.models.factors import Authenticator
from shared.identity.sessions import Opened

_DIGITS = 6
_STEP_SECONDS = 30
_DRIFT = (0, -1, 1)  # steps


class WrongCode(Forbidden):
    """This is no code of yours, or it was used already. Wait for the next one."""

    code = "wrong_code"
    title = "Wrong code"
    is_recorded = True


def complete_sign_in(session: Session, *, challenge: str, code: str, replaced: str | None = None) -> Opened:
    """Let somebody in whose password was right, by their second factor.

    Comes from an unbound session and leaves it bound to the person. The challenge ends with it; a wrong code leaves it
    as it is, for as many tries as its limit lets through.

    Raises:
        ChallengeRefused: the sign-in took too long, or was completed.
        WrongCode: the code is none of theirs, or was used.
        TooManyRequests: it was tried too often.
    """
    user_id, challenge_id = challenges.find(session, challenge)
    limits.before_proving(user_id)
    with tenancy.within(session, user_id):
        known = people.known(session)
        if known is None or not people.hold(session, known.password_hash):
            raise signing_in.SignInRefused("This account was closed, disabled or changed. Sign in again.")
        require(session, user_id, code, doing="sign_in")
        challenges.complete(session, challenge_id)
        return signing_in.open_for(session, has_second_factor=True, replaced=replaced)


def step_up(session: Session, signed_in: SignedInSession, *, code: str) -> Opened:
    """Take the bound person's second factor as proof, which serves what is risky for five minutes.

    Raises:
        WrongCode: the code is none of theirs, or was used.
        TooManyRequests: it was tried too often.
        Unauthenticated: the session has ended in the meantime.
    """
    limits.before_proving(signed_in.user_id)
    by = require(session, signed_in.user_id, code, doing="step_up")
    return proving.prove(session, signed_in, by=by)


def require(session: Session, user_id: UUID, code: str, *, doing: str) -> str:
    """Use a code of the bound person up; return what it was: `authenticator` or `recovery_code`.

    Raises:
        WrongCode: it is none of theirs, or was used; written down with what it was for.
    """
    if _of_an_app(session, code):
        return "authenticator"
    if recovery_codes.use(session, code):
        _tell(session, user_id, doing=doing)
        return "recovery_code"
    audit.record(
        session,
        action="second_factor.refused",
        entity="user",
        entity_id=user_id,
        after={"doing": doing},
        severity="notice",
    )
    raise WrongCode("This is no code of yours, or it was used already. Wait for the next one that your app shows.")


def matching_step(secret: str, code: str) -> int | None:
    """Return the time step, of the present one and its neighbors, whose code it is; None where it is none of them."""
    from pyotp import HOTP  # noqa: PLC0415 -- a millisecond that only who checks a code pays

    if len(code) != _DIGITS or not code.isascii() or not code.isdigit():
        return None
    present = int(clock.now().timestamp()) // _STEP_SECONDS
    shown = HOTP(secret, digits=_DIGITS)
    found = [present + drift for drift in _DRIFT if hmac.compare_digest(shown.at(present + drift), code)]
    return found[0] if found else None


def take_step(session: Session, authenticator_id: UUID, step: int) -> bool:
    """Use a time step of an app up; tell whether it was still to be used. Of two at once, one gets it."""
    taken = session.scalar(
        update(Authenticator)
        .where(
            Authenticator.id == authenticator_id,
            or_(Authenticator.last_step.is_(None), Authenticator.last_step < step),
        )
        .values(last_step=step)
        .returning(Authenticator.id)
    )
    return taken is not None


def _of_an_app(session: Session, code: str) -> bool:
    written = "".join(code.split())
    apps = session.scalars(select(Authenticator).where(Authenticator.confirmed_at.is_not(None))).all()
    steps = [(app.id, matching_step(app.secret, written)) for app in apps]
    return any(step is not None and take_step(session, app_id, step) for app_id, step in steps)


def _tell(session: Session, user_id: UUID, *, doing: str) -> None:
    left = recovery_codes.left(session)
    audit.record(
        session,
        action="recovery_code.used",
        entity="user",
        entity_id=user_id,
        before={"left": left + 1},
        after={"left": left, "doing": doing},
        severity="critical",
    )
    letters.say_a_recovery_code_was_used(session, people.get(session), left=left)


def changed(session: Session, signed_in: SignedInSession, *, has_second_factor: bool) -> Opened:
    """End the bound person's other sessions, whose proofs were other ones, and give this one another token."""
    sessions.end_all(session, because="second_factor_changed", but=signed_in.id)
    return sessions.rotate(session, signed_in, has_second_factor=has_second_factor, proven_at=clock.now())
