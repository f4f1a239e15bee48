"""Sends every store to the nightly check of what its shoppers are shown."""

from shared.core import database, queues
from shared.core.functions import schedule
from shared.search import checking
from shared.stores import upkeep

STORES_A_PAGE = 1000


@schedule("cron(20 21 * * ? *)", timeout=300, uses=("queues",))  # 03:20 in Dhaka, when the fewest people shop
def sweep() -> None:
    """Send one message a store, page by page."""
    last = upkeep.FIRST
    while True:
        with database.transaction() as session:
            stores = upkeep.stores_after(session, last, STORES_A_PAGE)
        queues.send(checking.QUEUE, [{"store_id": str(store_id)} for store_id in stores])
        if len(stores) < STORES_A_PAGE:
            return
        last = stores[-1]


handler = sweep.handler
