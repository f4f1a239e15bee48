"""Defining a store's own fields of products and variants, editing and removing them.

`custom_fields` checks values against what is defined here. New rules hold for what is written from now on; what is
there stays until its product is written again.
"""

from collections.abc import Sequence
from uuid import UUID

from pydantic_core import PydanticCustomError
from sqlalchemy import delete as sql_delete
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from shared.catalog import definition_schemas, edits, slugs
from shared.catalog.definition_events import CustomFieldCreated, CustomFieldDeleted, CustomFieldUpdated
from shared.catalog.definition_schemas import EditCustomField, NewCustomField
from shared.catalog.models.definitions import CustomFieldDefinition, CustomFieldEntity
from shared.core import audit, clock, errors, ids, outbox, tenancy
from shared.core.errors import FieldError, NotFound, Problem, ValidationFailed

MAX_FIELDS = 100  # of products, and as many of variants
_SPACING = 100  # between the positions of fields that are made one after the other

# Under row-level security no index serves `?`: each reads the store's products once, or its variants.
_COUNT = {
    CustomFieldEntity.PRODUCT: text(
        "select count(*) from products where store_id = :store_id and jsonb_exists(custom_fields, :key)"
    ),
    CustomFieldEntity.VARIANT: text(
        "select count(*) from variants where store_id = :store_id and jsonb_exists(custom_fields, :key)"
    ),
}
_HOLD = {
    CustomFieldEntity.PRODUCT: text("""
    select count(*) from (
        select id from products where store_id = :store_id and jsonb_exists(custom_fields, :key)
        order by id for no key update) held
    """),
    CustomFieldEntity.VARIANT: text("""
    select count(*) from (
        select id from variants where store_id = :store_id and jsonb_exists(custom_fields, :key)
        order by id for no key update) held
    """),
}
_CLEAR = {
    CustomFieldEntity.PRODUCT: text("""
    update products set custom_fields = custom_fields - :key
    where store_id = :store_id and jsonb_exists(custom_fields, :key)
    """),
    CustomFieldEntity.VARIANT: text("""
    update variants set custom_fields = custom_fields - :key
    where store_id = :store_id and jsonb_exists(custom_fields, :key)
    """),
}


class CustomFieldInUse(Problem):
    """There are values in the field: `values` says how many. Its kind stays; to remove it with them, say force=true."""

    status = 409
    code = "custom_field_in_use"
    title = "Field in use"


class TooManyCustomFields(Problem):
    """Products have at most 100 fields of the store's own, and variants as many; remove one that is not needed."""

    status = 409
    code = "too_many_custom_fields"
    title = "Too many fields"


def list_fields(session: Session) -> Sequence[CustomFieldDefinition]:
    """Return the store's own fields: products' first, each in their order. One statement."""
    in_order = (CustomFieldDefinition.entity, CustomFieldDefinition.position, CustomFieldDefinition.key)
    return session.scalars(select(CustomFieldDefinition).order_by(*in_order)).all()


def get(session: Session, field_id: UUID) -> CustomFieldDefinition:
    """Return a field.

    Raises:
        NotFound: there is none.
    """
    which = select(CustomFieldDefinition).where(CustomFieldDefinition.id == field_id)
    field = session.scalars(which).one_or_none()
    if field is None:
        raise NotFound("There is no such field.")
    return field


def create(session: Session, new: NewCustomField) -> CustomFieldDefinition:
    """Define a field of products, or of variants.

    Raises:
        TooManyCustomFields: there are as many as there may be.
        CodeTaken: another field of the same entity has the key.
    """
    of_entity = select(func.count(), func.max(CustomFieldDefinition.position)).where(
        CustomFieldDefinition.entity == new.entity
    )
    made, highest = session.execute(of_entity).one()
    if made >= MAX_FIELDS:
        raise TooManyCustomFields(f"A {new.entity} has at most {MAX_FIELDS} such fields; remove another one first.")
    now = clock.now()
    field = CustomFieldDefinition(
        id=ids.new_id(),
        entity=new.entity,
        key=new.key,
        name=new.name,
        kind=new.kind,
        rules=new.rules.kept(),
        required=new.required,
        shown_to_shoppers=new.shown_to_shoppers,
        position=(highest or 0) + _SPACING if new.position is None else new.position,
        version=1,
        created_at=now,
        updated_at=now,
    )
    with slugs.refusing_taken(session, field):
        session.add(field)
    audit.record(session, action="custom_field.created", entity="custom_field", entity_id=field.id, after=_facts(field))
    outbox.record(session, CustomFieldCreated(custom_field_id=field.id, version=1, of=new.entity))
    return field


