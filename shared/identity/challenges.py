"""Half a sign-in: the password was right, and the second factor is to follow within five minutes.

The challenge's token goes to the browser in the answer, and opens nothing alone. How often a code may be tried with it
is for whoever checks codes (`throttling`), since a refused request leaves nothing of itself.
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, text, update
from sqlalchemy.orm import Session

from shared.core import audit, clock, credentials, ids, tenancy
from shared.core.errors import Problem
from shared.identity.models.people import SignInChallenge

LASTS = timedelta(minutes=5)
_PREFIX = "sc"

_FIND = text("select user_id, id from lookup.sign_in_challenge(:digest, :now)")


class ChallengeRefused(Problem):
    """The sign-in that this second factor was to complete is over."""

    status = 410
    code = "challenge_refused"
    title = "Sign in again"
    is_noted = True


class Challenge(NamedTuple):
    """What is to be answered with a second factor; `token` names the sign-in."""

    token: str
    expires_at: datetime


def begin(session: Session) -> Challenge:
    """Ask the bound person, whose password was right, for their second factor. Removes what is over."""
    now, token = clock.now(), credentials.generate(_PREFIX)
    session.execute(delete(SignInChallenge).where(SignInChallenge.expires_at < now))
    begun = SignInChallenge(
        id=ids.new_id(),
        user_id=tenancy.require_store(session),
        digest=credentials.digest(token),
        created_at=now,
        expires_at=now + LASTS,
    )
    session.add(begun)
    session.flush()
    audit.record(
        session,
        action="sign_in.challenged",
        entity="user",
        entity_id=begun.user_id,
        after={"expires_at": begun.expires_at.isoformat()},
    )
    return Challenge(token, begun.expires_at)


def find(session: Session, token: str) -> tuple[UUID, UUID]:
    """Return whose sign-in it is, and its id: by a look-up, from an unbound session.

    Raises:
        ChallengeRefused: its time is over, or it was completed.
    """
    found = None
    if credentials.is_well_formed(_PREFIX, token):
        found = session.execute(_FIND, {"digest": credentials.digest(token), "now": clock.now()}).one_or_none()
    if found is None:
        raise _over()
    return found.user_id, found.id


def complete(session: Session, challenge_id: UUID) -> None:
    """Use a challenge of the bound person up. Of two who do so at once, one can.

    Raises:
        ChallengeRefused: somebody else has just completed it.
    """
    now = clock.now()
    done = session.scalar(
        update(SignInChallenge)
        .where(SignInChallenge.id == challenge_id, SignInChallenge.used_at.is_(None), SignInChallenge.expires_at > now)
        .values(used_at=now)
        .returning(SignInChallenge.id)
    )
    if done is None:
        raise _over()


def _over() -> ChallengeRefused:
    return ChallengeRefused("This sign-in took too long, or was completed. Sign in again.")
