"""How many units orders hold, by product; what was canceled was not sold."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import tenancy

# Along orders_by_creation, then each order's lines.
_SOLD = text("""
select l.product_id, cast(sum(l.quantity) as bigint) as units
from orders o join order_lines l on l.store_id = o.store_id and l.order_id = o.id
where o.store_id = :store_id and o.created_at >= :since and o.status <> 'canceled' group by l.product_id
""")

_OF = text("""
select l.product_id, cast(sum(l.quantity) as bigint) as units
from orders o join order_lines l on l.store_id = o.store_id and l.order_id = o.id
where o.store_id = :store_id and o.id = any (cast(:order_ids as uuid[])) and o.created_at >= :since
group by l.product_id
""")


def units_sold(session: Session, *, since: datetime) -> dict[UUID, int]:
    """Return the units that orders from a moment on hold. One statement, which costs time with each of these orders."""
    values = {"store_id": tenancy.require_store(session), "since": since}
    return {row.product_id: row.units for row in session.execute(_SOLD, values)}


def units_of(session: Session, order_ids: Collection[UUID], *, since: datetime) -> dict[UUID, int]:
    """Return the units of these orders, canceled ones too, if they were placed from a moment on. One statement."""
    values = {"store_id": tenancy.require_store(session), "order_ids": list(order_ids), "since": since}
    return {row.product_id: row.units for row in session.execute(_OF, values)}
