"""Finds stores whose events nobody relays: the kick was lost, or a relay died with its claim."""

from shared.core import database, outbox, queues, relay
from shared.core.functions import schedule

STORES_A_BEAT = 1000


@schedule("rate(1 minute)", timeout=60, uses=("queues",))
def sweep() -> None:
    """Send the relay one message for each such store."""
    with database.transaction() as session:
        stores = relay.stores_left_behind(session, STORES_A_BEAT)
    queues.send(outbox.QUEUE, [{"store_id": str(store_id)} for store_id in stores])


handler = sweep.handler
