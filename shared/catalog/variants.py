"""Making and editing the variants of a product. Each change is one of the product, too, and locks its row first."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.catalog import naming
from shared.catalog.events import VariantCreated, VariantUpdated
from shared.catalog.models import Product, Variant
from shared.catalog.schemas import MAX_VARIANTS, EditVariant, NewVariant
from shared.core import audit, clock, errors, ids, outbox
from shared.core.errors import FieldError, NotFound, Problem, StaleVersion, ValidationFailed
from shared.core.money import Money
from shared.stores.queries import present_store


class TooManyVariants(Problem):
    """The product has as many variants as a product may have."""

    status = 409
    code = "too_many_variants"
    title = "Too many variants"


def add(session: Session, product_id: UUID, new: NewVariant) -> Variant:
    """Add a variant to a product, as its last unless it says its position.

    Raises:
        NotFound: there is no such product, or it was deleted.
        SkuTaken: another variant has the SKU.
        TooManyVariants: the product is full.
    """
    product = lock_product(session, product_id)
    count, last = session.execute(
        select(func.count(), func.coalesce(func.max(Variant.position), 0)).where(
            Variant.product_id == product_id,
            Variant.deleted_at.is_(None),
        ),
    ).one()
    if count >= MAX_VARIANTS:
        detail = f"A product has at most {MAX_VARIANTS} variants; make another product."
        raise TooManyVariants(detail)
    currency = present_store(session).currency
    variant = from_schema(new, product_id=product_id, position=new.position or last + 1, currency=currency)
    touch(product)
    with naming.refusing_taken_names(session, skus=[variant.sku]):
        session.add(variant)
        session.flush()
    audit.record(session, action="variant.created", entity="variant", entity_id=variant.id, after=facts(variant))
    tell_created(session, variant)
    return variant


def edit(session: Session, variant_id: UUID, wanted: EditVariant, *, expected_version: int | None) -> Variant:
    """Change what `wanted` names. An edit that changes nothing leaves versions, history and events as they are.

    Raises:
        NotFound: there is no such variant, or it or its product was deleted.
        StaleVersion: it has another version than the expected one.
        SkuTaken: another variant has the SKU.
        ValidationFailed: the price before would not be above the price.
    """
    product, variant = locked(session, variant_id, expected_version=expected_version)
    fields = {
        field: value
        for field, value in wanted.model_dump(exclude_unset=True).items()
        if value is not None or field == "compare_at"
    }
    before = {field: getattr(variant, field) for field in fields}
    changed = tuple(field for field in fields if fields[field] != before[field])
    if not changed:
        return variant
    for field in changed:
        setattr(variant, field, fields[field])
    if variant.compare_at is not None and variant.compare_at <= variant.price:
        raise _not_above()
    variant.version += 1
    variant.updated_at = clock.now()
    touch(product)
    with naming.refusing_taken_names(session, skus=[variant.sku] if "sku" in changed else []):
        session.flush()
    audit.record(
        session,
        action="variant.updated",
        entity="variant",
        entity_id=variant.id,
        before=before,
        after=fields,
    )
    outbox.record(
        session,
        VariantUpdated(
            variant_id=variant.id,
            product_id=variant.product_id,
            version=variant.version,
            price=Money(variant.price, variant.currency),
            changed=changed,
        ),
    )
    return variant


def locked(
    session: Session,
    variant_id: UUID,
    *,
    expected_version: int | None = None,
) -> tuple[Product, Variant]:
    """Return a variant that is not deleted, and its product, which is locked until the commit. Two statements.

    Raises:
        NotFound: there is no such variant, or it or its product was deleted.
        StaleVersion: the variant has another version than the expected one.
    """
    product_id = select(Variant.product_id).where(Variant.id == variant_id).scalar_subquery()
    product = session.scalars(
        select(Product)
        .where(Product.id == product_id, Product.deleted_at.is_(None))
        .with_for_update(of=Product, key_share=True),
        execution_options={"populate_existing": True},
    ).one_or_none()
    # Read after the lock is had: nobody changes a variant without its product's lock, so this is what it stays.
    variant = session.scalars(
        select(Variant).where(Variant.id == variant_id, Variant.deleted_at.is_(None)),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if product is None or variant is None:
        detail = "There is no such variant."
        raise NotFound(detail)
    if expected_version is not None and variant.version != expected_version:
        raise StaleVersion(variant.version)
    return product, variant


def lock_product(session: Session, product_id: UUID) -> Product:
    """Return a product that is not deleted, locked until the commit, without its variants. One statement.

    Raises:
        NotFound: there is no such product, or it was deleted.
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
    return product


def from_schema(new: NewVariant, *, product_id: UUID, position: int, currency: str) -> Variant:
    """Make the row of a new variant."""
    now = clock.now()
    return Variant(
        id=ids.new_id(),
        product_id=product_id,
        sku=new.sku,
        title=new.title,
        price=new.price,
        compare_at=new.compare_at,
        currency=currency,
        taxable=new.taxable,
        requires_shipping=new.requires_shipping,
        tracks_stock=new.tracks_stock,
        position=position,
        version=1,
        created_at=now,
        updated_at=now,
    )


def touch(product: Product) -> None:
    """Give the product a new version: what it answers with has changed."""
    product.version += 1
    product.updated_at = clock.now()


def facts(variant: Variant) -> dict[str, object]:
    """Return what an audit entry says of a variant."""
    return {
        "sku": variant.sku,
        "title": variant.title,
        "price": variant.price,
        "compare_at": variant.compare_at,
        "currency": variant.currency,
    }


def tell_created(session: Session, variant: Variant) -> None:
    """Record the event of a variant that was made."""
    outbox.record(
        session,
        VariantCreated(
            variant_id=variant.id,
            product_id=variant.product_id,
            version=variant.version,
            price=Money(variant.price, variant.currency),
        ),
    )


def _not_above() -> ValidationFailed:
    detail = "compare_at is what it cost before: it must be above the price."
    return ValidationFailed(detail, errors=[FieldError(errors.pointer("compare_at"), "not_above_the_price", detail)])
