"""The lists of products: the merchant's, with drafts and what was deleted, and the shopper's, of what is on sale."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session, selectinload

from shared.catalog.models import Product, ProductStatus, Variant
from shared.core.errors import NotFound
from shared.core.keysets import Operator
from shared.core.paging import Filter, Listing, ListQuery, PageInfo

_MOMENT: tuple[Operator, ...] = ("gt", "gte", "lt", "lte")


def _by_words(text: str) -> ColumnElement[bool]:
    of_sku = and_(
        Variant.store_id == Product.store_id,
        Variant.product_id == Product.id,
        Variant.deleted_at.is_(None),
        Variant.sku.istartswith(text, autoescape=True),
    )
    return or_(Product.title.icontains(text, autoescape=True), exists().where(of_sku))


# Searching reads the store's titles one by one, since under row-level security no text index can be used: right for
# some thousand products, and what a search domain will be for.
PRODUCTS = Listing(
    Product,
    filters={
        "status": Filter(Product.status, ("eq", "ne", "in"), accepts=ProductStatus),
        "slug": Filter(Product.slug),
        "created_at": Filter(Product.created_at, _MOMENT),
        "updated_at": Filter(Product.updated_at, _MOMENT),
        "deleted_at": Filter(Product.deleted_at, ("null", *_MOMENT)),
    },
    sorts={
        "created_at": (Product.created_at,),
        "updated_at": (Product.updated_at,),
        "title": (Product.title,),
    },
    default_sort="-created_at",
    search=_by_words,
)

ON_SALE = Listing(
    Product,
    filters={},
    sorts={"created_at": (Product.created_at,), "title": (Product.title,)},
    default_sort="-created_at",
    search=_by_words,
)

_VARIANTS_AS_JSON = (
    select(
        func.jsonb_agg(
            aggregate_order_by(
                func.jsonb_build_object(
                    *(
                        "id",
                        Variant.id,
                        "sku",
                        Variant.sku,
                        "title",
                        Variant.title,
                        "tracks_stock",
                        Variant.tracks_stock,
                    ),
                    *("price", Variant.price, "compare_at", Variant.compare_at, "currency", Variant.currency),
                ),
                Variant.position,
                Variant.id,
            ),
        ),
    )
    .where(
        Variant.store_id == Product.store_id,
        Variant.product_id == Product.id,
        Variant.deleted_at.is_(None),
    )
    .correlate(Product)
    .scalar_subquery()
)

type ShelfRow = tuple[UUID, str, str, str, list[dict[str, Any]]]


def list_products(session: Session, query: ListQuery) -> tuple[list[Product], PageInfo, int | None]:
    """Return one page of the store's products with their variants. Two statements.

    Deleted ones only when the query asks about `deleted_at`.
    """
    base = select(Product)
    if any(condition.field == "deleted_at" for condition in query.conditions):
        base = base.options(selectinload(Product.variants))
    else:
        base = base.where(Product.deleted_at.is_(None))
        base = base.options(selectinload(Product.variants.and_(Variant.deleted_at.is_(None))))
    return PRODUCTS.run(session, query, base)


def list_on_sale(session: Session, query: ListQuery) -> tuple[list[ShelfRow], PageInfo, int | None]:
    """Return one page of what shoppers see: id, slug, title, description, and the variants as JSON. One statement."""
    rows, page, total = ON_SALE.run(session, query, _shelf())
    return [_row(row) for row in rows], page, total


def get_on_sale(session: Session, slug: str) -> ShelfRow:
    """Return what shoppers see of one product, found by its slug. One statement.

    Raises:
        NotFound: no active product has the slug.
    """
    row = session.execute(_shelf().where(Product.slug == slug)).one_or_none()
    if row is None:
        detail = "There is no such product."
        raise NotFound(detail)
    return _row(row)


def _shelf() -> Select[Any, Any, Any, Any, Any]:
    return select(Product.id, Product.slug, Product.title, Product.description, _VARIANTS_AS_JSON).where(
        Product.status == ProductStatus.ACTIVE,
        Product.deleted_at.is_(None),
    )


def _row(row: Any) -> ShelfRow:  # noqa: ANN401 -- whichever row of `_shelf`
    return row[0], row[1], row[2], row[3], row[4] or []
