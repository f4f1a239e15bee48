"""Attributes as products have them: what a store defines, and what of a merchant's values fits it.

Definitions are read in one statement; checking a product's values costs none, so that hundreds of products are checked
in the time of one. Whoever stores the values does so in one statement for all its products.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from shared.catalog import values
from shared.catalog.models.definitions import AttributeKind
from shared.core import errors, tenancy
from shared.core.errors import FieldError

MAX_CHOSEN = 50  # choices that one product has in one attribute
MAX_WORDS = 1000  # characters of a text

_NUMBER_LIMIT = Decimal(10) ** 14  # of numeric(20, 6)
_NUMBER_PLACES = 6

read_number = values.number  # what a row holds, as JSON has it, is read as what is given

_DEFINITIONS = text("""
select a.id, a.code, a.name, a.kind, a.unit, a.filterable, a.position,
       coalesce(
           (select jsonb_agg(jsonb_build_object('id', c.id, 'slug', c.slug, 'name', c.name)
                             order by c.position, c.name, c.id)
            from attribute_choices c where c.store_id = a.store_id and c.attribute_id = a.id), '[]') as choices
from attributes a
where a.store_id = :store_id and (:whole or a.code = any (cast(:codes as text[])))
order by a.position, a.code
""")

_HELD = text(f"{_DEFINITIONS.text} for key share of a")

_VALUES = text("""
select v.product_id, a.code, v.choice_id, v.number, v.flag, v.words
from product_attributes v
join attributes a on a.store_id = v.store_id and a.id = v.attribute_id
left join attribute_choices c
       on c.store_id = v.store_id and c.attribute_id = v.attribute_id and c.id = v.choice_id
where v.store_id = :store_id and v.product_id = any (cast(:product_ids as uuid[]))
order by v.product_id, a.position, a.code, c.position, c.name, c.id
""")


@dataclass(frozen=True)
class Choice:
    """One value that an attribute offers."""

    id: UUID
    slug: str
    name: str


@dataclass(frozen=True)
class Definition:
    """An attribute of the store, with its choices in their order."""

    id: UUID
    code: str
    name: str
    kind: AttributeKind
    unit: str  # of a number
    filterable: bool
    position: int
    choices: Mapping[str, Choice]  # by slug


@dataclass(frozen=True)
class AttributeValue:
    """One row of `product_attributes`, but for its product: exactly one of the last four holds something."""

    attribute_id: UUID
    choice_id: UUID | None = None
    number: Decimal | None = None
    flag: bool | None = None
    words: str | None = None


def definitions(session: Session, codes: Collection[str] | None = None) -> dict[str, Definition]:
    """Return the store's attributes by code, in their order; with `codes`, those alone. One statement."""
    return _read(session, _DEFINITIONS, codes)


def held_definitions(session: Session, codes: Collection[str] | None = None) -> dict[str, Definition]:
    """Return what `definitions` does, and let nobody change a kind, or remove one or a choice, until the commit.

    For who is about to store values: those who define wait for those who store, and the other way round.
    """
    return _read(session, _HELD, codes)


def check_values(
    defined: Mapping[str, Definition],
    given: Mapping[str, Any],
    *,
    at: Sequence[str | int] = ("attributes",),
) -> tuple[list[AttributeValue], list[FieldError]]:
    """Return the rows that one product's values make, and what is wrong with them; no rows are to be stored if any is.

    `given` is JSON by code: a choice is its slug, choices are a list of slugs, a number is a JSON number or its
    decimal text, a boolean and a text are themselves; null and an empty list are no value. `at` is where the values
    stand in the request, for the errors' pointers. Costs no statement.
    """
    rows: list[AttributeValue] = []
    wrong: list[FieldError] = []
    for code, value in given.items():
        try:
            rows += _rows(_defined(defined, code), value)
        except values.Unfit as unfit:
            wrong.append(FieldError(errors.pointer(*at, code), unfit.code, unfit.message))
    return rows, wrong


