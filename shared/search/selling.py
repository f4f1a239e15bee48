"""How much of each product was sold lately, which is what `bestselling` means.

Each order adds to it when its event comes, and takes its part away when it is canceled. Once a night all of it is
counted anew from the orders, since days go by without any event; then the store's `FRONT` bestsellers are put in front,
where a search finds what many products have (see the migration `find_in_one_store`).
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
FRONT = 4_000  # products: of a word that one of 27 has, those in front are as many as a search ranks

# Locked in the order of ids before any is changed, as whoever writes several rows of this table does.
_ADD = text("""
with told as (
    select * from unnest(cast(:products as uuid[]), cast(:units as bigint[])) as t (id, units)
), locked as materialized (
    select s.id from product_summaries s
    where s.store_id = :store_id and s.id = any (cast(:products as uuid[])) order by s.id for no key update
)
update product_summaries s set sold = greatest(0, s.sold + t.units)
from locked l join told t on t.id = l.id where s.store_id = :store_id and s.id = l.id
""")
_SET = text("""
with told as (
    select * from unnest(cast(:products as uuid[]), cast(:units as bigint[])) as t (id, units)
), wanted as materialized (
    select s.id, coalesce(t.units, 0) as sold,
           row_number() over (order by coalesce(t.units, 0) desc, s.id desc) <= :front as front
    from product_summaries s left join told t on t.id = s.id where s.store_id = :store_id
), locked as materialized (
    select s.id, w.sold, w.front from product_summaries s join wanted w on w.id = s.id
    where s.store_id = :store_id and (s.sold, s.front) is distinct from (w.sold, w.front)
    order by s.id for no key update of s
)
update product_summaries s set sold = l.sold, front = l.front
from locked l where s.store_id = :store_id and s.id = l.id
""")


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
    """Set what every product of the store sold to what its orders say, and whether it stands in front.

    Returns how many were not what they should be. Two statements.
    """
    units = orders.units_sold(session, since=clock.now() - LATELY)
    return int(getattr(session.execute(_SET, {**_values(session, units), "front": FRONT}), "rowcount", 0))


def _values(session: Session, units: Mapping[UUID, int]) -> dict[str, object]:
    return {
        "store_id": tenancy.require_store(session),
        "products": list(units),
        "units": list(units.values()),
    }
