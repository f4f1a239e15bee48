"""Which events make the edge forget something by themselves, and what.

Products are not among them: what is shown of a product is its summary, so the edge is told when that was refreshed, not
when the product changed. A category, brand, label or attribute is read as it is for the tree and for what lists can be
filtered by; the products that show it follow with their summaries. A store's settings reach everything it shows, as
does the end of a publishable key, which is a part of the cache's key: what was fetched by it has to go.
"""

from sqlalchemy.orm import Session

from shared.catalog.definition_events import AttributeCreated, AttributeDeleted, AttributeUpdated
from shared.catalog.group_events import (
    BrandCreated,
    BrandDeleted,
    BrandRestored,
    BrandUpdated,
    CategoryCreated,
    CategoryDeleted,
    CategoryMoved,
    CategoryRestored,
    CategoryUpdated,
    LabelCreated,
    LabelDeleted,
    LabelUpdated,
)
from shared.core import tenancy
from shared.core.outbox import DomainEvent
from shared.identity.events import CredentialRevoked
from shared.search import surrogates
from shared.stores.events import StoreUpdated

_CATEGORIES = (CategoryCreated, CategoryUpdated, CategoryMoved, CategoryDeleted, CategoryRestored)
_FACETS = (
    BrandCreated,
    BrandUpdated,
    BrandDeleted,
    BrandRestored,
    LabelCreated,
    LabelUpdated,
    LabelDeleted,
    AttributeCreated,
    AttributeUpdated,
    AttributeDeleted,
)
EVENTS: tuple[type[DomainEvent], ...] = (StoreUpdated, CredentialRevoked, *_CATEGORIES, *_FACETS)


def tags_of(session: Session, event: DomainEvent) -> list[str]:
    """Return what the edge has to forget because of one of `EVENTS`, which is the bound store's."""
    store_id = tenancy.require_store(session)
    if isinstance(event, _CATEGORIES):
        return surrogates.changed_category(store_id, event.category_id)
    if isinstance(event, _FACETS):
        return surrogates.changed_groups(store_id)
    return [surrogates.store(store_id)]
