"""Names that are unique in a store among what is not deleted: slugs and SKUs.

The database decides, by its unique indexes; here its refusal becomes a sentence that a merchant understands.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared.catalog.models import Product, Variant
from shared.core import errors, ids
from shared.core.errors import FieldError, Problem, ValidationFailed

_LONGEST = 80  # characters of a slug that we make; leaves room for a number
_NUMBERS = 20  # of a title are tried; a shop that has more of it gets slugs with letters


class SlugTaken(Problem):
    """Another of its kind in the store, not deleted, has this slug."""

    status = 409
    code = "slug_taken"
    title = "Slug already taken"


class SkuTaken(Problem):
    """Another variant of the store, not deleted, has this SKU."""

    status = 409
    code = "sku_taken"
    title = "SKU already taken"


class ExternalIDTaken(Problem):
    """Another product or variant of the store, not deleted, has this external id."""

    status = 409
    code = "external_id_taken"
    title = "External id already taken"


def slug_of(title: str) -> str:
    """Make a slug of a title: "tea-mug". Titles in other scripts than Latin give "product"."""
    ascii_title = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_title).strip("-")[:_LONGEST].strip("-") or "product"


def free_slugs(session: Session, titles: Collection[str]) -> dict[str, list[str]]:
    """Return, by the slug of each title, what of "tea-mug", "tea-mug-2", ... no product has now. One statement.

    Of two makers at one moment the later is told `SlugTaken`.
    """
    times = Counter(slug_of(title) for title in titles)
    offered = {
        slug: [slug, *(f"{slug}-{number}" for number in range(2, _NUMBERS + wanted))] for slug, wanted in times.items()
    }
    # Looked up one by one in the index, rather than by their beginning: that would be no index condition under
    # row-level security, and a shop may have a hundred thousand.
    every = [slug for slugs in offered.values() for slug in slugs]
    taken = set(session.scalars(select(Product.slug).where(Product.deleted_at.is_(None), Product.slug.in_(every))))
    return {base: [slug for slug in slugs if slug not in taken] for base, slugs in offered.items()}


def some_slug(base: str) -> str:
    """Make a slug that nobody has, where a shop has many of a title: "tea-mug-0k3v9s2d"."""
    return f"{base}-{ids.encode('s', ids.new_id())[-8:]}"


@contextmanager
def refusing_taken_names(
    session: Session,
    *,
    slug: str = "",
    skus: Collection[str] = (),
    variant: Variant | None = None,
) -> Iterator[None]:
    """Flush inside this block: a name that is taken raises its problem. The transaction can then only be rolled back.

    SKUs are looked up before, so that the merchant is told which of them are taken: PostgreSQL, under row-level
    security, does not tell. One statement where there are any; the indexes decide what happens at the same moment.

    Raises:
        SlugTaken: another product has the slug.
        SkuTaken: other variants have some of the SKUs.
        ExternalIDTaken: another product, or another variant than this one, has its external id.
        ValidationFailed: another variant of the product has the option values of this one.
    """
    named = [sku for sku in skus if sku]
    if named:
        found = select(Variant.sku).where(Variant.sku.in_(named), Variant.deleted_at.is_(None)).order_by(Variant.sku)
        if taken := session.scalars(found).all():
            raise skus_taken(taken)
    # Read before: what a failed flush leaves of the row cannot be asked for anything.
    external_ids = [variant.external_id] if variant is not None and variant.external_id is not None else []
    option_values = list(variant.option_values) if variant is not None else []
    try:
        yield
    except IntegrityError as refused:
        told = refused.orig.args[0] if refused.orig is not None and refused.orig.args else None
        index = told.get("n") if isinstance(told, dict) else None
        if index == "products_by_slug":
            raise slug_taken(slug) from None
        if index == "variants_by_sku":
            raise skus_taken(sorted(skus)) from None
        if index in ("variants_by_external_id", "products_by_external_id"):
            raise external_ids_taken(external_ids) from None
        if index == "variants_by_options":
            raise _alike(option_values) from None
        raise


def slug_taken(slug: str) -> SlugTaken:
    """Return the refusal of a slug."""
    detail = f"Another product has the slug {slug}; give this one another."
    return SlugTaken(detail, errors=[FieldError(errors.pointer("slug"), "slug_taken", detail)], slug=slug)


def external_id_taken(external_id: str) -> ExternalIDTaken:
    """Return the refusal of a product's external id."""
    detail = f"Another product has the external id {external_id}; give this one another."
    error = FieldError(errors.pointer("external_id"), "external_id_taken", detail)
    return ExternalIDTaken(detail, errors=[error], external_ids=[external_id])


def external_ids_taken(external_ids: Sequence[str]) -> ExternalIDTaken:
    """Return the refusal of variants' external ids."""
    detail = f"There are other variants with the external id {', '.join(external_ids)}; give these others."
    error = FieldError(errors.pointer("variants"), "external_id_taken", detail)
    return ExternalIDTaken(detail, errors=[error], external_ids=list(external_ids))


def skus_taken(skus: Sequence[str]) -> SkuTaken:
    """Return the refusal of SKUs."""
    detail = f"There are other variants with the SKU {', '.join(skus)}; give these others."
    return SkuTaken(detail, errors=[FieldError(errors.pointer("sku"), "sku_taken", detail)], skus=list(skus))


def _alike(option_values: Sequence[str]) -> ValidationFailed:
    detail = f"Another variant is {' / '.join(option_values)} already; give this one other option values."
    return ValidationFailed(detail, errors=[FieldError(errors.pointer("option_values"), "given_twice", detail)])
