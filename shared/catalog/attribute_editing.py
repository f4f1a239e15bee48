"""Defining attributes, editing and removing them, and the choices that they offer.

A choice belongs to its attribute: whatever happens to it gives the attribute a new version. `attributes` checks the
values of products against what is defined here.
"""

from collections import defaultdict
from typing import Any
from uuid import UUID

from pydantic_core import PydanticCustomError
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy import delete as sql_delete
from sqlalchemy.orm import Session

from shared.catalog import definition_schemas, edits, slugs
from shared.catalog.definition_events import AttributeCreated, AttributeDeleted, AttributeUpdated
from shared.catalog.definition_schemas import EditAttribute, EditChoice, NewAttribute, NewChoice
from shared.catalog.models.definitions import Attribute, AttributeChoice, AttributeKind, ProductAttribute
from shared.core import audit, clock, errors, ids, outbox
from shared.core.errors import FieldError, NotFound, Problem, ValidationFailed

MAX_ATTRIBUTES = 100
_SPACING = 100  # between the positions of those that are put last one after the other
_WITH_CHOICES = (AttributeKind.CHOICE, AttributeKind.CHOICES)


class AttributeInUse(Problem):
    """Products have values in it, which would be lost: `products` says how many. Say force=true to lose them."""

    status = 409
    code = "attribute_in_use"
    title = "Attribute in use"


class TooManyAttributes(Problem):
    """A store has at most 100 attributes, and an attribute at most 500 choices; remove one that is not needed."""

    status = 409
    code = "too_many_attributes"
    title = "Too many attributes or choices"


type WithChoices = tuple[Attribute, list[AttributeChoice]]


def list_attributes(session: Session) -> list[WithChoices]:
    """Return the store's attributes with their choices, each in their order. Two statements."""
    found = session.scalars(select(Attribute).order_by(Attribute.position, Attribute.code)).all()
    choices: defaultdict[UUID, list[AttributeChoice]] = defaultdict(list)
    for choice in session.scalars(_in_order()):
        choices[choice.attribute_id].append(choice)
    return [(attribute, choices[attribute.id]) for attribute in found]


def get(session: Session, attribute_id: UUID) -> WithChoices:
    """Return an attribute with its choices. Two statements.

    Raises:
        NotFound: there is none.
    """
    attribute = session.scalars(select(Attribute).where(Attribute.id == attribute_id)).one_or_none()
    if attribute is None:
        raise NotFound("There is no such attribute.")
    return attribute, _choices(session, attribute_id)


def create(session: Session, new: NewAttribute) -> WithChoices:
    """Define an attribute, with its choices if it is of a kind that has some.

    Raises:
        TooManyAttributes: the store has as many as it may.
        CodeTaken: another attribute has the code.
        SlugTaken: two of the choices would have the same slug.
    """
    made, highest = session.execute(select(func.count(), func.max(Attribute.position)).select_from(Attribute)).one()
    if made >= MAX_ATTRIBUTES:
        raise TooManyAttributes(f"A store has at most {MAX_ATTRIBUTES} attributes; remove another one first.")
    now = clock.now()
    attribute = Attribute(
        id=ids.new_id(),
        code=new.code,
        name=new.name,
        kind=new.kind,
        unit=new.unit,
        filterable=new.kind != AttributeKind.TEXT if new.filterable is None else new.filterable,
        position=(highest or 0) + _SPACING if new.position is None else new.position,
        version=1,
        created_at=now,
        updated_at=now,
    )
    taken = {one.slug for one in new.choices if one.slug is not None}
    choices = [
        _made(one, attribute.id, taken=taken, position=place * _SPACING) for place, one in enumerate(new.choices, 1)
    ]
    with slugs.refusing_taken(session, attribute):
        session.add(attribute)
    session.add_all(choices)
    session.flush()
    after = {**_facts(attribute), "choices": [choice.slug for choice in choices]}
    audit.record(session, action="attribute.created", entity="attribute", entity_id=attribute.id, after=after)
    outbox.record(session, AttributeCreated(attribute_id=attribute.id, version=1))
    return attribute, sorted(choices, key=lambda one: (one.position, one.name, one.id))


