"""Expired reservations: they do not count, and are released by the sweep, or by whoever is short (`taking`)."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import clock, tenancy

QUEUE = "reservation-expiry"
BATCH = 500  # reservations a statement: a few milliseconds of locks on their levels

# SKIP LOCKED: who holds one of these rows is about to use or release it. Locks and levels otherwise as in `taking`.
_RELEASE = text("""
with due as materialized (
    select id, variant_id, quantity from stock_reservations
    where store_id = :store_id and expires_at <= :now order by expires_at limit :batch for update skip locked
), freed as (
    select variant_id, sum(quantity)::bigint as quantity from due group by variant_id
), locked as materialized (
    select s.variant_id, s.on_hand, s.reserved, s.allow_backorder, f.quantity
    from stock_levels s join freed f on f.variant_id = s.variant_id
    where s.store_id = :store_id order by s.variant_id for no key update of s
), moved as (
    update stock_levels s
    set on_hand = l.on_hand, reserved = l.reserved - l.quantity, allow_backorder = l.allow_backorder,
        version = s.version + 1, updated_at = :now
    from locked l where s.store_id = :store_id and s.variant_id = l.variant_id
), gone as (
    delete from stock_reservations r using due d where r.store_id = :store_id and r.id = d.id
)
select count(*) from due
""")

_STORES = text("select * from lookup.stores_with_expired_reservations(:now, :batch, :most)")


def release_expired(session: Session) -> int:
    """Release up to `BATCH` expired reservations of the store; return how many. One statement, safe beside itself."""
    values = {"store_id": tenancy.require_store(session), "now": clock.now(), "batch": BATCH}
    return int(session.execute(_RELEASE, values).scalar_one())


def stores_with_expired(session: Session, most: int) -> list[UUID]:
    """Return the stores that have expired reservations among the `most` oldest: once for each batch of theirs."""
    return list(session.scalars(_STORES, {"now": clock.now(), "batch": BATCH, "most": most}))
