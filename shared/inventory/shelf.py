"""What shoppers see: active products, their prices, and whether they can be had now. Two statements a page.

Stands here, because it needs the catalog and the stock, and inventory may know the catalog.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from shared.catalog import listing
from shared.catalog.listing import ShelfRow
from shared.core.money import Money
from shared.core.paging import ListQuery, PageInfo
from shared.inventory import queries
from shared.inventory.schemas import ShelfProductOut, ShelfVariantOut


def list_products(session: Session, query: ListQuery) -> tuple[list[ShelfProductOut], PageInfo, int | None]:
    """Return one page of active products."""
    rows, page, total = listing.list_on_sale(session, query)
    return _present(session, rows), page, total


def get_product(session: Session, slug: str) -> ShelfProductOut:
    """Return one active product by its slug.

    Raises:
        NotFound: no active product has the slug.
    """
    return _present(session, [listing.get_on_sale(session, slug)])[0]


def _present(session: Session, rows: Sequence[ShelfRow]) -> list[ShelfProductOut]:
    counted = [UUID(one["id"]) for *_, variants in rows for one in variants if one["tracks_stock"]]
    left = queries.left(session, counted) if counted else {}
    shown = []
    for product_id, slug, title, description, variants in rows:
        offers = [
            ShelfVariantOut(
                id=UUID(one["id"]),
                sku=one["sku"],
                title=one["title"],
                price=Money(one["price"], one["currency"]),
                compare_at=None if one["compare_at"] is None else Money(one["compare_at"], one["currency"]),
                in_stock=not one["tracks_stock"] or left.get(UUID(one["id"]), 0) != 0,
            )
            for one in variants
        ]
        shown.append(
            ShelfProductOut(
                id=product_id,
                slug=slug,
                title=title,
                description=description,
                in_stock=any(offer.in_stock for offer in offers),
                variants=offers,
            ),
        )
    return shown
