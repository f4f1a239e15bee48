"""Finds the stores whose stock is to be proved, every night."""

from uuid import UUID

from shared.core import database, queues
from shared.core.functions import schedule
from shared.inventory import reconciliation

STORES_A_LOOK = 1000


@schedule("cron(0 21 * * ? *)", timeout=300, uses=("queues",))  # three in the morning in Dhaka
def sweep() -> None:
    """Send one message for each store that has stock."""
    after = UUID(int=0)
    while True:
        with database.transaction() as session:
            stores = reconciliation.stores_with_stock(session, after=after, most=STORES_A_LOOK)
        queues.send(reconciliation.QUEUE, [{"store_id": str(store_id)} for store_id in stores])
        if len(stores) < STORES_A_LOOK:
            return
        after = stores[-1]


handler = sweep.handler
