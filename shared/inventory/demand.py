"""From a basket to its demand on stock."""

from collections import Counter
from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy.orm import Session

from shared.catalog import components
from shared.catalog.queries import Sellable


def of(session: Session, lines: Iterable[tuple[UUID, int]], sellable: Mapping[UUID, Sellable]) -> dict[UUID, int]:
    """Return the demand of lines (variant, quantity) on stock: summed per variant, bundles taken apart. No statement.

    Variants that do not track stock are left out; so are those that `sellable` does not know.
    """
    wanted = Counter[UUID]()
    for variant_id, quantity in lines:
        found = sellable.get(variant_id)
        if found is not None and found.tracks_stock:
            wanted[variant_id] += quantity
    return dict(components.expand_to_components(session, wanted))
