"""Keeping summaries current: which products an event is about, and how the many that share something are gone through.

What happened to a product is refreshed at once. What happened to something that many products show, a brand or an
attribute, is gone through chunk by chunk in the order of ids, each chunk a message of its own: a merchant who renames a
brand of 50,000 products keeps no other change waiting, and a worker that dies loses one chunk's time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy.orm import Session

from shared.catalog import summarizing
from shared.catalog.definition_events import (
    AttributeDeleted,
    AttributeUpdated,
    CustomFieldDeleted,
    CustomFieldUpdated,
)
from shared.catalog.events import (
    ProductCreated,
    ProductDeleted,
    ProductRestored,
    ProductUpdated,
    VariantCreated,
    VariantDeleted,
    VariantRestored,
    VariantUpdated,
)
from shared.catalog.group_events import (
    BrandDeleted,
    BrandRestored,
    BrandUpdated,
    CategoryDeleted,
    CategoryRestored,
    CategoryUpdated,
    LabelDeleted,
    LabelUpdated,
)
from shared.core.outbox import DomainEvent
from shared.inventory.events import StockAdjusted, StockAvailabilityChanged, StockRulesChanged
from shared.media.events import MediaDeleted, MediaReady
from shared.orders.events import OrderCanceled, OrderPlaced
from shared.search import selling, summaries
from shared.search.events import SummariesRebuildRequested

FIRST = UUID(int=0)  # before every product's id

_OF_PRODUCTS = (ProductCreated, ProductUpdated, ProductDeleted, ProductRestored)
_OF_THEIR_VARIANTS = (VariantCreated, VariantUpdated, VariantDeleted, VariantRestored)
_OF_STOCK = (StockAdjusted, StockRulesChanged, StockAvailabilityChanged)
_OF_ORDERS = (OrderPlaced, OrderCanceled)
_OF_MEDIA = (MediaReady, MediaDeleted)

EVENTS: tuple[type[DomainEvent], ...] = (*_OF_PRODUCTS, *_OF_THEIR_VARIANTS, *_OF_STOCK, *_OF_ORDERS, *_OF_MEDIA)

# What changes what products show, how their products are found, and which fields matter (None: whatever changed).
# Where the change took away by what its products were found, all products are gone through.
_CARD = frozenset({"name", "slug", "color", "position"})
_OF_GROUPS: dict[type[DomainEvent], tuple["Kind", str, frozenset[str] | None]] = {
    BrandUpdated: ("brand", "brand_id", _CARD),
    BrandDeleted: ("brand", "brand_id", None),
    BrandRestored: ("brand", "brand_id", None),
    CategoryUpdated: ("category", "category_id", _CARD),
    CategoryDeleted: ("category", "category_id", None),
    CategoryRestored: ("category", "category_id", None),
    LabelUpdated: ("label", "label_id", _CARD),
    LabelDeleted: ("all", "label_id", None),
    AttributeUpdated: ("attribute", "attribute_id", None),
    AttributeDeleted: ("all", "attribute_id", None),
    CustomFieldUpdated: ("all", "custom_field_id", None),
    CustomFieldDeleted: ("all", "custom_field_id", None),
    SummariesRebuildRequested: ("all", "store_id", None),
}
GROUP_EVENTS: tuple[type[DomainEvent], ...] = tuple(_OF_GROUPS)

QUEUE = "product-summaries-due"  # the chunks that are still to come

type Kind = Literal["all", "brand", "category", "label", "attribute"]


@dataclass(frozen=True)
class Stretch:
    """What is still to be gone through: the products of a group, or all of them, that follow one."""

    kind: Kind = "all"
    subject: UUID = FIRST
    after: UUID = FIRST

    def message(self) -> dict[str, str]:
        """Return it as a queue carries it."""
        return {"kind": self.kind, "subject": str(self.subject), "after": str(self.after)}


def follow(session: Session, events: Sequence[DomainEvent]) -> int:
    """Bring summaries up to what these events tell of products, each product once; return how many changed.

    What an event says does not matter beyond whom it is about: what is written is read under the product's lock. So it
    may come late, twice, or before an older one.
    """
    products = {event.product_id for event in events if isinstance(event, (*_OF_PRODUCTS, *_OF_THEIR_VARIANTS))}
    if variants := {event.variant_id for event in events if isinstance(event, _OF_STOCK)}:
        products |= summarizing.products_of_variants(session, variants)
    if media := {event.media_id for event in events if isinstance(event, _OF_MEDIA)}:
        products |= summarizing.products_of_media(session, media)
    changed = summaries.refresh(session, products) if products else 0
    selling.count(
        session,
        placed=[event for event in events if isinstance(event, OrderPlaced)],
        canceled=[event.order_id for event in events if isinstance(event, OrderCanceled)],
    )
    return changed


def stretch_of(event: DomainEvent) -> Stretch | None:
    """Return what an event of a group makes necessary; None: nothing of it is shown."""
    kind, field, matters = _OF_GROUPS[type(event)]
    changed = getattr(event, "changed", None)
    if matters is not None and changed is not None and matters.isdisjoint(changed):
        return None
    if isinstance(event, AttributeUpdated) and "choices" in event.changed:
        kind = "all"  # one may have gone, and with it what its products were found by
    return Stretch(kind, getattr(event, field))


def go_through(session: Session, stretch: Stretch) -> Stretch | None:
    """Refresh the next chunk of a stretch; return what is left of it, None at its end."""
    if stretch.kind == "all":
        products = summaries.all_after(session, stretch.after, summaries.CHUNK)
    else:
        products = summarizing.products_with(
            session, stretch.kind, stretch.subject, after=stretch.after, most=summaries.CHUNK
        )
    summaries.refresh(session, products)
    if len(products) < summaries.CHUNK:
        return None
    return Stretch(stretch.kind, stretch.subject, products[-1])
