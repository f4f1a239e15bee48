"""Finds stores whose events nobody relays: the kick was lost, or a relay died with its claim."""

from aws_lambda_powertools.metrics import MetricUnit

from shared.core import database, outbox, queues, relay, telemetry
from shared.core.functions import schedule

STORES_A_BEAT = 1000


@schedule("rate(1 minute)", timeout=60, uses=("queues",))
def sweep() -> None:
    """Send the relay one message for each such store, and measure how old the oldest event that waits is."""
    with database.transaction() as session:
        stores = relay.stores_left_behind(session, STORES_A_BEAT)
        waiting = relay.longest_wait(session)
    telemetry.measure("outbox", "OutboxAge", waiting.total_seconds(), MetricUnit.Seconds)
    queues.send(outbox.QUEUE, [{"store_id": str(store_id)} for store_id in stores])


handler = sweep.handler
