"""Finds stores with carts that nobody has touched for long."""

from shared.carts import ageing
from shared.core import database, queues
from shared.core.functions import schedule

CARTS_A_BEAT = 20_000


@schedule("rate(5 minutes)", timeout=60, uses=("queues",))
def sweep() -> None:
    """Send one message for each store, and for each batch of its due carts."""
    with database.transaction() as session:
        stores = ageing.stores_with_due_carts(session, CARTS_A_BEAT)
    queues.send(ageing.QUEUE, [{"store_id": str(store_id)} for store_id in stores])


handler = sweep.handler
