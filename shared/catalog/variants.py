"""Making and editing the variants of a product. Each change is one of the product, too, and locks its row first."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.catalog import custom_fields, naming, products
from shared.catalog.documents import Picture
from shared.catalog.events import VariantCreated, VariantUpdated
from shared.catalog.fields import MAX_VARIANTS, title_of
from shared.catalog.models import Product, ProductImage, Variant
from shared.catalog.models.definitions import CustomFieldEntity
from shared.catalog.schemas import EditVariant, NewVariant
from shared.core import audit, clock, errors, ids, outbox
from shared.core.errors import FieldError, NotFound, Problem, StaleVersion, ValidationFailed
from shared.core.money import Money
from shared.stores.queries import present_store

_PLAIN = (  # what schema and row have in common, beside the price
    "external_id",
    "sku",
    "title",
    "option_values",
    "compare_at",
    "cost",
    "barcode",
    "weight_grams",
    "weight_unit",
    "taxable",
    "tax_code",
    "requires_shipping",
    "tracks_stock",
)
_MAY_BE_TAKEN_AWAY = ("compare_at", "cost", "weight_grams", "external_id", "image")


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
        ExternalIDTaken: another variant has the external id.
        TooManyVariants: the product is full.
        ValidationFailed: its option values are not as the product's options, or another variant's; a field of it does
            not fit what the store defines, or names something that does not exist.
    """
    product = products.locked(session, product_id)
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
    if new.image is not None:
        variant.image_id = _image_of(session, product_id, new.image)
    if "custom_fields" in new.model_fields_set:
        variant.custom_fields = _checked(session, new.custom_fields)
    fit_options(product, variant)
    touch(product)
    with naming.refusing_taken_names(session, variant=variant, skus=[variant.sku]):
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
        ExternalIDTaken: another variant has the external id.
        ValidationFailed: the price before would not be above the price, or a field does not fit, as in `add`.
    """
    product, variant = locked(session, variant_id, expected_version=expected_version)
    fields = _wanted(session, product, wanted)
    before = {field: getattr(variant, field) for field in fields}
    changed = tuple(field for field in fields if fields[field] != before[field])
    if not changed:
        return variant
    for field in changed:
        setattr(variant, field, fields[field])
    if variant.compare_at is not None and variant.compare_at <= variant.price:
        raise _not_above()
    fit_options(product, variant)
    variant.version += 1
    variant.updated_at = clock.now()
    touch(product)
    with naming.refusing_taken_names(session, variant=variant, skus=[variant.sku] if "sku" in changed else []):
        session.flush()
    audit.record(
        session,
        action="variant.updated",
        entity="variant",
        entity_id=variant.id,
        before=_told(before),
        after=_told(fields),
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


def from_schema(new: NewVariant, *, product_id: UUID, position: int, currency: str) -> Variant:
    """Make the row of a new variant, but for its picture and its custom fields."""
    now = clock.now()
    return Variant(
        id=ids.new_id(),
        product_id=product_id,
        **{field: getattr(new, field) for field in _PLAIN},
        price=new.price,
        currency=currency,
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


def _wanted(session: Session, product: Product, wanted: EditVariant) -> dict[str, Any]:
    """Return the columns that an edit names."""
    fields = {
        field: value
        for field in type(wanted).model_fields  # in their order, which a set has not
        if field in wanted.model_fields_set
        and ((value := getattr(wanted, field)) is not None or field in _MAY_BE_TAKEN_AWAY)
    }
    if "image" in fields:
        picture = fields.pop("image")
        fields["image_id"] = None if picture is None else _image_of(session, product.id, picture)
    if "custom_fields" in fields:
        fields["custom_fields"] = _checked(session, fields["custom_fields"])
    if product.option_names:
        fields.pop("title", None)  # it follows from the option values
        if "option_values" in fields:
            fields["title"] = title_of(fields["option_values"])
    return fields


def _image_of(session: Session, product_id: UUID, picture: Picture) -> UUID:
    own = select(ProductImage.id).where(
        ProductImage.product_id == product_id, ProductImage.media_id == picture.media_id
    )
    image_id = session.scalars(own).first() if picture.media_id is not None else None
    if image_id is None:
        detail = "This is none of the product's pictures; add it to them first, and name it by its media id."
        raise ValidationFailed(detail, errors=[FieldError(errors.pointer("image"), "unknown_media", detail)])
    return image_id


def _checked(session: Session, given: Mapping[str, Any]) -> dict[str, Any]:
    kept, wrong = custom_fields.checked(custom_fields.definitions(session, CustomFieldEntity.VARIANT), given)
    if wrong:
        raise ValidationFailed(wrong[0].message, errors=wrong)
    return kept


def fit_options(product: Product, variant: Variant) -> None:
    """Hold a variant against its product's options. That no two are alike is the index's to decide."""
    names = product.option_names
    if len(variant.option_values) != len(names):
        told = f"The product has the options {', '.join(names)}" if names else "The product has no options"
        detail = f"{told}; give the variant one value for each, in their order."
        error = FieldError(errors.pointer("option_values"), "not_as_the_options", detail)
        raise ValidationFailed(detail, errors=[error])
    if names:
        variant.title = title_of(variant.option_values)


def _told(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return columns as an audit entry has them."""
    return {field: str(value) if isinstance(value, UUID) else value for field, value in fields.items()}
