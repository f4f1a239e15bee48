"""Deleting products and variants, and bringing them back within 90 days.

Nothing is deleted at once: a row gets the time of its deletion and is in nobody's way any more. The variants that go
with their product get its very time, so that it is known which ones come back with it.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from shared.catalog import naming, products, variants
from shared.catalog.events import (
    ProductDeleted,
    ProductRestored,
    VariantDeleted,
    VariantRestored,
)
from shared.catalog.fields import MAX_VARIANTS
from shared.catalog.models import Product, ProductStatus, Variant
from shared.core import audit, clock, outbox, tenancy
from shared.core.errors import NotFound, Problem
from shared.core.money import Money

RESTORABLE = timedelta(days=90)

_DELETE_PRODUCTS = text("""
with gone as (
    update products set deleted_at = :at, updated_at = :at, version = version + 1
    where store_id = :store_id and id = any (cast(:product_ids as uuid[])) and deleted_at is null
    returning id, version, slug
)
select id, version, slug from gone order by id
""")
_DELETE_VARIANTS = text("""
with gone as (
    update variants set deleted_at = :at, updated_at = :at, version = version + 1
    where store_id = :store_id and product_id = any (cast(:product_ids as uuid[])) and deleted_at is null
    returning id, product_id, version, position
)
select id, product_id, version from gone order by product_id, position, id
""")
_RESTORE_VARIANTS = text("""
with back as (
    update variants set deleted_at = null, updated_at = :now, version = version + 1
    where store_id = :store_id and product_id = :product_id and deleted_at = :at
    returning id, version, price, currency, position
)
select id, version, price, currency from back order by position, id
""")
# A slug that leads to a product is nobody's former one.
_RECLAIM_SLUG = text("delete from former_slugs where store_id = :store_id and slug = :slug")


class LastVariant(Problem):
    """It is the product's only variant, and a product has at least one."""

    status = 409
    code = "last_variant"
    title = "The only variant"


def delete_product(session: Session, product_id: UUID, *, expected_version: int | None) -> None:
    """Delete a product with its variants, restorable for 90 days. Orders and open carts keep their copies.

    Raises:
        NotFound: there is no such product, or it was deleted before.
        StaleVersion: it has another version than the expected one.
    """
    products.locked(session, product_id, expected_version=expected_version)
    _delete(session, [product_id])


def delete_products(session: Session, product_ids: Collection[UUID]) -> set[UUID]:
    """Delete products with their variants, however many; return those that were there. Three statements.

    They are locked in the order of their ids, as whoever declares them locks them.
    """
    held = session.scalars(
        select(Product.id)
        .where(Product.id.in_(product_ids), Product.deleted_at.is_(None))
        .order_by(Product.id)
        .with_for_update(of=Product, key_share=True),
    ).all()
    if held:
        _delete(session, held)
    return set(held)


def _delete(session: Session, held: Sequence[UUID]) -> None:
    """Delete products whose rows are locked. Two statements."""
    values = {"store_id": tenancy.require_store(session), "product_ids": list(held), "at": clock.now()}
    slugs = {row.id: row for row in session.execute(_DELETE_PRODUCTS, values)}
    gone = session.execute(_DELETE_VARIANTS, values).all()
    for product_id, row in slugs.items():
        audit.record(
            session,
            action="product.deleted",
            entity="product",
            entity_id=product_id,
            before={"slug": row.slug, "deleted": False},
            after={"slug": row.slug, "deleted": True},
        )
        outbox.record(session, ProductDeleted(product_id=product_id, version=row.version))
    for row in gone:
        outbox.record(session, VariantDeleted(variant_id=row.id, product_id=row.product_id, version=row.version))


def restore_product(session: Session, product_id: UUID) -> None:
    """Bring a deleted product back, with the variants that went with it; one that is not deleted stays as it is.

    Raises:
        NotFound: there is no such product, or it was deleted more than 90 days ago.
        SlugTaken, SkuTaken, ExternalIDTaken: its name was given to another meanwhile; rename that one first.
    """
    product = session.scalars(
        select(Product).where(Product.id == product_id).with_for_update(of=Product, key_share=True),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if product is None or _is_gone(product):
        detail = "There is no such product, or it was deleted more than 90 days ago."
        raise NotFound(detail)
    if product.deleted_at is None:
        return
    values = {"store_id": product.store_id, "product_id": product_id, "at": product.deleted_at, "now": clock.now()}
    skus = session.scalars(
        select(Variant.sku).where(Variant.product_id == product_id, Variant.deleted_at == product.deleted_at),
    ).all()
    product.deleted_at = None
    variants.touch(product)
    with naming.refusing_taken_names(session, slug=product.slug, skus=skus):
        session.flush()
        back = session.execute(_RESTORE_VARIANTS, values).all()
    session.execute(_RECLAIM_SLUG, {"store_id": product.store_id, "slug": product.slug})
    _note(session, "product.restored", product)
    status = ProductStatus(product.status)
    outbox.record(session, ProductRestored(product_id=product.id, version=product.version, status=status))
    for row in back:
        price = Money(row.price, row.currency)
        told = VariantRestored(variant_id=row.id, product_id=product_id, version=row.version, price=price)
        outbox.record(session, told)


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
        ValidationFailed: the product has other options now, or another variant with its option values.
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
    present = select(func.count()).where(Variant.product_id == product_id, Variant.deleted_at.is_(None))
    if session.scalars(present).one() >= MAX_VARIANTS:
        detail = f"A product has at most {MAX_VARIANTS} variants; delete another one first."
        raise variants.TooManyVariants(detail)
    variants.fit_options(product, variant)  # they may have changed meanwhile
    variant.deleted_at = None
    variant.updated_at = clock.now()
    variant.version += 1
    variants.touch(product)
    with naming.refusing_taken_names(session, variant=variant, skus=[variant.sku]):
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
