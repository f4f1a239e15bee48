"""Finds the stores that have jobs due: what a lost message or worker left behind, and what is to be tried again."""

from shared.core import database, queues, telemetry
from shared.core.functions import schedule
from shared.jobs import dispatching

_MOST = 1000  # jobs a minute; what is left is found by the next one


@schedule("rate(1 minute)", timeout=60, uses=("queues",))
def sweep() -> None:
    """Send one message for each store that has jobs due; which ones, is looked at inside that store's scope.

    Operators are told, by an error in the log, when nobody takes what was sent minutes ago.
    """
    with database.transaction() as session:
        stores = dispatching.stores_with_due_jobs(session, _MOST)
        stuck = dispatching.stores_with_stuck_jobs(session, _MOST)
    queues.send(dispatching.QUEUE, [{"store_id": str(store_id)} for store_id in stores])
    if stuck:
        telemetry.logger().error("Jobs wait for workers that do not come.", extra={"stores": len(stuck)})


handler = sweep.handler
