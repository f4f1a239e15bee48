"""Sends every tenant to its daily upkeep."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy.orm import Session

from shared.core import database, queues
from shared.core.functions import schedule
from shared.core.idempotency import PLATFORM_STORE
from shared.stores import upkeep

STORES_A_PAGE = 1000


@schedule("cron(40 20 * * ? *)", timeout=300, uses=("queues",))  # 02:40 in Dhaka, when the fewest people shop
def sweep_upkeep() -> None:
    """Send one message a store, page by page; operators', people's and organizations' records are kept up alike."""
    _send([PLATFORM_STORE])
    _send_each(upkeep.stores_after)
    _send_each(upkeep.others_after)


def _send_each(following: Callable[[Session, UUID, int], list[UUID]]) -> None:
    last = upkeep.FIRST
    while True:
        with database.transaction() as session:
            tenants = following(session, last, STORES_A_PAGE)
        if not tenants:
            return
        _send(tenants)
        last = max(tenants)


def _send(tenants: list[UUID]) -> None:
    queues.send(upkeep.QUEUE, [{"store_id": str(tenant_id)} for tenant_id in tenants])


handler = sweep_upkeep.handler
