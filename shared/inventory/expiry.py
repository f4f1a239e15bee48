"""Expired reservations: they do not count, and are released by the sweep, or at once by whoever is short of them."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import clock, tenancy

QUEUE = "reservation-expiry"
BATCH = 500  # reservations a statement: a few milliseconds of locks on their levels

_RELEASE = """
with due as materialized (
    select id, variant_id, quantity from stock_reservations
    where store_id = :store_id and expires_at <= :now {which}
), freed as (
    select variant_id, sum(quantity) as quantity from due group by variant_id
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
"""

# Levels are locked and set as in `sales`. The sweep passes by what another transaction has in hand, since that is about
# to use or release it. Who is short waits for it instead, in the order in which everybody locks reservations, and with
# no level locked.
_SWEEP = text(_RELEASE.format(which="order by expires_at limit :batch for update skip locked"))
_MAKE_ROOM = text(
    _RELEASE.format(
        which="and variant_id = any (cast(:variants as uuid[])) order by variant_id, holder_id limit :batch for update",
    ),
)

_STORES = text("select * from lookup.stores_with_expired_reservations(:now, :batch, :most)")


def release_expired(session: Session) -> int:
    """Release up to `BATCH` expired reservations of the store; return how many. One statement, safe beside itself."""
    return int(session.execute(_SWEEP, _values(session)).scalar_one())


def begin_attempt(session: Session) -> None:
    """Begin to take stock in such a way that `make_room` can undo it. Travels with the next statement."""
    tenancy.prelude(session, "savepoint stock")


def make_room(session: Session, variants: Collection[UUID]) -> None:
    """Undo the attempt, locks included, and release expired reservations of the variants that it was short of."""
    tenancy.prelude(session, "rollback to savepoint stock")
    session.execute(_MAKE_ROOM, {**_values(session), "variants": list(variants)})


def stores_with_expired(session: Session, most: int) -> list[UUID]:
    """Return the stores that have expired reservations among the `most` oldest: once for each batch of theirs."""
    return list(session.scalars(_STORES, {"now": clock.now(), "batch": BATCH, "most": most}))


def _values(session: Session) -> dict[str, Any]:
    return {"store_id": tenancy.require_store(session), "now": clock.now(), "batch": BATCH}