def presented(defined: Mapping[str, Definition], rows: Iterable[AttributeValue]) -> dict[str, Any]:
    """Return rows as `check_values` takes them: by code, numbers as decimal text. `defined` holds their attributes."""
    by_id = {definition.id: definition for definition in defined.values()}
    slugs = {choice.id: choice.slug for one in defined.values() for choice in one.choices.values()}
    shown: dict[str, Any] = {}
    for row in rows:
        definition = by_id[row.attribute_id]
        match definition.kind:
            case AttributeKind.CHOICES:
                shown.setdefault(definition.code, []).append(slugs[row.choice_id] if row.choice_id else "")
            case AttributeKind.CHOICE:
                shown[definition.code] = slugs[row.choice_id] if row.choice_id else ""
            case AttributeKind.NUMBER:
                shown[definition.code] = values.plain(row.number or Decimal(0))
            case AttributeKind.BOOLEAN:
                shown[definition.code] = row.flag
            case AttributeKind.TEXT:
                shown[definition.code] = row.words
    return shown


def values_of(
    session: Session,
    product_ids: Collection[UUID],
    defined: Mapping[str, Definition],
) -> dict[UUID, list[AttributeValue]]:
    """Return the values that products have, in the order of the attributes and their choices. One statement.

    `defined` is what `definitions` returned; a product without values is absent.
    """
    found = session.execute(
        _VALUES, {"store_id": tenancy.require_store(session), "product_ids": list(product_ids)}
    ).mappings()
    had: defaultdict[UUID, list[AttributeValue]] = defaultdict(list)
    for row in found:
        if row["code"] in defined:
            had[row["product_id"]].append(
                AttributeValue(defined[row["code"]].id, row["choice_id"], row["number"], row["flag"], row["words"]),
            )
    return dict(had)


def _read(session: Session, statement: TextClause, codes: Collection[str] | None) -> dict[str, Definition]:
    found = session.execute(
        statement,
        {"store_id": tenancy.require_store(session), "whole": codes is None, "codes": list(codes or ())},
    ).mappings()
    return {
        row["code"]: Definition(
            id=row["id"],
            code=row["code"],
            name=row["name"],
            kind=AttributeKind(row["kind"]),
            unit=row["unit"],
            filterable=row["filterable"],
            position=row["position"],
            choices={one["slug"]: Choice(UUID(one["id"]), one["slug"], one["name"]) for one in row["choices"]},
        )
        for row in found
    }


def _defined(defined: Mapping[str, Definition], code: str) -> Definition:
    if code not in defined:
        raise values.Unfit("unknown_attribute", f"There is no attribute {code}; define it first.")
    return defined[code]


def _rows(definition: Definition, value: Any) -> list[AttributeValue]:  # noqa: ANN401 -- any JSON value
    if value is None:
        return []
    match definition.kind:
        case AttributeKind.CHOICE:
            return [AttributeValue(definition.id, choice_id=_choice(definition, value).id)]
        case AttributeKind.CHOICES:
            return _chosen(definition, value)
        case AttributeKind.NUMBER:
            return [AttributeValue(definition.id, number=_number(definition, value))]
        case AttributeKind.BOOLEAN:
            if not isinstance(value, bool):
                raise values.Unfit("not_a_boolean", f"{definition.code} is true or false.")
            return [AttributeValue(definition.id, flag=value)]
        case AttributeKind.TEXT:
            if not isinstance(value, str) or len(value) > MAX_WORDS:
                raise values.Unfit("not_a_text", f"{definition.code} is a text of at most {MAX_WORDS} characters.")
            return [AttributeValue(definition.id, words=value.strip())] if value.strip() else []


def _choice(definition: Definition, value: object) -> Choice:
    choice = definition.choices.get(value) if isinstance(value, str) else None
    if choice is None:
        offered = ", ".join(list(definition.choices)[:20]) or "none yet"
        raise values.Unfit("unknown_choice", f"{definition.code} is one of its choices, by slug: {offered}.")
    return choice


def _chosen(definition: Definition, value: object) -> list[AttributeValue]:
    if not isinstance(value, list) or len(value) > MAX_CHOSEN:
        raise values.Unfit("not_a_list", f"{definition.code} is a list of at most {MAX_CHOSEN} choices, by slug.")
    chosen = dict.fromkeys(_choice(definition, one).id for one in value)
    return [AttributeValue(definition.id, choice_id=choice_id) for choice_id in chosen]


def _number(definition: Definition, value: object) -> Decimal:
    number = values.number(value)
    if abs(number) >= _NUMBER_LIMIT or round(number, _NUMBER_PLACES) != number:
        detail = f"{definition.code} is a number below 10^14 with at most {_NUMBER_PLACES} decimals, without its unit."
        raise values.Unfit("not_a_number", detail)
    return round(number, _NUMBER_PLACES)
