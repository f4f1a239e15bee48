"""Proving stock: replays every adjustment and reservation, and reports each level that is not what they come to.

Nothing is corrected here: a level that drifted was changed past the application, and only somebody at the shelf knows
which of the two numbers is right.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import outbox, telemetry, tenancy
from shared.inventory.events import InventoryDrifted
from shared.inventory.schemas import DriftOut, ReconciliationOut

QUEUE = "stock-reconciliation"
BATCH = 500  # levels a statement, so that a long history stays within the time of one

_FIRST = UUID(int=0)

# One statement sees one moment: a sale changes level, history and reservation at once, before it or after it.
_REPLAY = text("""
with batch as materialized (
    select variant_id, on_hand, reserved, version from stock_levels
    where store_id = :store_id and variant_id > :after order by variant_id limit :batch
)
select b.variant_id, b.on_hand, b.reserved, b.version,
       (select coalesce(sum(a.delta), 0) from inventory_adjustments a
        where a.store_id = :store_id and a.variant_id = b.variant_id)::bigint as on_hand_replayed,
       (select coalesce(sum(r.quantity), 0) from stock_reservations r
        where r.store_id = :store_id and r.variant_id = b.variant_id)::bigint as reserved_replayed
from batch b order by b.variant_id
""")

_STORES = text("select * from lookup.stores_with_stock(:after, :most)")


@dataclass(frozen=True)
class Replayed:
    """A level, and what its history comes to."""

    variant_id: UUID
    on_hand: int
    reserved: int
    version: int
    on_hand_replayed: int
    reserved_replayed: int

    @property
    def drifted(self) -> bool:
        """Tell whether the two differ."""
        return (self.on_hand, self.reserved) != (self.on_hand_replayed, self.reserved_replayed)


def replay(session: Session) -> Iterator[Replayed]:
    """Rebuild every level of the store from its history, in the order of variants. A statement for each 500."""
    after = _FIRST
    while True:
        values = {"store_id": tenancy.require_store(session), "after": after, "batch": BATCH}
        rows = [Replayed(**row) for row in session.execute(_REPLAY, values).mappings()]
        yield from rows
        if len(rows) < BATCH:
            return
        after = rows[-1].variant_id


def compare(session: Session) -> ReconciliationOut:
    """Return how many levels there are, and those that drifted."""
    levels = list(replay(session))
    drift = [
        DriftOut(
            variant_id=one.variant_id,
            on_hand=one.on_hand,
            on_hand_replayed=one.on_hand_replayed,
            reserved=one.reserved,
            reserved_replayed=one.reserved_replayed,
        )
        for one in levels
        if one.drifted
    ]
    return ReconciliationOut(levels=len(levels), drift=drift)


def report_drift(session: Session) -> int:
    """Tell the world and the log of every level that drifted; return how many did."""
    drifted = [one for one in replay(session) if one.drifted]
    for one in drifted:
        outbox.record(
            session,
            InventoryDrifted(
                variant_id=one.variant_id,
                version=one.version,
                on_hand=one.on_hand,
                on_hand_replayed=one.on_hand_replayed,
                reserved=one.reserved,
                reserved_replayed=one.reserved_replayed,
            ),
        )
    if drifted:
        telemetry.logger().error(
            "Stock levels are not what their history says.",
            extra={
                "store_id": str(tenancy.require_store(session)),
                "levels": len(drifted),
                "variants": [str(one.variant_id) for one in drifted[:20]],
            },
        )
    return len(drifted)


def stores_with_stock(session: Session, *, after: UUID, most: int) -> list[UUID]:
    """Return the next stores that have levels, in the order of their ids."""
    return list(session.scalars(_STORES, {"after": after, "most": most}))
