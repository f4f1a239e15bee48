"""What is risky asks for a fresh proof of who is signed in: a code or a password, shown at a sign-in a moment ago."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.core import clock
from shared.core.errors import StepUpRequired
from shared.core.principal import Session as SignedIn
from shared.customers.models import CustomerSession, Proof

FRESH = timedelta(minutes=5)


def is_fresh(signed_in: SignedIn) -> bool:
    """Tell whether this session was begun with a proof in the last five minutes."""
    return signed_in.proven_at is not None and clock.now() - signed_in.proven_at < FRESH


def require_fresh(signed_in: SignedIn) -> None:
    """Refuse what is risky to whoever holds a session and may have found it lying about.

    Raises:
        StepUpRequired: the proof is older.
    """
    if not is_fresh(signed_in):
        raise step_up()


def has_just_shown_a_code(session: Session, signed_in: SignedIn) -> bool:
    """Tell whether it was a code, which proves a contact, and not the password, which somebody may have watched."""
    if not is_fresh(signed_in):
        return False
    by = session.scalar(select(CustomerSession.proven_by).where(CustomerSession.id == signed_in.id))
    return by is Proof.CODE


def step_up() -> StepUpRequired:
    """Return the refusal that asks for a proof."""
    return StepUpRequired("Sign in again, by code or password, with your present access token; then send this again.")
