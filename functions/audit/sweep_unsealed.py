"""Finds the tenants whose audit entries are to be sealed, every minute."""

from aws_lambda_powertools.metrics import MetricUnit

from shared.audit import sealing
from shared.core import audit, database, queues, telemetry
from shared.core.functions import schedule

TENANTS_A_BEAT = 10_000


@schedule("rate(1 minute)", timeout=60, uses=("queues",))
def sweep() -> None:
    """Send the sealer one message for each such tenant, and measure how old the oldest unsealed entry is."""
    with database.transaction() as session:
        tenants = sealing.tenants_that_wait(session, TENANTS_A_BEAT)
        waiting = sealing.longest_wait(session)
    telemetry.measure("audit", "UnsealedAge", waiting.total_seconds(), MetricUnit.Seconds)
    queues.send(audit.QUEUE, [{"store_id": str(store_id)} for store_id in tenants])


handler = sweep.handler
