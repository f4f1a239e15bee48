"""Selling from stock, and taking back what was sold.

Demand is summed per variant over the whole basket, bundles' components included, before it comes here. Variants that do
not track stock are no demand: whoever builds one leaves them out (`demand.of`). All of it is taken, or nothing.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import tenancy
from shared.inventory import movements, taking
from shared.inventory.models import AdjustmentKind
from shared.inventory.movements import Movement
from shared.inventory.shortage import OutOfStock
from shared.inventory.taking import FellShort

__all__ = ["FellShort", "OutOfStock", "restock", "sell", "sell_along", "sell_held"]


class _Sold(NamedTuple):
    """A row of `_SELL`."""

    variant_id: UUID
    wanted: int
    suffices: bool
    available: int
    is_done: bool
    on_hand: int
    version: int
    low_stock_threshold: int | None
    is_left: bool
    turned: bool


_SELL = taking.statement(f"""
, moved as (
    {taking.setting("l.on_hand - l.wanted", "l.reserved - l.freed - l.held", of="locked l, verdict v where v.granted")}
    returning s.variant_id, s.on_hand, s.version, s.low_stock_threshold
), gone as (
    delete from stock_reservations using verdict v where v.granted and store_id = :store_id and <touched>
), noted as (
    insert into inventory_adjustments (store_id, id, variant_id, kind, delta, on_hand, level_version, order_id,
                                       actor_kind, actor_id, correlation_id, at)
    select :store_id, l.id, l.variant_id, 'sale', -l.wanted, m.on_hand, m.version, cast(:order_id as uuid),
           :actor_kind, :actor_id, :correlation_id, :now
    from moved m join locked l on l.variant_id = m.variant_id where l.wanted > 0
)
select d.variant_id, d.wanted, coalesce(l.suffices, false) as suffices,
       greatest(coalesce(l.available, 0), 0) as available, coalesce(l.suffices, false) as is_done,
       m.on_hand, m.version, m.low_stock_threshold, true as is_left,
       d.wanted = 0 and not l.allow_backorder and l.available > 0 and l.available <= l.held as turned
from demand d left join locked l on l.variant_id = d.variant_id left join moved m on m.variant_id = d.variant_id
""")  # noqa: S608 -- a constant of `taking`, here and below, not a caller's text

# Never more comes back than went out for the order: what was sold without counting is not counted when it returns.
# `ledger` is materialized, or else an index by which it could be grouped may be preferred to that which finds it.
_RESTOCK = text(f"""
with want as (
    select * from unnest(cast(:ids as uuid[]), cast(:variants as uuid[]), cast(:quantities as bigint[]))
        as w (id, variant_id, quantity)
), ledger as materialized (
    select variant_id, delta from inventory_adjustments where store_id = :store_id and order_id = :order_id
), sold as (
    select variant_id, -sum(delta)::bigint as quantity from ledger group by variant_id
), back as materialized (
    select w.id, w.variant_id, least(w.quantity, sold.quantity) as quantity
    from want w join sold on sold.variant_id = w.variant_id where sold.quantity > 0
), locked as materialized (
    select s.id as level_id, s.variant_id, s.on_hand, s.reserved, s.allow_backorder, b.id, b.quantity
    from (select * from back order by variant_id) as b cross join lateral (
        select * from stock_levels where store_id = :store_id and variant_id = b.variant_id for no key update
    ) as s
), moved as (
    {taking.setting("l.on_hand + l.quantity", "l.reserved")}
    returning s.variant_id, s.on_hand, s.version, s.low_stock_threshold
), returned as materialized (
    select l.id, m.variant_id, l.quantity, m.on_hand, m.version, m.low_stock_threshold
    from moved m join locked l on l.variant_id = m.variant_id
), noted as (
    insert into inventory_adjustments (store_id, id, variant_id, kind, delta, on_hand, level_version, reason, order_id,
                                       actor_kind, actor_id, correlation_id, at)
    select :store_id, id, variant_id, 'return', quantity, on_hand, version, :reason, :order_id,
           :actor_kind, :actor_id, :correlation_id, :now
    from returned
)
select variant_id, quantity, on_hand, version, low_stock_threshold from returned
""")  # noqa: S608 -- as above


def sell(session: Session, order_id: UUID, demand: Mapping[UUID, int]) -> None:
    """Take a demand (quantities by variant) from stock for an order that held nothing before. One statement.

    The contended rows of a shop are locked until the commit: call it as late as the order allows.

    Raises:
        OutOfStock: something is short, expired reservations not counted; nothing was taken.
    """
    _sell(session, order_id, demand, holder_id=None)


def sell_along(session: Session, order_id: UUID, demand: Mapping[UUID, int], *, holder_id: UUID | None) -> None:
    """Take a demand for an order along with the session's next statement, as `sell` and `sell_held` do. No round trip.

    Raises, from that next statement:
        FellShort: something is short. Go back to a savepoint before this, and sell alone, which makes room.
    """
    if not demand and holder_id is None:
        return
    values = movements.circumstances(session) | movements.demand_values(demand)
    taking.take_along(
        session,
        _SELL,
        {**values, "order_id": order_id, "holder_id": holder_id},
        lambda rows: _tell(session, order_id, [_Sold(*row) for row in rows]),
    )


def sell_held(session: Session, holder_id: UUID, order_id: UUID, demand: Mapping[UUID, int]) -> None:
    """Take a demand for an order, using up all that `holder_id` has reserved. One statement.

    What the holder reserved beyond the demand is released; what of it has expired and was released meanwhile is taken
    anew if there is enough.

    Raises:
        OutOfStock: something is short; nothing was taken, and the reservation stands.
    """
    _sell(session, order_id, demand, holder_id=holder_id)


def restock(session: Session, order_id: UUID, demand: Mapping[UUID, int], reason: str) -> dict[UUID, int]:
    """Put back what an order had taken; return what was put back, by variant. One statement.

    Of each variant at most what the order took and has not brought back yet, so a repeated call changes nothing.
    Variants that were sold without counting are left out by that. The order's own row must be locked by the caller.
    """
    if not demand:
        return {}
    values = movements.circumstances(session) | movements.demand_values(demand)
    rows = tenancy.run(session, _RESTOCK, {**values, "order_id": order_id, "reason": reason}).all()
    moved = [Movement(row.variant_id, row.quantity, row.on_hand, row.version, row.low_stock_threshold) for row in rows]
    movements.tell(session, moved, AdjustmentKind.RETURN, order_id)
    return {one.variant_id: one.delta for one in moved}


def _sell(session: Session, order_id: UUID, demand: Mapping[UUID, int], *, holder_id: UUID | None) -> None:
    if not demand and holder_id is None:
        return
    values = movements.circumstances(session) | movements.demand_values(demand)
    rows = taking.take(session, _SELL, {**values, "order_id": order_id, "holder_id": holder_id})
    _tell(session, order_id, [_Sold._make(row) for row in rows])


def _tell(session: Session, order_id: UUID, rows: Sequence[_Sold]) -> None:
    sold = [
        Movement(row.variant_id, -row.wanted, row.on_hand, row.version, row.low_stock_threshold)
        for row in rows
        if row.wanted
    ]
    movements.tell(session, sold, AdjustmentKind.SALE, order_id)
    movements.tell_turned(session, rows)  # of what was held and is not bought
