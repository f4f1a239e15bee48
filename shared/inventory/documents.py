"""A whole product as somebody wants it to be, with what of it is on the shelf."""

from pydantic import Field, StrictBool

from shared.catalog.documents import ProductDocument, VariantDocument
from shared.catalog.fields import MAX_VARIANTS
from shared.inventory.schemas import Threshold, Units


class StockedVariantDocument(VariantDocument):
    """A variant as it shall be, and what of it is counted; what is absent stays as it is."""

    on_hand: Units | None = None
    safety_stock: Units | None = None
    allow_backorder: StrictBool | None = None
    low_stock_threshold: Threshold = None


class StockedProductDocument(ProductDocument):
    """A product as it shall be, whole or in part, with what of its variants is on the shelf."""

    variants: list[StockedVariantDocument] = Field(  # type: ignore[assignment] # nobody adds to what was read
        default_factory=list, max_length=MAX_VARIANTS
    )
