"""The merchant's list of products, with drafts and what was deleted. Shoppers are served from their own summaries."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, Uuid, any_, bindparam, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from shared.catalog import views
from shared.catalog.models import Product, ProductStatus, Variant
from shared.catalog.models.groups import ProductCategory, ProductLabel
from shared.catalog.views import ProductView
from shared.core import tenancy
from shared.core.keysets import Operator
from shared.core.paging import Filter, Listing, ListQuery, PageInfo
from shared.core.typeids import BrandId, CategoryId, LabelId

SHOWN_VARIANTS = 50  # of each product: a page of products with 2,000 variants each is more than a Lambda can answer

_MOMENT: tuple[Operator, ...] = ("gt", "gte", "lt", "lte")


@dataclass(frozen=True)
class _Among(Filter):
    """A filter by something that products have several of: `products` selects the ids of those that have it."""

    products: Callable[[Any], Select[UUID]] = lambda _: select(Product.id)

    def clause(self, operator: Operator, value: Any) -> ColumnElement[bool]:  # noqa: ANN401 -- what `read` returned
        """Return the SQL condition: the product is among those of this value, or of any of these."""
        values = value if operator == "in" else [value]
        return Product.id.in_(self.products(values))


@dataclass(frozen=True)
class _Tagged(Filter):
    """A filter by a tag."""

    def clause(self, _operator: Operator, value: Any) -> ColumnElement[bool]:  # noqa: ANN401 -- a text
        """Return the SQL condition."""
        return _looked_for(tag=value)


def _looked_for(*, words: str | None = None, tag: str | None = None) -> ColumnElement[bool]:
    """Return the condition that a product is among those found by indexes that row-level security keeps from others."""
    found = func.lookup.look_for_products(
        bindparam(None, tenancy.bound_store(), Uuid),
        literal(words, String),
        literal(tag, String),
    )
    # As an array: so the planner expects few of them, and reads these by their ids rather than all of the store.
    return Product.id == any_(func.array(select(found).scalar_subquery(), type_=ARRAY(Uuid)))


def _by_words(text: str) -> ColumnElement[bool]:
    return _looked_for(words=text)


def _with_sku(skus: list[str]) -> Select[UUID]:
    return select(Variant.product_id).where(Variant.sku.in_(skus), Variant.sku != "", Variant.deleted_at.is_(None))


PRODUCTS = Listing(
    Product,
    filters={
        "status": Filter(Product.status, ("eq", "ne", "in"), accepts=ProductStatus),
        "slug": Filter(Product.slug, ("eq", "in")),
        "external_id": Filter(Product.external_id, ("eq", "in")),
        "vendor": Filter(Product.vendor, ("eq", "in")),
        "product_type": Filter(Product.product_type, ("eq", "in")),
        "brand_id": Filter(Product.brand_id, ("eq", "in", "null"), accepts=BrandId),
        "category_id": _Among(
            ProductCategory.category_id,
            ("eq", "in"),
            accepts=CategoryId,
            products=lambda ids: select(ProductCategory.product_id).where(ProductCategory.category_id.in_(ids)),
        ),
        "label_id": _Among(
            ProductLabel.label_id,
            ("eq", "in"),
            accepts=LabelId,
            products=lambda ids: select(ProductLabel.product_id).where(ProductLabel.label_id.in_(ids)),
        ),
        "sku": _Among(Variant.sku, ("eq", "in"), products=_with_sku),
        "tag": _Tagged(Product.title),
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


def list_products(session: Session, query: ListQuery) -> tuple[list[ProductView], PageInfo, int | None]:
    """Return one page of the store's products, with the first `SHOWN_VARIANTS` variants of each. Two statements.

    Deleted ones only when the query asks about `deleted_at`.
    """
    base = select(Product, views.TIES)
    if not any(condition.field == "deleted_at" for condition in query.conditions):
        base = base.where(Product.deleted_at.is_(None))
    rows, page, total = PRODUCTS.run(session, query, base)
    return views.views_of(session, rows, most=SHOWN_VARIANTS), page, total
