"""Confirms a placed order to the person who placed it."""

from sqlalchemy.orm import Session

from shared.core.functions import consumer
from shared.orders import confirmation
from shared.orders.events import OrderPlaced


@consumer("order-confirmations", events=(OrderPlaced,), timeout=60, receives=5)
def confirm(event: OrderPlaced, session: Session) -> None:
    """Put the confirmation of an order into the outgoing messages, once: see `functions/messaging` for its delivery."""
    confirmation.confirm(session, event.order_id)


handler = confirm.handler
