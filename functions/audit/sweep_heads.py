"""Sends every chain to have its head kept where nobody can change it, once a day."""

from uuid import UUID

from shared.audit import heads
from shared.core import database, queues
from shared.core.functions import schedule

TENANTS_A_PAGE = 1000


@schedule("cron(10 20 * * ? *)", timeout=300, uses=("queues",))  # 02:10 in Dhaka
def sweep_heads() -> None:
    """Send one message a tenant, page by page."""
    tenants = [UUID(int=0)]
    while tenants:
        with database.transaction() as session:
            tenants = heads.tenants_with_chains(session, last=tenants[-1], most=TENANTS_A_PAGE)
        queues.send(heads.QUEUE, [{"store_id": str(store_id)} for store_id in tenants])


handler = sweep_heads.handler
