"""What comes in and goes out about stock."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StrictBool, StringConstraints, field_validator

from shared.catalog import fields
from shared.catalog.documents import ProductFacts
from shared.catalog.fields import Title
from shared.catalog.queries import Sellable
from shared.catalog.schemas import NewVariant
from shared.core.schemas import Input, Schema
from shared.core.typeids import AdjustmentId, OrderId, ProductId, VariantId
from shared.inventory.models import AdjustmentKind, InventoryAdjustment, StockLevel

MOST = 10**9  # units; a thousand million of one SKU

Units = Annotated[int, Field(strict=True, ge=0, le=MOST, description="Units.")]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
Threshold = Annotated[
    int | None,
    Field(strict=True, ge=0, le=MOST, description="At or below it the stock is low; null: nobody wants to know."),
]


class NewStockedVariant(NewVariant):
    """A variant to be made, with what of it is on the shelf. The threshold is the store's where it is absent."""

    stock: Units = 0
    safety_stock: Units = 0
    allow_backorder: StrictBool = False
    low_stock_threshold: Threshold = None


class NewStockedProduct(ProductFacts):
    """A product to be made, with what of its variants is on the shelf; a draft, unless its status says otherwise."""

    title: Title
    variants: list[NewStockedVariant] = Field(min_length=1, max_length=fields.MAX_VARIANTS)

    @field_validator("variants")
    @classmethod
    def _skus_differ(cls, variants: list[NewStockedVariant]) -> list[NewStockedVariant]:
        fields.refuse_doubled_skus(variant.sku for variant in variants)
        return variants


class Adjust(Input):
    """A change of what is on hand, by how much. Sales and what orders bring back are recorded by orders."""

    delta: int = Field(strict=True, ge=-MOST, le=MOST, description="Units that came (positive) or went (negative).")
    kind: Literal["manual", "correction", "initial", "import", "return"] = "manual"
    reason: Reason = ""


class SetOnHand(Input):
    """What was counted, against what was there: `expected_on_hand`, or If-Match, says what the count is based on."""

    on_hand: Units
    expected_on_hand: int | None = Field(default=None, strict=True, ge=-MOST, le=MOST)
    kind: Literal["manual", "correction", "initial", "import"] = "correction"
    reason: Reason = ""


class EditRules(Input):
    """By which rules a variant is sold; what is absent stays. `low_stock_threshold: null` ends the alerts."""

    safety_stock: Units | None = None
    allow_backorder: StrictBool | None = None
    low_stock_threshold: Threshold = None


class StockLevelOut(Schema):
    """How much of a variant there is. What expired counts as `reserved` until it is released, within a minute."""

    variant_id: VariantId
    product_id: ProductId
    sku: str
    product_title: str
    variant_title: str
    on_hand: int
    reserved: int
    available: int = Field(description="What shoppers can still buy: on hand, less reserved, less the safety stock.")
    safety_stock: int
    allow_backorder: bool
    low_stock_threshold: int | None
    low: bool
    version: int
    updated_at: datetime

    @classmethod
    def of(cls, level: StockLevel | Any, sellable: Sellable) -> Self:  # noqa: ANN401 -- a model, or a row of its columns
        """Present a level."""
        threshold = level.low_stock_threshold
        return cls(
            variant_id=level.variant_id,
            product_id=sellable.product_id,
            sku=sellable.sku,
            product_title=sellable.product_title,
            variant_title=sellable.variant_title,
            on_hand=level.on_hand,
            reserved=level.reserved,
            available=max(0, level.on_hand - level.reserved - level.safety_stock),
            safety_stock=level.safety_stock,
            allow_backorder=level.allow_backorder,
            low_stock_threshold=threshold,
            low=threshold is not None and level.on_hand <= threshold,
            version=level.version,
            updated_at=level.updated_at,
        )


class AdjustmentOut(Schema):
    """One change of what was on hand, and what was there after it."""

    id: AdjustmentId
    variant_id: VariantId
    kind: AdjustmentKind
    delta: int
    on_hand: int
    reason: str
    order_id: OrderId | None
    actor_kind: str
    actor_id: str | None
    correlation_id: str
    at: datetime

    @classmethod
    def of(cls, adjustment: InventoryAdjustment) -> Self:
        """Present an adjustment."""
        return cls(
            id=adjustment.id,
            variant_id=adjustment.variant_id,
            kind=AdjustmentKind(adjustment.kind),
            delta=adjustment.delta,
            on_hand=adjustment.on_hand,
            reason=adjustment.reason,
            order_id=adjustment.order_id,
            actor_kind=adjustment.actor_kind,
            actor_id=adjustment.actor_id,
            correlation_id=adjustment.correlation_id,
            at=adjustment.at,
        )


class DriftOut(Schema):
    """A level that is not what its history says."""

    variant_id: VariantId
    on_hand: int
    on_hand_replayed: int
    reserved: int
    reserved_replayed: int


class ReconciliationOut(Schema):
    """What replaying every adjustment and reservation came to; `drift` is empty where all is well."""

    levels: int = Field(description="How many levels were compared.")
    drift: list[DriftOut]
