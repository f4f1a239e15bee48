"""Finds stores that have expired reservations."""

from shared.core import database, queues
from shared.core.functions import schedule
from shared.inventory import expiry

RESERVATIONS_A_BEAT = 50_000  # a hundred messages; what is beyond waits for the next minute


@schedule("rate(1 minute)", timeout=60, uses=("queues",))
def sweep() -> None:
    """Send one message for each store and batch of its expired reservations."""
    with database.transaction() as session:
        stores = expiry.stores_with_expired(session, RESERVATIONS_A_BEAT)
    queues.send(expiry.QUEUE, [{"store_id": str(store_id)} for store_id in stores])


handler = sweep.handler
