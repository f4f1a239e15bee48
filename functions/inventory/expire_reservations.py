"""Releases a store's expired reservations."""

from sqlalchemy.orm import Session

from shared.core.functions import Message, consumer
from shared.inventory import expiry


class ReservationsExpired(Message):
    """A store has expired reservations."""


@consumer(expiry.QUEUE, batch=10, timeout=60)
def expire(message: ReservationsExpired, session: Session) -> None:  # noqa: ARG001 -- the store is the session's
    """Release one batch of them. Messages of one store may come at once or twice: each takes what no other has."""
    expiry.release_expired(session)


handler = expire.handler