def edit(
    session: Session,
    attribute_id: UUID,
    wanted: EditAttribute,
    *,
    expected_version: int | None,
) -> WithChoices:
    """Change what `wanted` names. An edit that changes nothing leaves version, history and events as they are.

    Raises:
        NotFound: there is no such attribute.
        StaleVersion: it has another version than the expected one.
        AttributeInUse: the kind would change, and products have values of the present one.
        ValidationFailed: a unit or a filter that the kind does not have.
    """
    attribute = _held(session, attribute_id, expected_version=expected_version, alone="kind" in wanted.model_fields_set)
    fields = edits.named(wanted)
    kind = fields.get("kind", attribute.kind)
    if kind != attribute.kind and (attribute.kind, kind) != (AttributeKind.CHOICE, AttributeKind.CHOICES):
        _refuse_used(session, ProductAttribute.attribute_id == attribute_id, "so its kind can't change", force=None)
        if kind not in _WITH_CHOICES:
            session.execute(sql_delete(AttributeChoice).where(AttributeChoice.attribute_id == attribute_id))
    _refuse_unfitting(kind, fields.get("unit", attribute.unit), fields.get("filterable", attribute.filterable))
    changes = edits.apply(attribute, fields)
    if changes is not None:
        session.flush()
        _tell_updated(session, attribute, changes.before, changes.after)
    return attribute, _choices(session, attribute_id)


def delete(session: Session, attribute_id: UUID, *, expected_version: int | None, force: bool) -> WithChoices:
    """Remove an attribute for good, with its choices; with `force`, with the values that products have in it, too.

    Raises:
        NotFound: there is no such attribute.
        StaleVersion: it has another version than the expected one.
        AttributeInUse: products have values in it, and `force` was not said.
    """
    attribute = _held(session, attribute_id, expected_version=expected_version, alone=True)
    lost = _refuse_used(session, ProductAttribute.attribute_id == attribute_id, "which would be lost", force=force)
    choices = _choices(session, attribute_id)
    session.execute(sql_delete(Attribute).where(Attribute.id == attribute_id))
    session.expunge(attribute)
    attribute.version += 1
    before = {**_facts(attribute), "choices": [choice.slug for choice in choices], "products": lost}
    audit.record(
        session, action="attribute.deleted", entity="attribute", entity_id=attribute_id, before=before, after={}
    )
    outbox.record(session, AttributeDeleted(attribute_id=attribute_id, version=attribute.version))
    return attribute, choices


def add_choice(session: Session, attribute_id: UUID, new: NewChoice) -> WithChoices:
    """Let an attribute offer one more choice; return the attribute.

    Raises:
        NotFound: there is no such attribute.
        ValidationFailed: it is of a kind without choices.
        TooManyAttributes: it has as many choices as it may.
        SlugTaken: another of its choices has the slug.
    """
    attribute = _held(session, attribute_id)
    if attribute.kind not in _WITH_CHOICES:
        raise ValidationFailed(f"The attribute {attribute.code} is a {attribute.kind}, which has no choices.")
    present = _choices(session, attribute_id)
    if len(present) >= definition_schemas.MAX_CHOICES:
        detail = f"An attribute has at most {definition_schemas.MAX_CHOICES} choices; remove another one first."
        raise TooManyAttributes(detail)
    highest = max((choice.position for choice in present), default=0)
    choice = _made(new, attribute_id, taken={one.slug for one in present}, position=highest + _SPACING)
    with slugs.refusing_taken(session, choice):
        session.add(choice)
        edits.touch(attribute)
    name = f"choices.{choice.slug}"
    _tell_updated(session, attribute, {name: None}, {name: choice.name})
    return attribute, _choices(session, attribute_id)


def edit_choice(
    session: Session,
    attribute_id: UUID,
    choice_id: UUID,
    wanted: EditChoice,
    *,
    expected_version: int | None,
) -> WithChoices:
    """Rename or reorder a choice; products that have it keep it. `expected_version` is the attribute's.

    Raises:
        NotFound: there is no such attribute, or no such choice of it.
        StaleVersion: the attribute has another version than the expected one.
        SlugTaken: another of its choices has the slug.
    """
    attribute = _held(session, attribute_id, expected_version=expected_version)
    choice = _choice(session, attribute_id, choice_id)
    former = {"name": choice.name, "slug": choice.slug, "position": choice.position}
    fields = {field: value for field, value in edits.named(wanted).items() if value != former[field]}
    if fields:
        for field, value in fields.items():
            setattr(choice, field, value)
        with slugs.refusing_taken(session, choice):
            edits.touch(attribute)
        name = f"choices.{former['slug']}"
        _tell_updated(session, attribute, {name: {field: former[field] for field in fields}}, {name: fields})
    return attribute, _choices(session, attribute_id)


