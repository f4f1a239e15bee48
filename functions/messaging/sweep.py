"""Finds the stores that have messages due, every minute."""

from shared.core import database, queues
from shared.core.functions import schedule
from shared.messaging import delivery

_MOST = 1000  # stores a minute; what is left is found by the next one


@schedule("rate(1 minute)", timeout=60, uses=("queues",))
def sweep() -> None:
    """Send one message for each store that has something to deliver; the work runs inside that store's scope."""
    with database.transaction() as session:
        stores = delivery.stores_with_due_messages(session, _MOST)
    queues.send("due-messages", [{"store_id": str(store_id)} for store_id in stores])


handler = sweep.handler
