"""Products and variants as their merchant sees them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, Text, and_, cast, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session, aliased

from shared.catalog import values
from shared.catalog.fields import MAX_VARIANTS
from shared.catalog.models import Product, ProductImage, Variant
from shared.catalog.models.definitions import Attribute, AttributeChoice, AttributeKind, ProductAttribute
from shared.catalog.models.groups import ProductCategory, ProductLabel
from shared.core.errors import NotFound


@dataclass(frozen=True)
class Ties:
    """What hangs on a product beside its variants."""

    images: list[dict[str, Any]]  # id, media_id, position, alt; in their order
    category_ids: list[UUID]
    label_ids: list[UUID]
    attributes: dict[str, Any]  # by code, as `attributes.check_values` takes them


@dataclass(frozen=True)
class ProductView:
    """A product as its merchant sees it."""

    product: Product
    variants: list[Variant]  # in their order; in lists the first of them
    variant_count: int
    ties: Ties


def _array(of: SQLColumnExpression[Any], *order: SQLColumnExpression[Any]) -> ColumnElement[Any]:
    return func.coalesce(func.json_agg(aggregate_order_by(of, *order)), func.json_build_array())


def _hanging_on_it(model: type[Any], of: SQLColumnExpression[Any], *order: SQLColumnExpression[Any]) -> Any:  # noqa: ANN401 -- a scalar subquery
    own = and_(model.store_id == Product.store_id, model.product_id == Product.id)
    return select(_array(of, *order)).select_from(model).where(own).correlate(Product).scalar_subquery()


_PICTURE = func.json_build_object(
    *("id", ProductImage.id, "media_id", ProductImage.media_id),
    *("position", ProductImage.position, "alt", ProductImage.alt),
)
_VALUE = func.json_build_object(
    *("code", Attribute.code, "kind", Attribute.kind, "slug", AttributeChoice.slug),
    *("number", cast(ProductAttribute.number, Text), "flag", ProductAttribute.flag, "words", ProductAttribute.words),
)
_ATTRIBUTES = (
    select(_array(_VALUE, Attribute.position, Attribute.code, AttributeChoice.position, AttributeChoice.slug))
    .select_from(ProductAttribute)
    .join(
        Attribute, and_(Attribute.store_id == ProductAttribute.store_id, Attribute.id == ProductAttribute.attribute_id)
    )
    .outerjoin(
        AttributeChoice,
        and_(AttributeChoice.store_id == ProductAttribute.store_id, AttributeChoice.id == ProductAttribute.choice_id),
    )
    .where(ProductAttribute.store_id == Product.store_id, ProductAttribute.product_id == Product.id)
    .correlate(Product)
    .scalar_subquery()
)

# Selected beside `Product`: pictures, groups and attributes as one JSON, by the indexes that begin with the product.
TIES = func.json_build_object(
    *("images", _hanging_on_it(ProductImage, _PICTURE, ProductImage.position, ProductImage.id)),
    *("categories", _hanging_on_it(ProductCategory, ProductCategory.category_id, ProductCategory.id)),
    *("labels", _hanging_on_it(ProductLabel, ProductLabel.label_id, ProductLabel.id)),
    *("attributes", _ATTRIBUTES),
).label("ties")


def _ties(found: dict[str, Any]) -> Ties:
    shown: dict[str, Any] = {}
    for value in found["attributes"]:
        match value["kind"]:
            case AttributeKind.CHOICES:
                shown.setdefault(value["code"], []).append(value["slug"])
            case AttributeKind.CHOICE:
                shown[value["code"]] = value["slug"]
            case AttributeKind.NUMBER:
                shown[value["code"]] = values.plain(Decimal(value["number"]))
            case AttributeKind.BOOLEAN:
                shown[value["code"]] = value["flag"]
            case _:
                shown[value["code"]] = value["words"]
    return Ties(
        images=[{**one, "id": UUID(one["id"]), "media_id": UUID(one["media_id"])} for one in found["images"]],
        category_ids=[UUID(one) for one in found["categories"]],
        label_ids=[UUID(one) for one in found["labels"]],
        attributes=shown,
    )


def get_product(session: Session, product_id: UUID) -> ProductView:
    """Return a product that is not deleted, with its variants and all that hangs on it. Two statements.

    Raises:
        NotFound: there is none, or it was deleted.
    """
    view = view_product(session, product_id)
    if view.product.deleted_at is not None:
        detail = "There is no such product."
        raise NotFound(detail)
    return view


def view_product(session: Session, product_id: UUID) -> ProductView:
    """Return a product with its variants and all that hangs on it; a deleted one, too. Two statements.

    Raises:
        NotFound: there is none.
    """
    row = session.execute(
        select(Product, TIES).where(Product.id == product_id),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if row is None:
        detail = "There is no such product."
        raise NotFound(detail)
    product, found = row
    return views_of(session, [(product, found)], most=MAX_VARIANTS)[0]


def views_of(session: Session, rows: Sequence[Any], *, most: int) -> list[ProductView]:
    """Return products with their ties and their first `most` variants each. One statement, none for no rows.

    `rows` are products and what `TIES` selected. A deleted product has the variants that went with it.
    """
    if not rows:
        return []
    alive = [row[0].id for row in rows if row[0].deleted_at is None]
    own: list[ColumnElement[bool]] = [and_(Variant.product_id.in_(alive), Variant.deleted_at.is_(None))]
    gone = [(row[0].id, row[0].deleted_at) for row in rows if row[0].deleted_at is not None]
    if gone:
        own.append(tuple_(Variant.product_id, Variant.deleted_at).in_(gone))
    # One scan, and no join: so it costs the same whatever the planner knows of a store that was just filled.
    ranked = (
        select(
            Variant,
            func.row_number()
            .over(partition_by=Variant.product_id, order_by=(Variant.position, Variant.id))
            .label("place"),
            func.count().over(partition_by=Variant.product_id).label("of"),
        )
        .where(or_(*own))
        .subquery()
    )
    first = aliased(Variant, ranked)
    found = session.execute(
        select(first, ranked.c.of).where(ranked.c.place <= most).order_by(first.position, first.id),
        execution_options={"populate_existing": True},
    )
    variants: dict[UUID, list[Variant]] = {row[0].id: [] for row in rows}
    counts: dict[UUID, int] = {}
    for variant, of in found:
        variants[variant.product_id].append(variant)
        counts[variant.product_id] = of
    return [
        ProductView(product, variants[product.id], counts.get(product.id, 0), _ties(found)) for product, found in rows
    ]


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
