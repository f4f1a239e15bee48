"""Names that are unique in a store among what is not deleted: slugs and SKUs.

The database decides, by its unique indexes; here its refusal becomes a sentence that a merchant understands.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared.catalog.models import Product, Variant
from shared.core import errors
from shared.core.errors import FieldError, Problem

_LONGEST = 80  # characters of a slug that we make; leaves room for a number


class SlugTaken(Problem):
    """Another product of the store, not deleted, has this slug."""

    status = 409
    code = "slug_taken"
    title = "Slug already taken"


class SkuTaken(Problem):
    """Another variant of the store, not deleted, has this SKU."""

    status = 409
    code = "sku_taken"
    title = "SKU already taken"


def free_slug(session: Session, title: str) -> str:
    """Make a slug of a title that no product has now: "tea-mug", or "tea-mug-2". One statement.

    Titles in other scripts than Latin give "product". Of two makers at one moment the later is told `SlugTaken`.
    """
    ascii_title = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_title).strip("-")[:_LONGEST].strip("-") or "product"
    alike = select(Product.slug).where(
        Product.deleted_at.is_(None),
        Product.slug.startswith(slug, autoescape=True),
    )
    taken = set(session.scalars(alike))
    number = 2
    while slug in taken and f"{slug}-{number}" in taken:
        number += 1
    return f"{slug}-{number}" if slug in taken else slug


@contextmanager
def refusing_taken_names(session: Session, *, slug: str = "", skus: Collection[str] = ()) -> Iterator[None]:
    """Flush inside this block: a name that is taken raises its problem. The transaction can then only be rolled back.

    SKUs are looked up before, so that the merchant is told which of them are taken: PostgreSQL, under row-level
    security, does not tell. One statement where there are any; the indexes decide what happens at the same moment.

    Raises:
        SlugTaken: another product has the slug.
        SkuTaken: other variants have some of the SKUs.
    """
    if skus:
        found = select(Variant.sku).where(Variant.sku.in_(skus), Variant.deleted_at.is_(None)).order_by(Variant.sku)
        if taken := session.scalars(found).all():
            raise _skus_taken(taken)
    try:
        yield
    except IntegrityError as refused:
        told = refused.orig.args[0] if refused.orig is not None and refused.orig.args else None
        index = told.get("n") if isinstance(told, dict) else None
        if index == "products_by_slug":
            raise _slug_taken(slug) from None
        if index == "variants_by_sku":
            raise _skus_taken(sorted(skus)) from None
        raise


def _slug_taken(slug: str) -> SlugTaken:
    detail = f"Another product has the slug {slug}; give this one another."
    return SlugTaken(detail, errors=[FieldError(errors.pointer("slug"), "slug_taken", detail)], slug=slug)


def _skus_taken(skus: Sequence[str]) -> SkuTaken:
    detail = f"There are other variants with the SKU {', '.join(skus)}; give these others."
    return SkuTaken(detail, errors=[FieldError(errors.pointer("sku"), "sku_taken", detail)], skus=list(skus))
