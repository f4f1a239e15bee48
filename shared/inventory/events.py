"""What inventory tells the world."""

from typing import ClassVar, Self
from uuid import UUID

from shared.core import ids
from shared.core.outbox import DomainEvent
from shared.core.typeids import OrderId, VariantId
from shared.inventory.models import AdjustmentKind

_EXAMPLE_VARIANT = ids.decode("var", "var_01h455vb4pex5vsknk084sn02q")


class StockAdjusted(DomainEvent):
    """What is on hand of a variant changed: sold, returned, counted, corrected."""

    type: ClassVar[str] = "stock.adjusted"
    entity: ClassVar[str] = "stock_level"

    variant_id: VariantId
    version: int
    kind: AdjustmentKind
    delta: int
    on_hand: int
    order_id: OrderId | None = None

    def subject(self) -> tuple[UUID, int]:
        """Return the variant, at its level's version."""
        return self.variant_id, self.version

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        order_id = ids.decode("ord", "ord_01h455vb4pex5vsknk084sn02q")
        return cls(
            variant_id=_EXAMPLE_VARIANT,
            version=8,
            kind=AdjustmentKind.SALE,
            delta=-2,
            on_hand=10,
            order_id=order_id,
        )


class StockRulesChanged(DomainEvent):
    """Safety stock, backorders or the low-stock threshold of a variant changed."""

    type: ClassVar[str] = "stock.rules_changed"
    entity: ClassVar[str] = "stock_level"

    variant_id: VariantId
    version: int
    safety_stock: int
    allow_backorder: bool
    low_stock_threshold: int | None

    def subject(self) -> tuple[UUID, int]:
        """Return the variant, at its level's version."""
        return self.variant_id, self.version

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(
            variant_id=_EXAMPLE_VARIANT,
            version=9,
            safety_stock=1,
            allow_backorder=False,
            low_stock_threshold=5,
        )


class StockLow(DomainEvent):
    """What is on hand of a variant fell to its threshold or below; told once, until it has risen above it again."""

    type: ClassVar[str] = "stock.low"
    entity: ClassVar[str] = "stock_level"

    variant_id: VariantId
    version: int
    on_hand: int
    low_stock_threshold: int

    def subject(self) -> tuple[UUID, int]:
        """Return the variant, at its level's version."""
        return self.variant_id, self.version

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(variant_id=_EXAMPLE_VARIANT, version=8, on_hand=5, low_stock_threshold=5)


class StockAvailabilityChanged(DomainEvent):
    """Checkouts hold the last unit of a variant now, or gave one back: what is on hand did not change, unlike a sale.

    An expired hold gives back when it is released, within a minute.
    """

    type: ClassVar[str] = "stock.availability_changed"
    entity: ClassVar[str] = "stock_level"

    variant_id: VariantId
    version: int
    available: bool

    def subject(self) -> tuple[UUID, int]:
        """Return the variant, at its level's version."""
        return self.variant_id, self.version

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(variant_id=_EXAMPLE_VARIANT, version=8, available=False)


class InventoryDrifted(DomainEvent):
    """A variant's level is not what its history says: it was changed past the application. Nothing was corrected."""

    type: ClassVar[str] = "inventory.drifted"
    entity: ClassVar[str] = "stock_level"

    variant_id: VariantId
    version: int
    on_hand: int
    on_hand_replayed: int
    reserved: int
    reserved_replayed: int

    def subject(self) -> tuple[UUID, int]:
        """Return the variant, at its level's version."""
        return self.variant_id, self.version

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(
            variant_id=_EXAMPLE_VARIANT,
            version=8,
            on_hand=10,
            on_hand_replayed=12,
            reserved=0,
            reserved_replayed=0,
        )
