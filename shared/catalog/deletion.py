"""Deleting products and variants, and bringing them back within 90 days.

Nothing is deleted at once: a row gets the time of its deletion and is in nobody's way any more. The variants that go
with their product get its very time, so that it is known which ones come back with it.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from shared.catalog import naming, products, variants
from shared.catalog.events import (
    ProductDeleted,
    ProductRestored,
    VariantDeleted,
    VariantRestored,
)
from shared.catalog.models import Product, ProductStatus, Variant
from shared.catalog.schemas import MAX_VARIANTS
from shared.core import audit, clock, outbox
from shared.core.errors import NotFound, Problem
from shared.core.money import Money

RESTORABLE = timedelta(days=90)


class LastVariant(Problem):
    """It is the product's only variant, and a product has at least one."""

    status = 409
    code = "last_variant"
    title = "The only variant"


def delete_product(session: Session, product_id: UUID, *, expected_version: int | None) -> Product:
    """Delete a product with its variants, restorable for 90 days. Orders and open carts keep their copies.

    Raises:
        NotFound: there is no such product, or it was deleted before.
        StaleVersion: it has another version than the expected one.
    """
    product = products.locked(session, product_id, expected_version=expected_version)
    now = clock.now()
    rows: list[Product | Variant] = [product, *product.variants]
    for row in rows:
        row.deleted_at = now
        row.updated_at = now
        row.version += 1
    session.flush()
    _note(session, "product.deleted", product)
    outbox.record(session, ProductDeleted(product_id=product.id, version=product.version))
    for variant in product.variants:
        _tell_deleted(session, variant)
    return product


def restore_product(session: Session, product_id: UUID) -> Product:
    """Bring a deleted product back, with the variants that went with it; one that is not deleted stays as it is.

    Raises:
        NotFound: there is no such product, or it was deleted more than 90 days ago.
        SlugTaken, SkuTaken: its name was given to another meanwhile; rename that one first.
    """
    product = session.scalars(
        select(Product).where(Product.id == product_id).with_for_update(of=Product, key_share=True),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if product is None or _is_gone(product):
        detail = "There is no such product, or it was deleted more than 90 days ago."
        raise NotFound(detail)
    together = select(Variant).where(
        Variant.product_id == product.id,
        Variant.deleted_at.is_not_distinct_from(product.deleted_at),
    )
    present = session.scalars(together.order_by(Variant.position, Variant.id)).all()
    set_committed_value(product, "variants", list(present))
    if product.deleted_at is None:
        return product
    now = clock.now()
    rows: list[Product | Variant] = [product, *product.variants]
    for row in rows:
        row.deleted_at = None
        row.updated_at = now
        row.version += 1
    with naming.refusing_taken_names(session, slug=product.slug, skus=[variant.sku for variant in product.variants]):
        session.flush()
    _note(session, "product.restored", product)
    status = ProductStatus(product.status)
    outbox.record(session, ProductRestored(product_id=product.id, version=product.version, status=status))
    for variant in product.variants:
        _tell_restored(session, variant)
    return product


def delete_variant(session: Session, variant_id: UUID, *, expected_version: int | None) -> Variant:
    """Delete a variant, restorable for 90 days.

    Raises:
        NotFound: there is no such variant, or it or its product was deleted before.
        StaleVersion: it has another version than the expected one.
        LastVariant: it is the only one; delete the product instead.
    """
    product, variant = variants.locked(session, variant_id, expected_version=expected_version)
    others = select(Variant.id).where(
        Variant.product_id == product.id,
        Variant.id != variant_id,
        Variant.deleted_at.is_(None),
    )
    if session.scalars(others.limit(1)).first() is None:
        detail = "This is the product's only variant; delete the product instead."
        raise LastVariant(detail)
    variant.deleted_at = clock.now()
    variant.updated_at = variant.deleted_at
    variant.version += 1
    variants.touch(product)
    session.flush()
    _note(session, "variant.deleted", variant)
    _tell_deleted(session, variant)
    return variant


def restore_variant(session: Session, variant_id: UUID) -> Variant:
    """Bring a deleted variant back; one that is not deleted stays as it is.

    Raises:
        NotFound: there is no such variant, it was deleted more than 90 days ago, or its product is deleted.
        SkuTaken: its SKU was given to another meanwhile; rename that one first.
        TooManyVariants: the product is full.
    """
    product_id = session.scalars(select(Variant.product_id).where(Variant.id == variant_id)).one_or_none()
    if product_id is None:
        raise _no_such_variant()
    product = products.locked(session, product_id)
    variant = session.scalars(select(Variant).where(Variant.id == variant_id)).one()
    if variant.deleted_at is None:
        return variant
    if _is_gone(variant):
        raise _no_such_variant()
    if len(product.variants) >= MAX_VARIANTS:
        detail = f"A product has at most {MAX_VARIANTS} variants; delete another one first."
        raise variants.TooManyVariants(detail)
    variant.deleted_at = None
    variant.updated_at = clock.now()
    variant.version += 1
    variants.touch(product)
    with naming.refusing_taken_names(session, skus=[variant.sku]):
        session.flush()
    _note(session, "variant.restored", variant)
    _tell_restored(session, variant)
    return variant


def _is_gone(row: Product | Variant) -> bool:
    return row.deleted_at is not None and row.deleted_at <= clock.now() - RESTORABLE


def _no_such_variant() -> NotFound:
    return NotFound("There is no such variant, or it was deleted more than 90 days ago.")


def _note(session: Session, action: str, row: Product | Variant) -> None:
    name = {"slug": row.slug} if isinstance(row, Product) else {"sku": row.sku}
    entity = action.partition(".")[0]
    there, gone = {**name, "deleted": False}, {**name, "deleted": True}
    before, after = (there, gone) if row.deleted_at is not None else (gone, there)
    audit.record(session, action=action, entity=entity, entity_id=row.id, before=before, after=after)


def _tell_deleted(session: Session, variant: Variant) -> None:
    gone = VariantDeleted(variant_id=variant.id, product_id=variant.product_id, version=variant.version)
    outbox.record(session, gone)


def _tell_restored(session: Session, variant: Variant) -> None:
    outbox.record(
        session,
        VariantRestored(
            variant_id=variant.id,
            product_id=variant.product_id,
            version=variant.version,
            price=Money(variant.price, variant.currency),
        ),
    )
