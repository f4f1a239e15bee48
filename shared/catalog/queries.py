"""What other domains, and the merchant, read of the catalog."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session, selectinload

from shared.catalog.models import Product, Variant
from shared.core import tenancy
from shared.core.errors import NotFound

_SELLABLE = text("""
select v.id as variant_id, v.product_id, v.sku, p.title as product_title, v.title as variant_title,
       v.price, v.currency, v.compare_at, v.taxable, v.requires_shipping, v.tracks_stock,
       v.deleted_at is null and p.deleted_at is null and p.status = 'active' as on_sale
from variants v join products p on p.store_id = v.store_id and p.id = v.product_id
where v.store_id = :store_id
  and (v.id = any (cast(:variant_ids as uuid[])) or v.deleted_at is null and v.sku = any (cast(:skus as text[])))
""")


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
    values = {
        "store_id": tenancy.require_store(session),
        "variant_ids": list(variant_ids or ()),
        "skus": list(skus or ()),
    }
    rows = session.execute(_SELLABLE, values).mappings()
    return {row["variant_id"]: Sellable(**row) for row in rows}


def get_product(session: Session, product_id: UUID) -> Product:
    """Return a product that is not deleted, with its variants. Two statements.

    Raises:
        NotFound: there is none, or it was deleted.
    """
    product = session.scalars(
        select(Product)
        .where(Product.id == product_id, Product.deleted_at.is_(None))
        .options(selectinload(Product.variants.and_(Variant.deleted_at.is_(None)))),
    ).one_or_none()
    if product is None:
        detail = "There is no such product."
        raise NotFound(detail)
    return product


def get_variant(session: Session, variant_id: UUID) -> Variant:
    """Return a variant that is not deleted.

    Raises:
        NotFound: there is none, or it or its product was deleted.
    """
    variant = session.scalars(
        select(Variant).where(Variant.id == variant_id, Variant.deleted_at.is_(None)),
    ).one_or_none()
    if variant is None:
        detail = "There is no such variant."
        raise NotFound(detail)
    return variant
