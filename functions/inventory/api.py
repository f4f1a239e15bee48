"""Stock over HTTP, for merchants. Each route is deployed as a Lambda of its own."""

from typing import Annotated

from fastapi import Depends

from shared.core.errors import StaleVersion
from shared.core.functions import Api
from shared.core.paging import InvalidListing, ListQuery, Page
from shared.core.request import ExpectedVersion, StoreSession
from shared.core.typeids import VariantId
from shared.inventory import queries, reconciliation, stock
from shared.inventory.models import AdjustmentKind
from shared.inventory.queries import ADJUSTMENTS, LEVELS
from shared.inventory.schemas import (
    Adjust,
    AdjustmentOut,
    EditRules,
    ReconciliationOut,
    SetOnHand,
    StockLevelOut,
)
from shared.inventory.stock import BackordersOpen, StockIsReserved, StockMoved

api = Api("inventory", prefix="/api/v1/inventory", audience="merchant")


@api.get("", permission="inventory.read", raises=(InvalidListing,))
def list_stock(query: Annotated[ListQuery, Depends(LEVELS.query)], session: StoreSession) -> Page[StockLevelOut]:
    """List stock levels; `low=true` lists those at or below their threshold."""
    levels, page, total = queries.list_levels(session, query)
    return Page[StockLevelOut](data=levels, page=page, total=total)


@api.get("/adjustments", permission="inventory.read", raises=(InvalidListing,))
def list_adjustments(
    query: Annotated[ListQuery, Depends(ADJUSTMENTS.query)],
    session: StoreSession,
) -> Page[AdjustmentOut]:
    """List what changed stock, the newest first: of everything, of one variant, or of one order."""
    adjustments, page, total = queries.list_adjustments(session, query)
    return Page[AdjustmentOut](data=adjustments, page=page, total=total)


@api.get("/reconciliation", permission="inventory.read", timeout=29, memory=1024)
def reconcile_stock(session: StoreSession) -> ReconciliationOut:
    """Replay every adjustment and reservation, and list the levels that are not what they come to.

    The same runs every night, and tells of drift by the event `inventory.drifted`. Nothing is corrected.
    """
    return reconciliation.compare(session)


@api.get("/{variant_id}", permission="inventory.read")
def get_stock(variant_id: VariantId, session: StoreSession) -> StockLevelOut:
    """Read the stock level of a variant."""
    return queries.get_level(session, variant_id)


@api.patch("/{variant_id}", permission="inventory.adjust", raises=(StaleVersion, BackordersOpen))
def edit_stock_rules(
    variant_id: VariantId,
    edit: EditRules,
    session: StoreSession,
    expected_version: ExpectedVersion,
) -> StockLevelOut:
    """Change safety stock, backorders or the low-stock threshold; what is absent stays."""
    stock.edit_rules(session, variant_id, edit, expected_version=expected_version)
    return queries.get_level(session, variant_id)


@api.post(
    "/{variant_id}/adjustments",
    status_code=201,
    permission="inventory.adjust",
    idempotent=True,
    raises=(StockIsReserved,),
)
def adjust_stock(variant_id: VariantId, adjustment: Adjust, session: StoreSession) -> StockLevelOut:
    """Change what is on hand by a difference: two at once add up."""
    kind = AdjustmentKind(adjustment.kind)
    stock.adjust(session, variant_id, delta=adjustment.delta, kind=kind, reason=adjustment.reason)
    return queries.get_level(session, variant_id)


@api.put(
    "/{variant_id}/on-hand",
    permission="inventory.adjust",
    idempotent=True,
    raises=(StaleVersion, StockMoved, StockIsReserved),
)
def set_stock(
    variant_id: VariantId,
    count: SetOnHand,
    session: StoreSession,
    expected_version: ExpectedVersion,
) -> StockLevelOut:
    """Set what is on hand to a count, if it is still what the count is based on: `expected_on_hand`, or If-Match."""
    stock.set_on_hand(
        session,
        variant_id,
        on_hand=count.on_hand,
        expected_on_hand=count.expected_on_hand,
        expected_version=expected_version,
        kind=AdjustmentKind(count.kind),
        reason=count.reason,
    )
    return queries.get_level(session, variant_id)


handler = api.lambda_handler()
