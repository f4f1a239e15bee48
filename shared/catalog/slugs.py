"""Slugs of brands, categories and labels: made of names, and refused where another has them.

The database decides, by its unique indexes; here its refusal becomes a sentence that a merchant understands.
"""

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared.catalog.models.definitions import Attribute, AttributeChoice, CustomFieldDefinition
from shared.catalog.models.groups import Brand, Category, Label
from shared.catalog.naming import SlugTaken
from shared.core import errors
from shared.core.errors import FieldError, Problem

_LONGEST = 80  # characters of a slug that we make; leaves room for a number

type Named = Brand | Category | Label | AttributeChoice

_UNIQUE = {
    "brands_by_slug": ("brand", "slug"),
    "categories_by_slug": ("category", "slug"),
    "labels_store_id_slug_key": ("label", "slug"),
    "attribute_choices_store_id_attribute_id_slug_key": ("choice of the attribute", "slug"),
    "attributes_store_id_code_key": ("attribute", "code"),
    "custom_field_definitions_store_id_entity_key_key": ("field", "key"),
}


class CodeTaken(Problem):
    """Another attribute, or another field of the same kind of thing, has this code or key."""

    status = 409
    code = "code_taken"
    title = "Code already taken"


def from_name(name: str, otherwise: str) -> str:
    """Make a slug of a name: "tea-mugs"; of one in another script than Latin, `otherwise`."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:_LONGEST].strip("-") or otherwise


def free(session: Session, kind: type[Brand] | type[Category] | type[Label], name: str) -> str:
    """Make a slug of a name that no other of its kind has now: "mugs", or "mugs-2". One statement.

    Of two makers at one moment the later is told `SlugTaken`.
    """
    slug = from_name(name, kind.__name__.lower())
    alike = select(kind.slug).where(kind.slug.startswith(slug, autoescape=True))
    if kind is not Label:
        alike = alike.where(kind.__table__.columns.deleted_at.is_(None))
    return numbered(slug, set(session.scalars(alike)))


def numbered(slug: str, taken: set[str]) -> str:
    """Return the slug, with the first free number behind it if it is taken."""
    number = 2
    while slug in taken and f"{slug}-{number}" in taken:
        number += 1
    return f"{slug}-{number}" if slug in taken else slug


@contextmanager
def refusing_taken(session: Session, row: Named | Attribute | CustomFieldDefinition) -> Iterator[None]:
    """Flush the row, at the end of this block: a name that is taken raises its problem.

    The transaction can then only be rolled back.

    Raises:
        SlugTaken: another of its kind has the slug.
        CodeTaken: another has the attribute's code, or the field's key.
    """
    yield
    # Read before: a flush that failed leaves nothing to be read.
    names = {field: getattr(row, field, None) for _, field in _UNIQUE.values()}
    try:
        session.flush()
    except IntegrityError as refused:
        told = refused.orig.args[0] if refused.orig is not None and refused.orig.args else None
        index = told.get("n") if isinstance(told, dict) else None
        if index not in _UNIQUE:
            raise
        what, field = _UNIQUE[index]
        detail = f"Another {what} has the {field} {names[field]}; give this one another."
        problem: type[Problem] = SlugTaken if field == "slug" else CodeTaken
        at = [FieldError(errors.pointer(field), problem.code, detail)]
        raise problem(detail, errors=at, slug=names[field]) if field == "slug" else problem(detail, errors=at) from None
