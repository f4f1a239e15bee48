"""Finds stores with products that were deleted more than 90 days ago."""

from shared.catalog import purging
from shared.core import database, queues
from shared.core.functions import schedule

STORES_A_BEAT = 10_000


@schedule("cron(0 20 * * ? *)", timeout=60, uses=("queues",))  # two in the morning in Dhaka
def sweep() -> None:
    """Send one message for each such store."""
    with database.transaction() as session:
        stores = purging.stores_to_purge(session, STORES_A_BEAT)
    queues.send(purging.QUEUE, [{"store_id": str(store_id)} for store_id in stores])


handler = sweep.handler
