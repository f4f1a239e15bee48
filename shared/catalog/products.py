"""Editing products. Only who may publish decides what shoppers see."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared.catalog import declaring
from shared.catalog.documents import ProductDocument
from shared.catalog.models import Product
from shared.catalog.schemas import EditProduct, ImagesOf
from shared.core.errors import NotFound, StaleVersion
from shared.core.principal import Principal

_MAY_BE_TAKEN_AWAY = ("brand", "external_id")


def edit(
    session: Session,
    product_id: UUID,
    wanted: EditProduct,
    *,
    expected_version: int | None,
    by: Principal | None,
) -> None:
    """Change what `wanted` names. An edit that changes nothing leaves version, history and events as they are.

    Edits of one product, its variants included, come one after the other: the product's row is locked first.

    Raises:
        NotFound: there is no such product, or it was deleted.
        StaleVersion: it has another version than the expected one.
        Forbidden: the status would change, and `by` may not publish.
        SlugTaken, ExternalIDTaken: another product has the name.
        ValidationFailed: a field does not fit what the store defines, or names something that does not exist.
    """
    fields = {
        field: value
        for field in wanted.model_fields_set
        if (value := getattr(wanted, field)) is not None or field in _MAY_BE_TAKEN_AWAY
    }
    document = ProductDocument.model_validate({"id": product_id, **fields})
    _declare(session, document, expected_version=expected_version, by=by)


def put_images(
    session: Session,
    product_id: UUID,
    wanted: ImagesOf,
    *,
    expected_version: int | None,
    by: Principal | None,
) -> None:
    """Make these the product's pictures, in this order; what is not among them goes. Nothing changes if they are.

    Raises:
        NotFound: there is no such product, or it was deleted.
        StaleVersion: it has another version than the expected one.
        ValidationFailed: the store has no such picture, or one is named twice.
    """
    document = ProductDocument.model_validate({"id": product_id, "images": wanted.images})
    _declare(session, document, expected_version=expected_version, by=by)


def locked(session: Session, product_id: UUID, *, expected_version: int | None = None) -> Product:
    """Return a product that is not deleted, locked until the commit, without its variants. One statement.

    Raises:
        NotFound: there is no such product, or it was deleted.
        StaleVersion: it has another version than the expected one.
    """
    product = session.scalars(
        select(Product)
        .where(Product.id == product_id, Product.deleted_at.is_(None))
        .with_for_update(of=Product, key_share=True),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if product is None:
        detail = "There is no such product."
        raise NotFound(detail)
    if expected_version is not None and product.version != expected_version:
        raise StaleVersion(product.version)
    return product


def _declare(
    session: Session,
    document: ProductDocument,
    *,
    expected_version: int | None,
    by: Principal | None,
) -> None:
    [change] = declaring.plan(session, [document], currency="", by=by)  # it makes no variant, so no price
    if change.before is not None and expected_version not in (None, change.before.row["version"]):
        raise StaleVersion(change.before.row["version"])
    if change.problem is not None:
        raise change.problem
    try:
        declaring.write(session, [change])
    except IntegrityError as refused:
        problem = declaring.problem_of(refused, change)
        if problem is None:
            raise
        raise problem from None
