"""What is read of stock: levels and their history. Whether shoppers can have something, `remaining` says."""

from uuid import UUID

from sqlalchemy import and_, select, text
from sqlalchemy.orm import Session

from shared.catalog import queries as catalog
from shared.core import tenancy
from shared.core.errors import NotFound
from shared.core.keysets import Operator
from shared.core.paging import Filter, Listing, ListQuery, PageInfo
from shared.core.typeids import OrderId, VariantId
from shared.inventory.models import AdjustmentKind, InventoryAdjustment, StockLevel
from shared.inventory.schemas import AdjustmentOut, StockLevelOut

_MOMENT: tuple[Operator, ...] = ("gt", "gte", "lt", "lte")

_LEVEL = text("""
select variant_id, on_hand, reserved, safety_stock, allow_backorder, low_stock_threshold, version, updated_at
from stock_levels where store_id = :store_id and variant_id = :variant_id
""")

_IS_LOW = and_(StockLevel.low_stock_threshold.is_not(None), StockLevel.on_hand <= StockLevel.low_stock_threshold)

LEVELS = Listing(
    StockLevel,
    filters={
        "variant_id": Filter(StockLevel.variant_id, ("eq", "in"), accepts=VariantId),
        "low": Filter(_IS_LOW, accepts=bool),
    },
    sorts={"created_at": (StockLevel.id,)},  # ids are made in the order of time
    default_sort="created_at",
)

ADJUSTMENTS = Listing(
    InventoryAdjustment,
    filters={
        "variant_id": Filter(InventoryAdjustment.variant_id, accepts=VariantId),
        "order_id": Filter(InventoryAdjustment.order_id, accepts=OrderId),
        "kind": Filter(InventoryAdjustment.kind, ("eq", "in"), accepts=AdjustmentKind),
        "at": Filter(InventoryAdjustment.at, _MOMENT),
    },
    sorts={"at": (InventoryAdjustment.id,)},
    default_sort="-at",
)


def get_level(session: Session, variant_id: UUID) -> StockLevelOut:
    """Return a variant's level with its names. Two statements, in one round trip.

    Raises:
        NotFound: there is no such variant in this store.
    """
    names = catalog.ask_for_sellable(session, [variant_id])
    values = {"store_id": tenancy.require_store(session), "variant_id": variant_id}
    level = tenancy.run(session, _LEVEL, values).one_or_none()
    if level is None:
        detail = "There is no such variant."
        raise NotFound(detail)
    return StockLevelOut.of(level, names[variant_id])


def list_levels(session: Session, query: ListQuery) -> tuple[list[StockLevelOut], PageInfo, int | None]:
    """Return one page of levels with their names. Two statements."""
    levels, page, total = LEVELS.run(session, query, select(StockLevel))
    names = catalog.sellable(session, [level.variant_id for level in levels])
    return [StockLevelOut.of(level, names[level.variant_id]) for level in levels], page, total


def list_adjustments(session: Session, query: ListQuery) -> tuple[list[AdjustmentOut], PageInfo, int | None]:
    """Return one page of adjustments, the newest first unless the query says otherwise. One statement."""
    adjustments, page, total = ADJUSTMENTS.run(session, query, select(InventoryAdjustment))
    return [AdjustmentOut.of(adjustment) for adjustment in adjustments], page, total
