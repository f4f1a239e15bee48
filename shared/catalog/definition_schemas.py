"""What comes in and goes out about attributes and about merchants' own fields."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, StrictBool, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError

from shared.catalog import patterns, values
from shared.catalog.models.definitions import (
    Attribute,
    AttributeChoice,
    AttributeKind,
    CustomFieldDefinition,
    CustomFieldEntity,
    CustomFieldKind,
)
from shared.core.schemas import Input, Schema
from shared.core.typeids import AttributeId, ChoiceId, CustomFieldId

MAX_CHOICES = 500  # of one attribute, or of one field

Code = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=63),
    Field(description="What values and filters call it; it never changes.", examples=["screen_size"]),
]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Slug = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=100),
    Field(description="What values and filters call it; made of the name if absent.", examples=["dark-red"]),
]
Unit = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=32),
    Field(description="Of a number.", examples=["cm"]),
]
Position = Annotated[
    int,
    Field(strict=True, ge=0, le=10**9, description="They stand in the order of this number; if absent, it is last."),
]


def _told_plainly(number: Decimal) -> Decimal:
    try:
        return values.number(f"{number:f}" if number.is_finite() and abs(number.adjusted()) < values.LONGEST else "")
    except values.Unfit as unfit:
        raise PydanticCustomError("not_a_number", "This is no number that can be compared with.") from unfit


Limit = Annotated[Decimal, AfterValidator(_told_plainly)]


class NewChoice(Input):
    """A value that an attribute offers."""

    name: Name
    slug: Slug | None = None
    position: Position | None = None


class EditChoice(Input):
    """What to change of a choice; what is absent stays. Products that have it show its new name."""

    name: Name | None = None
    slug: Slug | None = None
    position: Position | None = None


class ChoiceOut(Schema):
    """A value that an attribute offers."""

    id: ChoiceId
    name: str
    slug: str
    position: int

    @classmethod
    def of(cls, choice: AttributeChoice) -> Self:
        """Present a choice."""
        return cls(id=choice.id, name=choice.name, slug=choice.slug, position=choice.position)


class NewAttribute(Input):
    """An attribute to be defined; `choices` for the kinds that have some."""

    code: Code
    name: Name
    kind: AttributeKind
    unit: Unit = ""
    filterable: StrictBool | None = Field(default=None, description="Yes, unless it is a text, which never is.")
    position: Position | None = None
    choices: list[NewChoice] = Field(default=[], max_length=MAX_CHOICES)

    @model_validator(mode="after")
    def _has_what_its_kind_has(self) -> Self:
        if self.choices and self.kind not in (AttributeKind.CHOICE, AttributeKind.CHOICES):
            raise PydanticCustomError("has_no_choices", "Only the kinds choice and choices have choices.")
        require_fitting(self.kind, unit=self.unit, filterable=bool(self.filterable))
        return self

    @field_validator("choices")
    @classmethod
    def _slugs_differ(cls, choices: list[NewChoice]) -> list[NewChoice]:
        given = Counter(choice.slug for choice in choices if choice.slug is not None)
        if doubled := sorted(slug for slug, times in given.items() if times > 1):
            raise PydanticCustomError("slug_given_twice", "Given twice: {slugs}.", {"slugs": ", ".join(doubled)})
        return choices


def require_fitting(kind: str, *, unit: str, filterable: bool) -> None:
    """Refuse a unit of what is no number, and a filter by free text."""
    if unit and kind != AttributeKind.NUMBER:
        raise PydanticCustomError("has_no_unit", "Only a number has a unit.")
    if filterable and kind == AttributeKind.TEXT:
        raise PydanticCustomError("not_filterable", "A text can't be filtered by.")


class EditAttribute(Input):
    """What to change of an attribute; what is absent stays."""

    name: Name | None = None
    kind: AttributeKind | None = Field(
        default=None, description="While no product has a value; choice to choices always."
    )
    unit: Unit | None = None
    filterable: StrictBool | None = None
    position: Position | None = None


class AttributeOut(Schema):
    """An attribute with its choices, in their order."""

    id: AttributeId
    code: str
    name: str
    kind: AttributeKind
    unit: str
    filterable: bool
    position: int
    choices: list[ChoiceOut]
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, attribute: Attribute, choices: list[AttributeChoice]) -> Self:
        """Present an attribute with its choices."""
        return cls(
            id=attribute.id,
            code=attribute.code,
            name=attribute.name,
            kind=AttributeKind(attribute.kind),
            unit=attribute.unit,
            filterable=attribute.filterable,
            position=attribute.position,
            choices=[ChoiceOut.of(choice) for choice in choices],
            version=attribute.version,
            created_at=attribute.created_at,
            updated_at=attribute.updated_at,
        )


class AttributesOut(Schema):
    """The store's attributes, in their order."""

    data: list[AttributeOut]


