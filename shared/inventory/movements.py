"""What every change of what is on hand has in common: who did it, and whom it is told."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from shared.core import clock, context, ids, outbox, tenancy
from shared.inventory.events import StockAdjusted, StockAvailabilityChanged, StockLow
from shared.inventory.models import AdjustmentKind


@dataclass(frozen=True)
class Movement:
    """One level that was changed, as the statement that changed it returned it."""

    variant_id: UUID
    delta: int
    on_hand: int  # after it
    version: int  # after it
    low_stock_threshold: int | None


def demand_values(demand: Mapping[UUID, int]) -> dict[str, Any]:
    """Return a demand as three arrays for `unnest`: a new id each (for a reservation or adjustment), variant, quantity.

    Raises:
        ValueError: a quantity is below one. A bug of the caller's.
    """
    if any(quantity < 1 for quantity in demand.values()):
        message = "A demand has quantities of at least one."
        raise ValueError(message)
    return {
        "ids": [ids.new_id() for _ in demand],
        "variants": list(demand),
        "quantities": list(demand.values()),
    }


def circumstances(session: Session) -> dict[str, Any]:
    """Return what a statement over stock binds besides its demand: the store, the moment, and who acts."""
    scope = context.current()
    principal = scope.principal
    return {
        "store_id": tenancy.require_store(session),
        "now": clock.now(),
        "actor_kind": principal.kind if principal else "system",
        "actor_id": principal.id if principal else None,
        "correlation_id": scope.correlation_id,
    }


def tell(session: Session, movements: Iterable[Movement], kind: AdjustmentKind, order_id: UUID | None = None) -> None:
    """Record the events of changes that were made: each one, and the crossings to a low stock among them.

    Whether a change crossed the threshold is read off itself, under its lock, so of any number at once one tells.
    """
    for moved in sorted(movements, key=lambda one: one.variant_id):
        outbox.record(
            session,
            StockAdjusted(
                variant_id=moved.variant_id,
                version=moved.version,
                kind=kind,
                delta=moved.delta,
                on_hand=moved.on_hand,
                order_id=order_id,
            ),
        )
        threshold, before = moved.low_stock_threshold, moved.on_hand - moved.delta
        if threshold is not None and moved.on_hand <= threshold < before:
            outbox.record(
                session,
                StockLow(
                    variant_id=moved.variant_id,
                    version=moved.version,
                    on_hand=moved.on_hand,
                    low_stock_threshold=threshold,
                ),
            )


class Promise(Protocol):
    """What is read of a row of a statement that changed how much of a variant is promised or sold."""

    @property
    def variant_id(self) -> UUID:
        """Whose level it is."""

    @property
    def version(self) -> int:
        """The level's, after it."""

    @property
    def is_left(self) -> bool:
        """Whether there is some after it."""

    @property
    def turned(self) -> bool:
        """Whether it was the other way before."""


def tell_turned(session: Session, rows: Sequence[Promise | Row[Any]]) -> None:
    """Record that promises took the last unit of something, or gave the first one back.

    `rows`: `variant_id`, `version` of the level after it, `is_left`, and `turned`: whether it was the other way before.
    """
    for row in sorted((row for row in rows if row.turned), key=lambda row: row.variant_id):
        outbox.record(
            session,
            StockAvailabilityChanged(variant_id=row.variant_id, version=row.version, available=row.is_left),
        )
