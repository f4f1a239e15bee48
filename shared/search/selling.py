"""How much of each product was sold lately, which is what `bestselling` means.

Each order adds to it when its event comes, and takes its part away when it is canceled. Once a night all of it is
counted anew from the orders, since days go by without any event.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import clock, tenancy
from shared.orders import units as orders
from shared.orders.events import OrderPlaced

LATELY = timedelta(days=90)

# Locked in the order of ids before any is changed, as whoever writes several rows of this table does.
_LOCKED = """
with told as (
    select * from unnest(cast(:products as uuid[]), cast(:units as bigint[])) as t (id, units)
), locked as materialized (
    select s.id from product_summaries s where s.store_id = :store_id and {which} order by s.id for no key update
)
update product_summaries s set sold = {sold}
from locked l left join told t on t.id = l.id where s.store_id = :store_id and s.id = l.id
"""
_ADD = text(
    _LOCKED.format(which="s.id = any (cast(:products as uuid[]))", sold="greatest(0, s.sold + t.units)"),
)
_SET = text(
    _LOCKED.format(
        which="""s.sold <> coalesce((select units from told where told.id = s.id), 0)""",
        sold="coalesce(t.units, 0)",
    ),
)


def count(session: Session, *, placed: Sequence[OrderPlaced], canceled: Collection[UUID]) -> None:
    """Count what these orders bought, less what those that were canceled had. Two statements; none for no orders."""
    units: Counter[UUID] = Counter()
    for event in placed:
        for line in event.lines:
            units[line.product_id] += line.quantity
    if canceled:
        units.subtract(orders.units_of(session, canceled, since=clock.now() - LATELY))
    if units:
        session.execute(_ADD, _values(session, units))


def recount(session: Session) -> int:
    """Set what every product of the store sold to what its orders say; return how many were not. Two statements."""
    units = orders.units_sold(session, since=clock.now() - LATELY)
    return int(getattr(session.execute(_SET, _values(session, units)), "rowcount", 0))


def _values(session: Session, units: Mapping[UUID, int]) -> dict[str, object]:
    return {
        "store_id": tenancy.require_store(session),
        "products": list(units),
        "units": list(units.values()),
    }