class FieldRules(Input):
    """What values of a field must be like, as far as its kind allows; they hold for what is written from now on."""

    minimum: Limit | None = Field(default=None, description="Of an integer or a decimal.")
    maximum: Limit | None = None
    max_length: Annotated[int, Field(strict=True, ge=1, le=5000)] | None = Field(
        default=None, description="Characters of a text; 5,000 if absent."
    )
    pattern: Annotated[str, StringConstraints(min_length=1, max_length=patterns.MAX_PATTERN)] | None = Field(
        default=None,
        description="What a text as a whole must read like, at most 200 characters of it: characters, classes and "
        "counts of regular expressions, without groups and alternatives.",
        examples=["[A-Z]{2}-[0-9]{4,6}"],
    )
    choices: Annotated[list[Name], Field(min_length=1, max_length=MAX_CHOICES)] | None = Field(
        default=None, description="Of a choice, which needs them."
    )

    @field_validator("pattern")
    @classmethod
    def _is_safe(cls, pattern: str | None) -> str | None:
        try:
            patterns.check(pattern or "")
        except patterns.UnsafePattern as unsafe:
            raise PydanticCustomError("unsafe_pattern", "{reason}", {"reason": str(unsafe)}) from unsafe
        return pattern

    @model_validator(mode="after")
    def _leave_something(self) -> Self:
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise PydanticCustomError("minimum_above_maximum", "The minimum is above the maximum.")
        if self.choices is not None and len(set(self.choices)) < len(self.choices):
            raise PydanticCustomError("given_twice", "Each choice is to be named once.")
        return self

    def kept(self) -> dict[str, Any]:
        """Return what is stored: the rules that there are, numbers as text."""
        rules = self.model_dump(exclude_none=True)
        return {rule: values.plain(value) if isinstance(value, Decimal) else value for rule, value in rules.items()}


_RULES_OF: Mapping[str, frozenset[str]] = {
    CustomFieldKind.TEXT: frozenset({"max_length", "pattern"}),
    CustomFieldKind.INTEGER: frozenset({"minimum", "maximum"}),
    CustomFieldKind.DECIMAL: frozenset({"minimum", "maximum"}),
    CustomFieldKind.BOOLEAN: frozenset(),
    CustomFieldKind.DATE: frozenset(),
    CustomFieldKind.URL: frozenset(),
    CustomFieldKind.CHOICE: frozenset({"choices"}),
}


def require_rules_of(kind: str, rules: Mapping[str, Any]) -> None:
    """Refuse rules that a kind does not have, and a choice without choices."""
    if foreign := sorted(rules.keys() - _RULES_OF[kind]):
        facts = {"kind": str(kind), "rules": ", ".join(foreign)}
        raise PydanticCustomError("rules_of_another_kind", "{kind} has no {rules}.", facts)
    if kind == CustomFieldKind.CHOICE and "choices" not in rules:
        raise PydanticCustomError("choices_missing", "A choice needs its choices.")


class NewCustomField(Input):
    """A field to be added to products or variants."""

    entity: CustomFieldEntity
    key: Code
    name: Name
    kind: CustomFieldKind
    rules: FieldRules = FieldRules()
    required: StrictBool = False
    shown_to_shoppers: StrictBool = False
    position: Position | None = None

    @model_validator(mode="after")
    def _has_rules_of_its_kind(self) -> Self:
        require_rules_of(self.kind, self.rules.kept())
        return self


class EditCustomField(Input):
    """What to change of a field; what is absent stays. `rules` is meant whole."""

    name: Name | None = None
    kind: CustomFieldKind | None = Field(default=None, description="Only while there are no values.")
    rules: FieldRules | None = None
    required: StrictBool | None = None
    shown_to_shoppers: StrictBool | None = None
    position: Position | None = None


class CustomFieldOut(Schema):
    """A field of the store's own."""

    id: CustomFieldId
    entity: CustomFieldEntity
    key: str
    name: str
    kind: CustomFieldKind
    rules: FieldRules
    required: bool
    shown_to_shoppers: bool
    position: int
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, field: CustomFieldDefinition) -> Self:
        """Present a field."""
        return cls(
            id=field.id,
            entity=CustomFieldEntity(field.entity),
            key=field.key,
            name=field.name,
            kind=CustomFieldKind(field.kind),
            rules=FieldRules.model_validate(field.rules),
            required=field.required,
            shown_to_shoppers=field.shown_to_shoppers,
            position=field.position,
            version=field.version,
            created_at=field.created_at,
            updated_at=field.updated_at,
        )


class CustomFieldsOut(Schema):
    """The store's own fields, in their order."""

    data: list[CustomFieldOut]
