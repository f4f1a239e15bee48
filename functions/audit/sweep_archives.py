"""Takes months out of the audit log that are past their time in it: archived first, then dropped."""

from datetime import date
from uuid import UUID

from shared.audit import archives, retention
from shared.core import database, queues, telemetry
from shared.core.functions import schedule

TENANTS_A_PAGE = 1000


@schedule("cron(10 21 * * ? *)", timeout=300, uses=("queues",))  # 03:10 in Dhaka
def sweep_archives() -> None:
    """Drop each old month that every tenant has archived; send the tenants of the others to their archives."""
    with database.transaction() as session:
        months = retention.months_past_hot(session)
    left = []
    for month in months:
        with database.transaction() as session:
            missing = retention.drop_if_archived(session, month)
        if missing:
            told = {"month": f"{month:%Y-%m}", "tenants": missing}
            telemetry.logger().warning("A month of the audit log is not archived yet.", extra=told)
            left.append(month)
    if left:
        _send_round(left)


def _send_round(months: list[date]) -> None:
    tenants = [UUID(int=0)]
    while tenants:
        with database.transaction() as session:
            tenants = retention.tenants_with_entries(session, months, last=tenants[-1], most=TENANTS_A_PAGE)
        queues.send(archives.QUEUE, [{"store_id": str(store_id)} for store_id in tenants])


handler = sweep_archives.handler
