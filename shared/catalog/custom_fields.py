"""Fields that merchants added to products and variants: what a store defines, and what of the given values fits it.

Definitions are read in one statement an entity; checking values costs none. The values live in `custom_fields` of the
product or variant, as plain JSON: decimals and dates as text, so that they come back as they were given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from shared.catalog import patterns, values
from shared.catalog.models.definitions import CustomFieldEntity, CustomFieldKind
from shared.core import errors, tenancy
from shared.core.errors import FieldError

MAX_TEXT = 5000  # characters of a text without a length of its own
MAX_URL = 2000  # characters

_LARGEST = 2**53 - 1  # what every JSON reader reads exactly
_PLACES = 10  # decimals of a number

_DEFINITIONS = text("""
select id, entity, key, name, kind, rules, required, shown_to_shoppers, position
from custom_field_definitions
where store_id = :store_id and entity = :entity
order by position, key
""")

_HELD = text(f"{_DEFINITIONS.text} for key share")


@dataclass(frozen=True)
class Field:
    """A field of the store's own. `rules`: minimum, maximum, max_length, pattern, choices, as far as it has them."""

    id: UUID
    entity: CustomFieldEntity
    key: str
    name: str
    kind: CustomFieldKind
    rules: Mapping[str, Any]
    required: bool
    shown_to_shoppers: bool
    position: int


def definitions(session: Session, entity: CustomFieldEntity | str) -> dict[str, Field]:
    """Return the store's fields of products, or of variants, by key, in their order. One statement."""
    return _definitions(session, _DEFINITIONS, entity)


def held_definitions(session: Session, entity: CustomFieldEntity | str) -> dict[str, Field]:
    """Return what `definitions` does, and let nobody change a kind or remove a field until the commit.

    For who is about to store values: those who define wait for those who store, and the other way round.
    """
    return _definitions(session, _HELD, entity)


def checked(
    defined: Mapping[str, Field],
    given: Mapping[str, Any],
    *,
    at: Sequence[str | int] = ("custom_fields",),
) -> tuple[dict[str, Any], list[FieldError]]:
    """Return what is stored of one product's or variant's values, and what is wrong with them. Costs no statement.

    `given` is JSON by key, the whole of it: a required field that is absent is wrong. Null and an empty text are no
    value. `at` is where the values stand in the request, for the errors' pointers.
    """
    kept: dict[str, Any] = {}
    wrong: list[FieldError] = []
    for key, value in given.items():
        try:
            field = _defined(defined, key)
            if value is not None and value != "":
                kept[key] = _read(field, value)
        except values.Unfit as unfit:
            wrong.append(FieldError(errors.pointer(*at, key), unfit.code, unfit.message))
    named = {error.pointer for error in wrong}
    wrong += [
        FieldError(pointer, "required", f"{key} is required.")
        for key, field in defined.items()
        if field.required and key not in kept and (pointer := errors.pointer(*at, key)) not in named
    ]
    return kept, wrong


def _definitions(session: Session, statement: TextClause, entity: CustomFieldEntity | str) -> dict[str, Field]:
    which = {"store_id": tenancy.require_store(session), "entity": str(entity)}
    return {
        row["key"]: Field(**{**row, "entity": CustomFieldEntity(row["entity"]), "kind": CustomFieldKind(row["kind"])})
        for row in session.execute(statement, which).mappings()
    }


def _defined(defined: Mapping[str, Field], key: str) -> Field:
    if key not in defined:
        raise values.Unfit("unknown_field", f"There is no field {key}; define it first.")
    return defined[key]


def _read(field: Field, value: object) -> Any:  # noqa: ANN401 -- the JSON value that is stored
    match field.kind:
        case CustomFieldKind.TEXT:
            return _text(field, value)
        case CustomFieldKind.INTEGER | CustomFieldKind.DECIMAL:
            return _number(field, value)
        case CustomFieldKind.BOOLEAN:
            if not isinstance(value, bool):
                raise values.Unfit("not_a_boolean", f"{field.key} is true or false.")
            return value
        case CustomFieldKind.DATE:
            return _date(field, value)
        case CustomFieldKind.URL:
            return _url(field, value)
        case CustomFieldKind.CHOICE:
            choices = field.rules.get("choices", [])
            if value not in choices:
                raise values.Unfit("unknown_choice", f"{field.key} is one of {', '.join(choices[:20])}.")
            return value


def _text(field: Field, value: object) -> str:
    longest = field.rules.get("max_length", MAX_TEXT)
    if not isinstance(value, str) or len(value) > longest:
        raise values.Unfit("not_a_text", f"{field.key} is a text of at most {longest} characters.")
    pattern = field.rules.get("pattern")
    if pattern is not None and not patterns.matches(pattern, value):
        raise values.Unfit("not_as_the_pattern", f"{field.key} must read as {pattern} says.")
    return value


def _number(field: Field, value: object) -> int | str:
    number, whole = values.number(value), field.kind == CustomFieldKind.INTEGER
    if abs(number) > _LARGEST or round(number, 0 if whole else _PLACES) != number:
        detail = f"{field.key} is a whole number." if whole else f"{field.key} has at most {_PLACES} decimals."
        raise values.Unfit("not_an_integer" if whole else "not_a_number", detail)
    least, most = (None if limit is None else Decimal(limit) for limit in map(field.rules.get, ("minimum", "maximum")))
    if (least is not None and number < least) or (most is not None and number > most):
        bounds = " and ".join(
            f"{word} {values.plain(limit)}" for word, limit in (("from", least), ("up to", most)) if limit is not None
        )
        raise values.Unfit("out_of_range", f"{field.key} is {bounds}.")
    return int(number) if whole else values.plain(number)


def _date(field: Field, value: object) -> str:
    try:
        # Nothing but 2026-03-01: Python alone would take 20260301 and 2026-W09-7 as well.
        day = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        day = None
    if day is None or day.isoformat() != value:
        raise values.Unfit("not_a_date", f"{field.key} is a date such as 2026-03-01.")
    return day.isoformat()


def _url(field: Field, value: object) -> str:
    try:
        parts = urlsplit(value) if isinstance(value, str) and len(value) <= MAX_URL else None
        fits = parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        fits = False
    if not fits or not isinstance(value, str) or any(letter.isspace() for letter in value):
        raise values.Unfit("not_a_url", f"{field.key} is an address that begins with https:// or http://.")
    return value
