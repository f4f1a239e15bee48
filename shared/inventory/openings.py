"""Products together with their stock: every variant gets its level when it is made, whether it is counted or not.

So a missing level is never a question. The catalog cannot do this itself, since it knows nothing of stock.
"""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from shared.catalog import variants
from shared.catalog.models import Variant
from shared.core import clock, ids, outbox
from shared.core.errors import Forbidden
from shared.core.principal import Principal
from shared.core.schemas import Schema
from shared.inventory import declaring, movements
from shared.inventory.declaring import Manner
from shared.inventory.documents import StockedProductDocument, StockedVariantDocument
from shared.inventory.events import StockAdjusted
from shared.inventory.models import AdjustmentKind, InventoryAdjustment, StockLevel
from shared.inventory.schemas import NewStockedProduct, NewStockedVariant
from shared.stores.queries import present_store

_ADJUST = "inventory.adjust"


def create_product(session: Session, new: NewStockedProduct, *, by: Principal | None) -> UUID:
    """Make a product with its variants and their levels; what is on the shelf becomes an initial adjustment.

    `by` None is the system itself. As many statements for 2,000 variants as for one.

    Raises:
        Forbidden: it shall be published or stocked, and `by` may not do that.
        SlugTaken, SkuTaken, ExternalIDTaken: another product or variant has the name.
        ValidationFailed: a field does not fit the options or what the store defines, or names what does not exist.
    """
    offers = [StockedVariantDocument.model_validate(_given(one, stock="on_hand")) for one in new.variants]
    document = StockedProductDocument.model_validate(_given(new) | {"variants": offers})
    manner = Manner(by, AdjustmentKind.INITIAL, only_new=True)
    change = declaring.declare_one(session, document, present_store(session), manner)
    if change.problem is not None:
        raise change.problem
    return UUID(change.row["id"])


def add_variant(session: Session, product_id: UUID, new: NewStockedVariant, *, by: Principal | None) -> Variant:
    """Add a variant to a product, with its level.

    Raises:
        NotFound: there is no such product, or it was deleted.
        Forbidden: it shall be stocked, and `by` may not do that.
        SkuTaken, ExternalIDTaken: another variant has the name.
        TooManyVariants: the product is full.
        ValidationFailed: a field does not fit the options or what the store defines, or names what does not exist.
    """
    _require_adjuster(by, new)
    variant = variants.add(session, product_id, new)
    _open_level(session, variant, new)
    return variant


def _given(new: Schema, **renamed: str) -> dict[str, Any]:
    return {renamed.get(field, field): getattr(new, field) for field in new.model_fields_set}


def _open_level(session: Session, variant: Variant, new: NewStockedVariant) -> None:
    now = clock.now()
    given = "low_stock_threshold" in new.model_fields_set
    session.add(
        StockLevel(
            id=ids.new_id(),
            variant_id=variant.id,
            on_hand=new.stock,
            safety_stock=new.safety_stock,
            allow_backorder=new.allow_backorder,
            low_stock_threshold=new.low_stock_threshold
            if given
            else present_store(session).settings.low_stock_threshold,
            created_at=now,
            updated_at=now,
        ),
    )
    if new.stock:
        _note_initial(session, variant.id, new.stock)
    session.flush()


def _note_initial(session: Session, variant_id: UUID, on_hand: int) -> None:
    circumstances = movements.circumstances(session)
    session.add(
        InventoryAdjustment(
            id=ids.new_id(),
            variant_id=variant_id,
            kind=AdjustmentKind.INITIAL,
            delta=on_hand,
            on_hand=on_hand,
            level_version=1,
            reason="",
            actor_kind=circumstances["actor_kind"],
            actor_id=circumstances["actor_id"],
            correlation_id=circumstances["correlation_id"],
            at=circumstances["now"],
        ),
    )
    told = StockAdjusted(variant_id=variant_id, version=1, kind=AdjustmentKind.INITIAL, delta=on_hand, on_hand=on_hand)
    outbox.record(session, told)


def _require_adjuster(by: Principal | None, new: NewStockedVariant) -> None:
    wanted = ("stock", "safety_stock", "allow_backorder", "low_stock_threshold")
    stocked = any(getattr(new, field) for field in wanted)
    if stocked and by is not None and not by.may(_ADJUST):
        detail = f"Only a credential with the permission {_ADJUST} says what is on the shelf; leave it out."
        raise Forbidden(detail)
