"""Finds the stores of which the edge was not told everything, every minute."""

from shared.core import database, queues
from shared.core.functions import schedule
from shared.search import invalidation

_MOST = 1000  # stores a minute; what is left is found by the next one


@schedule("rate(1 minute)", timeout=60, uses=("queues",))
def sweep_edge() -> None:
    """Send one message for each store whose tags wait; the work runs inside that store's scope."""
    with database.transaction() as session:
        stores = invalidation.stores_left_behind(session, _MOST)
    queues.send(invalidation.QUEUE, [{"store_id": str(store_id)} for store_id in stores])


handler = sweep_edge.handler
