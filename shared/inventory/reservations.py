"""Reservations: what a checkout is promised until a moment, so that nobody else is sold it.

A reserved unit is counted twice: in its level's `reserved`, which every sale looks at, and in a row that says whose it
is and how long. Both change in one statement, under the level's lock.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import clock, tenancy
from shared.inventory import movements, sales, taking
from shared.inventory.shortage import OutOfStock

__all__ = ["OutOfStock", "consume", "hold", "release"]

_SET_RESERVED = taking.setting(
    "l.on_hand",
    "l.reserved - l.freed - l.held + l.wanted",
    of="locked l, verdict v where v.granted and (l.wanted <> l.held or l.freed > 0)",
)

# `added` meets a row only if the same holder reserved in another transaction at the same moment; then the attempt is
# undone, and the next one sees that row.
_HOLD = taking.statement(f"""
, moved as (
    {_SET_RESERVED}
    returning s.variant_id, s.version
), gone as (
    delete from stock_reservations using verdict v
    where v.granted and store_id = :store_id and <touched>
      and (holder_id <> :holder_id or variant_id <> all (cast(:variants as uuid[])))
), kept as (
    update stock_reservations r set quantity = d.wanted, expires_at = :expires_at
    from demand d, verdict v
    where v.granted and d.held > 0 and d.wanted > 0
      and r.store_id = :store_id and r.holder_id = :holder_id and r.variant_id = d.variant_id
), added as (
    insert into stock_reservations as r (store_id, id, holder_id, variant_id, quantity, created_at, expires_at)
    select :store_id, d.id, :holder_id, d.variant_id, d.wanted, :now, :expires_at
    from demand d, verdict v
    where v.granted and d.held = 0
    on conflict (store_id, holder_id, variant_id) do nothing
    returning r.variant_id
)
select d.variant_id, d.wanted, coalesce(l.suffices, false) as suffices,
       greatest(coalesce(l.available, 0), 0) as available,
       coalesce(l.suffices, false) and (d.held > 0 or a.variant_id is not null) as is_done,
       m.version, l.available > l.wanted as is_left,
       not l.allow_backorder and (l.available > l.held) <> (l.available > l.wanted) as turned
from demand d left join locked l on l.variant_id = d.variant_id left join added a on a.variant_id = d.variant_id
left join moved m on m.variant_id = d.variant_id
""")  # noqa: S608 -- a constant of `taking`, here and below, not a caller's text

_RELEASE = text(f"""
with mine as materialized (
    select id, variant_id, quantity from stock_reservations
    where store_id = :store_id and holder_id = :holder_id
    order by variant_id for update
), locked as materialized (
    select s.id as level_id, s.variant_id, s.on_hand, s.reserved, s.allow_backorder, m.quantity,
           s.on_hand - s.reserved - s.safety_stock as available
    from (select * from mine order by variant_id) as m cross join lateral (
        select * from stock_levels where store_id = :store_id and variant_id = m.variant_id for no key update
    ) as s
), moved as (
    {taking.setting("l.on_hand", "l.reserved - l.quantity")}
    returning s.variant_id, s.version
), gone as (
    delete from stock_reservations using (select count(*) from locked) as l
    where store_id = :store_id and holder_id = :holder_id
)
select l.variant_id, l.quantity, m.version, true as is_left,
       not l.allow_backorder and l.available <= 0 and l.available + l.quantity > 0 as turned
from locked l join moved m on m.variant_id = l.variant_id
""")  # noqa: S608 -- as above


def hold(session: Session, holder_id: UUID, demand: Mapping[UUID, int], expires_at: datetime) -> None:
    """Reserve a demand (quantities by variant) for a holder until `expires_at`, instead of what it held. One statement.

    Demand is summed per variant before it comes here, and leaves out variants that do not track stock (`demand.of`).

    Raises:
        OutOfStock: something is short, expired reservations not counted; nothing changed, what was held stays held.
        Unavailable: the same holder reserves in several transactions at once, again and again.
    """
    values = {
        **movements.demand_values(demand),
        "store_id": tenancy.require_store(session),
        "now": clock.now(),
        "holder_id": holder_id,
        "expires_at": expires_at,
    }
    movements.tell_turned(session, taking.take(session, _HOLD, values))


def release(session: Session, holder_id: UUID) -> dict[UUID, int]:
    """Give back what a holder has reserved; return it, by variant. One statement; nothing held is nothing to do."""
    values = {"store_id": tenancy.require_store(session), "holder_id": holder_id, "now": clock.now()}
    rows = session.execute(_RELEASE, values).all()
    movements.tell_turned(session, rows)
    return {row.variant_id: row.quantity for row in rows}


def consume(session: Session, holder_id: UUID, order_id: UUID, demand: Mapping[UUID, int]) -> None:
    """Turn a reservation into an order's sales. One statement; see `sales.sell_held`.

    Raises:
        OutOfStock: the reservation is gone or smaller than the demand, and not enough is left; nothing was taken.
    """
    sales.sell_held(session, holder_id, order_id, demand)
