"""Second factors by capability, for tests that need one and not its set-up."""

from uuid import UUID

from pyotp import TOTP
from sqlalchemy import update

from shared.core import clock, database, ids
from shared.core.principal import Principal
from shared.identity import authenticators, challenges, recovery_codes
from shared.identity.models.factors import Account, Authenticator
from shared.identity.models.people import User

_SYSTEM = Principal(kind="system", id="test")


def waiting(user_id: UUID) -> tuple[str, str]:
    """Begin to set an app up for somebody; return its id, as the wire has it, and the code that it shows.

    The phone is fast by a step, so that the code is still taken where the clock moves on by half a minute before it
    is sent.
    """
    with database.transaction(user_id, principal=_SYSTEM) as session:
        begun = authenticators.begin(session, name="Phone")
    return ids.encode("app", begun.authenticator.id), TOTP(begun.secret).at(clock.now(), counter_offset=1)


def have(user_id: UUID) -> list[str]:
    """Give somebody a second factor; return their recovery codes."""
    with database.transaction(user_id, principal=_SYSTEM) as session:
        authenticators.begin(session, name="Phone")
        now = clock.now()
        session.execute(update(Authenticator).values(confirmed_at=now))
        session.execute(update(User).where(User.id == user_id).values(second_factor_since=now))
        return recovery_codes.make(session)


def challenge(user_id: UUID) -> str:
    """Begin a sign-in of somebody whose password was right; return the challenge."""
    with database.transaction(user_id, principal=_SYSTEM) as session:
        return challenges.begin(session).token


def account(user_id: UUID) -> str:
    """Link an account at an issuer to somebody; return its id, as the wire has it."""
    now, account_id = clock.now(), ids.new_id()
    with database.transaction(user_id, principal=_SYSTEM) as session:
        linked = Account(id=account_id, issuer="local", subject=account_id.hex, subject_index=account_id.bytes)
        linked.created_at = linked.last_used_at = now
        session.add(linked)
    return ids.encode("acct", account_id)
