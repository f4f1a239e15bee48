"""Going through all products of a store, whole, page by page: for exports."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import tenancy

_FIRST = UUID(int=0)

_PAGE = text("""
select p.id, p.slug, p.title, p.description, p.vendor, p.product_type, p.tags, p.option_names, p.seo_title,
       p.seo_description, p.status,
       (select coalesce(json_agg(v order by v.position, v.id), '[]') from (
            select id, sku, title, option_values, barcode, cost, weight_grams, weight_unit, tax_code, image_id, price,
                   compare_at, currency, taxable, requires_shipping, tracks_stock, position
            from variants where store_id = p.store_id and product_id = p.id and deleted_at is null) v) as variants,
       (select coalesce(json_agg(i order by i.position, i.id), '[]') from (
            select id, media_id, alt, position from product_images
            where store_id = p.store_id and product_id = p.id) i) as images
from products p
where p.store_id = :store_id and p.deleted_at is null and p.id > :after
order by p.id limit :most
""")

_COUNT = text("select count(*) from products where store_id = :store_id and deleted_at is null")


@dataclass(frozen=True)
class WholeProduct:
    """A product with its variants and pictures as plain rows, in their order."""

    id: UUID
    slug: str
    title: str
    description: str
    vendor: str
    product_type: str
    tags: list[str]
    option_names: list[str]
    seo_title: str
    seo_description: str
    status: str
    variants: list[dict[str, Any]]
    images: list[dict[str, Any]]  # id, media_id, alt


def page(session: Session, *, after: UUID | None, most: int) -> list[WholeProduct]:
    """Return up to `most` products after one, in the order in which they were made. One statement."""
    values = {"store_id": tenancy.require_store(session), "after": after or _FIRST, "most": most}
    return [WholeProduct(**row) for row in session.execute(_PAGE, values).mappings()]


def count(session: Session) -> int:
    """Return how many products the store has that are not deleted. One statement."""
    found: int = session.execute(_COUNT, {"store_id": tenancy.require_store(session)}).scalar_one()
    return found
