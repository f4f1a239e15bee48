"""Finds the stores that have pictures due, every minute."""

from shared.core import database, queues
from shared.core.functions import schedule
from shared.media import processing

_MOST = 200  # messages a minute: some seconds' work each; what is left is found by the next sweep


@schedule("rate(1 minute)", timeout=60, uses=("queues",))
def sweep() -> None:
    """Send one message for each store and batch of its due pictures; the work runs inside that store's scope."""
    with database.transaction() as session:
        stores = processing.stores_with_due_media(session, _MOST)
    queues.send(processing.QUEUE, [{"store_id": str(store_id)} for store_id in stores])


handler = sweep.handler
