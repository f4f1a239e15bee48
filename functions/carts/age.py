"""Abandons and expires the carts of one store."""

from sqlalchemy.orm import Session

from shared.carts import ageing
from shared.core.functions import Message, consumer


class CartsDue(Message):
    """A store has carts whose time has come."""


@consumer(ageing.QUEUE, batch=10, timeout=60, receives=5)
def age(message: CartsDue, session: Session) -> None:  # noqa: ARG001 -- the store is the session's already
    """Age a batch of the store's carts."""
    ageing.age(session)


handler = age.handler
