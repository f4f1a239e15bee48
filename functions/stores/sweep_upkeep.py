"""Sends every store to its daily upkeep."""

from shared.core import database, queues
from shared.core.functions import schedule
from shared.core.idempotency import PLATFORM_STORE
from shared.stores import upkeep

STORES_A_PAGE = 1000


@schedule("cron(40 20 * * ? *)", timeout=300, uses=("queues",))  # 02:40 in Dhaka, when the fewest people shop
def sweep_upkeep() -> None:
    """Send one message a store, page by page; operators' own records are kept up as a store's are."""
    last = upkeep.FIRST
    stores = [PLATFORM_STORE]
    while stores:
        queues.send(upkeep.QUEUE, [{"store_id": str(store_id)} for store_id in stores])
        with database.transaction() as session:
            stores = upkeep.stores_after(session, last, STORES_A_PAGE)
        last = max(stores, default=last)


handler = sweep_upkeep.handler
