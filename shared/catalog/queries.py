"""What other domains read of the catalog."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

import shared.catalog.models  # noqa: F401 -- the tables that the rows of whoever asks here point at
from shared.core import tenancy

# The columns are `Sellable`'s fields, in their order.
_SELLABLE_WHERE = """
select v.id as variant_id, v.product_id, v.sku, p.title as product_title, v.title as variant_title,
       v.price, v.currency, v.compare_at, v.taxable, v.requires_shipping, v.tracks_stock,
       v.deleted_at is null and p.deleted_at is null and p.status = 'active' as on_sale
from variants v join products p on p.store_id = v.store_id and p.id = v.product_id
where v.store_id = :store_id and """
# One array of ids, since for "by these ids, or by these SKUs" PostgreSQL may read all variants of the store.
_SELLABLE = text(
    _SELLABLE_WHERE  # noqa: S608 -- a constant of this module
    + """v.id = any (array(
    select unnest(cast(:variant_ids as uuid[])) union all
    select id from variants
    where store_id = :store_id and deleted_at is null and sku <> '' and sku = any (cast(:skus as text[]))))
"""
)


@dataclass(frozen=True)
class Sellable:
    """What a cart or an order needs to know of a variant, at this moment's price."""

    variant_id: UUID
    product_id: UUID
    sku: str
    product_title: str
    variant_title: str
    price: int  # minor units of `currency`
    currency: str
    compare_at: int | None  # minor units
    taxable: bool
    requires_shipping: bool
    tracks_stock: bool  # false: it is no demand on stock
    on_sale: bool  # false: its product is a draft, archived or deleted, or the variant is deleted


def sellable(
    session: Session,
    variant_ids: Collection[UUID] | None = None,
    skus: Collection[str] | None = None,
) -> dict[UUID, Sellable]:
    """Return variants by id, found by their ids, their SKUs, or both. Unknown ones are absent. One statement.

    A SKU finds what is not deleted; an id finds deleted variants too, as not on sale.
    """
    return by_id(tenancy.run(session, _SELLABLE, _asked(session, variant_ids or (), skus or ())).all())


def ask_for_sellable(session: Session, variant_ids: Collection[UUID]) -> Mapping[UUID, Sellable]:
    """Ask for variants by their ids along with the session's next statement: behind it they are in what is returned.

    One statement, and no round trip.
    """
    found: dict[UUID, Sellable] = {}

    tenancy.ask(session, _SELLABLE, _asked(session, variant_ids, ()), lambda rows: found.update(by_id(rows)))
    return found


def sellable_of(named: str) -> TextClause:
    """Return the statement for variants that rows of another domain name: `named` is a query of their ids.

    It has :store_id, and parameters of its own. For `ask`, and `by_id` of what is heard.
    """
    return text(f"{_SELLABLE_WHERE} v.id = any (array({named}))")  # a constant of that domain, not a caller's text


def by_id(rows: Iterable[Sequence[Any]]) -> dict[UUID, Sellable]:
    """Return the variants of rows of `sellable_of`, by their ids."""
    return {row[0]: Sellable(*row) for row in rows}


def _asked(session: Session, variant_ids: Collection[UUID], skus: Collection[str]) -> dict[str, Any]:
    return {"store_id": tenancy.require_store(session), "variant_ids": list(variant_ids), "skus": list(skus)}