def remove_choice(
    session: Session,
    attribute_id: UUID,
    choice_id: UUID,
    *,
    expected_version: int | None,
    force: bool,
) -> WithChoices:
    """Take a choice away; with `force`, from the products that have it, too. `expected_version` is the attribute's.

    Raises:
        NotFound: there is no such attribute, or no such choice of it.
        StaleVersion: the attribute has another version than the expected one.
        AttributeInUse: products have the choice, and `force` was not said.
    """
    attribute = _held(session, attribute_id, expected_version=expected_version, alone=True)
    choice = _choice(session, attribute_id, choice_id)
    lost = _refuse_used(session, ProductAttribute.choice_id == choice_id, "which would be lost", force=force)
    session.execute(sql_delete(AttributeChoice).where(AttributeChoice.id == choice_id))
    session.expunge(choice)
    edits.touch(attribute)
    session.flush()
    name = f"choices.{choice.slug}"
    _tell_updated(session, attribute, {name: {"name": choice.name, "products": lost}}, {name: None})
    return attribute, _choices(session, attribute_id)


def _held(
    session: Session,
    attribute_id: UUID,
    *,
    expected_version: int | None = None,
    alone: bool = False,
) -> Attribute:
    """Hold the attribute; `alone`: so that nobody gives a product a value in it meanwhile, either."""
    return edits.held(
        session,
        Attribute,
        attribute_id,
        name="attribute",
        expected_version=expected_version,
        from_references=alone,
    )


def _choice(session: Session, attribute_id: UUID, choice_id: UUID) -> AttributeChoice:
    """Return a choice, held so that nobody gives it to a product meanwhile."""
    choice = session.scalars(
        select(AttributeChoice)
        .where(AttributeChoice.id == choice_id, AttributeChoice.attribute_id == attribute_id)
        .with_for_update(),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if choice is None:
        raise NotFound("There is no such choice of this attribute.")
    return choice


def _choices(session: Session, attribute_id: UUID) -> list[AttributeChoice]:
    return list(session.scalars(_in_order().where(AttributeChoice.attribute_id == attribute_id)))


def _in_order() -> Select[AttributeChoice]:
    return select(AttributeChoice).order_by(AttributeChoice.position, AttributeChoice.name, AttributeChoice.id)


def _made(new: NewChoice, attribute_id: UUID, *, taken: set[str], position: int) -> AttributeChoice:
    slug = new.slug or slugs.numbered(slugs.from_name(new.name, "choice"), taken)
    taken.add(slug)
    position = position if new.position is None else new.position
    return AttributeChoice(id=ids.new_id(), attribute_id=attribute_id, name=new.name, slug=slug, position=position)


def _refuse_used(session: Session, values: ColumnElement[bool], so: str, *, force: bool | None) -> int:
    """Return how many products have such values; refuse if there are any, unless it is forced. None can't be forced."""
    used = session.execute(select(func.count(func.distinct(ProductAttribute.product_id))).where(values)).scalar_one()
    if used and not force:
        remedy = "" if force is None else " Say force=true to lose them."
        raise AttributeInUse(f"{used} products have values, {so}.{remedy}", products=used)
    return used


def _refuse_unfitting(kind: str, unit: str, filterable: bool) -> None:  # noqa: FBT001 -- a column
    try:
        definition_schemas.require_fitting(kind, unit=unit, filterable=filterable)
    except PydanticCustomError as unfitting:
        detail = unfitting.message()
        at = errors.pointer("unit" if unfitting.type == "has_no_unit" else "filterable")
        raise ValidationFailed(detail, errors=[FieldError(at, unfitting.type, detail)]) from None


def _facts(attribute: Attribute) -> dict[str, Any]:
    return {"code": attribute.code, "name": attribute.name, "kind": str(attribute.kind)}


def _tell_updated(session: Session, attribute: Attribute, before: dict[str, Any], after: dict[str, Any]) -> None:
    audit.record(
        session,
        action="attribute.updated",
        entity="attribute",
        entity_id=attribute.id,
        before=before,
        after=after,
    )
    changed = tuple(dict.fromkeys(field.partition(".")[0] for field in (*before, *after)))
    outbox.record(session, AttributeUpdated(attribute_id=attribute.id, version=attribute.version, changed=changed))
