"""Expired reservations: they do not count, and are released by the sweep, or by whoever is short (`taking`)."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import clock, tenancy
from shared.inventory import movements, taking

QUEUE = "reservation-expiry"
BATCH = 500  # reservations a statement: a few milliseconds of locks on their levels

# SKIP LOCKED: who holds one of these rows is about to use or release it. Locks and levels otherwise as in `taking`.
_RELEASE = text(f"""
with due as materialized (
    select id, variant_id, quantity from stock_reservations
    where store_id = :store_id and expires_at <= :now order by expires_at limit :batch for update skip locked
), freed as (
    select variant_id, sum(quantity)::bigint as quantity from due group by variant_id
), locked as materialized (
    select s.id as level_id, s.variant_id, s.on_hand, s.reserved, s.allow_backorder, f.quantity,
           s.on_hand - s.reserved - s.safety_stock as available
    from (select * from freed order by variant_id) as f cross join lateral (
        select * from stock_levels where store_id = :store_id and variant_id = f.variant_id for no key update
    ) as s
), moved as (
    {taking.setting("l.on_hand", "l.reserved - l.quantity")}
    returning s.variant_id, s.version
), gone as (
    delete from stock_reservations r using due d where r.store_id = :store_id and r.id = d.id
)
select l.variant_id, l.quantity, m.version, true as is_left, (select count(*) from due) as released,
       not l.allow_backorder and l.available <= 0 and l.available + l.quantity > 0 as turned
from locked l join moved m on m.variant_id = l.variant_id
""")  # noqa: S608 -- a constant of `taking`, not a caller's text

_STORES = text("select * from lookup.stores_with_expired_reservations(:now, :batch, :most)")


def release_expired(session: Session) -> int:
    """Release up to `BATCH` expired reservations of the store; return how many. One statement, safe beside itself."""
    values = {"store_id": tenancy.require_store(session), "now": clock.now(), "batch": BATCH}
    rows = session.execute(_RELEASE, values).all()
    movements.tell_turned(session, rows)
    return int(rows[0].released) if rows else 0


def stores_with_expired(session: Session, most: int) -> list[UUID]:
    """Return the stores that have expired reservations among the `most` oldest: once for each batch of theirs."""
    return list(session.scalars(_STORES, {"now": clock.now(), "batch": BATCH, "most": most}))