def edit(
    session: Session,
    field_id: UUID,
    wanted: EditCustomField,
    *,
    expected_version: int | None,
) -> CustomFieldDefinition:
    """Change what `wanted` names. An edit that changes nothing leaves version, history and events as they are.

    Raises:
        NotFound: there is no such field.
        StaleVersion: it has another version than the expected one.
        CustomFieldInUse: its kind would change, and there are values of the present one.
        ValidationFailed: the rules are another kind's.
    """
    field = _held(session, field_id, expected_version=expected_version, alone="kind" in wanted.model_fields_set)
    fields = edits.named(wanted)
    if wanted.rules is not None:
        fields["rules"] = wanted.rules.kept()
    kind = fields.get("kind", field.kind)
    if kind != field.kind:
        if used := _values(session, field):
            detail = f"There are {used} values of the kind {field.kind}, so it stays; define another field."
            raise CustomFieldInUse(detail, values=used)
        fields.setdefault("rules", {})  # those of the former kind mean nothing any more
    _refuse_foreign_rules(kind, fields.get("rules", field.rules))
    changes = edits.apply(field, fields)
    if changes is None:
        return field
    session.flush()
    audit.record(
        session,
        action="custom_field.updated",
        entity="custom_field",
        entity_id=field.id,
        before=changes.before,
        after=changes.after,
    )
    of = CustomFieldEntity(field.entity)
    updated = CustomFieldUpdated(custom_field_id=field.id, version=field.version, of=of, changed=changes.changed)
    outbox.record(session, updated)
    return field


def delete(
    session: Session,
    field_id: UUID,
    *,
    expected_version: int | None,
    force: bool,
) -> CustomFieldDefinition:
    """Remove a field for good; with `force`, with its values, too. No product gets a new version by that.

    Raises:
        NotFound: there is no such field.
        StaleVersion: it has another version than the expected one.
        CustomFieldInUse: there are values in it, and `force` was not said.
    """
    if force:  # who stores values holds products first and then what is defined; so does who takes them away
        found = get(session, field_id)
        session.execute(_HOLD[CustomFieldEntity(found.entity)], _which(session, found))
    field = _held(session, field_id, expected_version=expected_version, alone=True)
    used = _values(session, field)
    if used and not force:
        raise CustomFieldInUse(f"There are {used} values in it. Say force=true to lose them.", values=used)
    entity = CustomFieldEntity(field.entity)
    if used:
        session.execute(_CLEAR[entity], _which(session, field))
    session.execute(sql_delete(CustomFieldDefinition).where(CustomFieldDefinition.id == field_id))
    session.expunge(field)
    field.version += 1
    before = {**_facts(field), "values": used}
    audit.record(
        session, action="custom_field.deleted", entity="custom_field", entity_id=field_id, before=before, after={}
    )
    outbox.record(session, CustomFieldDeleted(custom_field_id=field_id, version=field.version, of=entity))
    return field


def _held(
    session: Session,
    field_id: UUID,
    *,
    expected_version: int | None,
    alone: bool,
) -> CustomFieldDefinition:
    """Hold the field; `alone`: so that nobody gives a product or variant a value in it meanwhile, either."""
    return edits.held(
        session,
        CustomFieldDefinition,
        field_id,
        name="field",
        expected_version=expected_version,
        from_references=alone,
    )


def _values(session: Session, field: CustomFieldDefinition) -> int:
    """Return how many products, or variants, have a value in it; deleted ones count, since they may come back."""
    counted: int = session.execute(_COUNT[CustomFieldEntity(field.entity)], _which(session, field)).scalar_one()
    return counted


def _which(session: Session, field: CustomFieldDefinition) -> dict[str, object]:
    return {"store_id": tenancy.require_store(session), "key": field.key}


def _refuse_foreign_rules(kind: str, rules: dict[str, object]) -> None:
    try:
        definition_schemas.require_rules_of(kind, rules)
    except PydanticCustomError as unfitting:
        detail = unfitting.message()
        raise ValidationFailed(detail, errors=[FieldError(errors.pointer("rules"), unfitting.type, detail)]) from None


def _facts(field: CustomFieldDefinition) -> dict[str, object]:
    return {
        "entity": str(field.entity),
        "key": field.key,
        "name": field.name,
        "kind": str(field.kind),
        "rules": field.rules,
        "required": field.required,
    }
