"""Attributes and merchants' own fields over HTTP, for merchants. Each route is deployed as a Lambda of its own."""

from shared.catalog import attribute_editing, custom_field_editing
from shared.catalog.attribute_editing import AttributeInUse, TooManyAttributes
from shared.catalog.custom_field_editing import CustomFieldInUse, TooManyCustomFields
from shared.catalog.definition_schemas import (
    AttributeOut,
    AttributesOut,
    CustomFieldOut,
    CustomFieldsOut,
    EditAttribute,
    EditChoice,
    EditCustomField,
    NewAttribute,
    NewChoice,
    NewCustomField,
)
from shared.catalog.naming import SlugTaken
from shared.catalog.slugs import CodeTaken
from shared.core.errors import StaleVersion
from shared.core.functions import Api
from shared.core.request import ExpectedVersion, StoreSession
from shared.core.typeids import AttributeId, ChoiceId, CustomFieldId

api = Api("catalog", prefix="/api/v1", audience="merchant")


@api.get("/attributes", permission="product.read")
def list_attributes(session: StoreSession) -> AttributesOut:
    """List the store's attributes with their choices, in their order; there are 100 at most."""
    return AttributesOut(data=[AttributeOut.of(*one) for one in attribute_editing.list_attributes(session)])


@api.post(
    "/attributes",
    status_code=201,
    permission="product.write",
    raises=(CodeTaken, SlugTaken, TooManyAttributes),
)
def create_attribute(attribute: NewAttribute, session: StoreSession) -> AttributeOut:
    """Define an attribute, with its choices if it is of a kind that has some."""
    return AttributeOut.of(*attribute_editing.create(session, attribute))


@api.get("/attributes/{attribute_id}", permission="product.read")
def get_attribute(attribute_id: AttributeId, session: StoreSession) -> AttributeOut:
    """Read one attribute with its choices."""
    return AttributeOut.of(*attribute_editing.get(session, attribute_id))


@api.patch("/attributes/{attribute_id}", permission="product.write", raises=(StaleVersion, AttributeInUse))
def edit_attribute(
    attribute_id: AttributeId,
    edit: EditAttribute,
    session: StoreSession,
    expected_version: ExpectedVersion,
) -> AttributeOut:
    """Change an attribute; what is absent stays. Its kind changes only while no product has a value in it."""
    return AttributeOut.of(
        *attribute_editing.edit(session, attribute_id, edit, expected_version=expected_version),
    )


@api.delete("/attributes/{attribute_id}", permission="product.write", raises=(StaleVersion, AttributeInUse))
def delete_attribute(
    attribute_id: AttributeId,
    session: StoreSession,
    expected_version: ExpectedVersion,
    force: bool = False,  # noqa: FBT001, FBT002 -- a query parameter
) -> AttributeOut:
    """Remove an attribute for good; with `force=true` even if products have values in it, which are lost."""
    return AttributeOut.of(
        *attribute_editing.delete(session, attribute_id, expected_version=expected_version, force=force),
    )


@api.post(
    "/attributes/{attribute_id}/choices",
    status_code=201,
    permission="product.write",
    raises=(SlugTaken, TooManyAttributes),
)
def add_attribute_choice(attribute_id: AttributeId, choice: NewChoice, session: StoreSession) -> AttributeOut:
    """Let an attribute offer one more choice; answers with the attribute."""
    return AttributeOut.of(*attribute_editing.add_choice(session, attribute_id, choice))


@api.patch(
    "/attributes/{attribute_id}/choices/{choice_id}",
    permission="product.write",
    raises=(StaleVersion, SlugTaken),
)
def edit_attribute_choice(
    attribute_id: AttributeId,
    choice_id: ChoiceId,
    edit: EditChoice,
    session: StoreSession,
    expected_version: ExpectedVersion,
) -> AttributeOut:
    """Rename or reorder a choice; products that have it keep it. Answers with the attribute, whose version counts."""
    edited = attribute_editing.edit_choice(session, attribute_id, choice_id, edit, expected_version=expected_version)
    return AttributeOut.of(*edited)


@api.delete(
    "/attributes/{attribute_id}/choices/{choice_id}",
    permission="product.write",
    raises=(StaleVersion, AttributeInUse),
)
def remove_attribute_choice(
    attribute_id: AttributeId,
    choice_id: ChoiceId,
    session: StoreSession,
    expected_version: ExpectedVersion,
    force: bool = False,  # noqa: FBT001, FBT002 -- a query parameter
) -> AttributeOut:
    """Take a choice away; with `force=true` from the products that have it, too. Answers with the attribute."""
    left = attribute_editing.remove_choice(
        session,
        attribute_id,
        choice_id,
        expected_version=expected_version,
        force=force,
    )
    return AttributeOut.of(*left)


@api.get("/custom-fields", permission="product.read")
def list_custom_fields(session: StoreSession) -> CustomFieldsOut:
    """List the store's own fields: products' first, then variants', each in their order."""
    return CustomFieldsOut(data=[CustomFieldOut.of(field) for field in custom_field_editing.list_fields(session)])


@api.post(
    "/custom-fields",
    status_code=201,
    permission="product.write",
    raises=(CodeTaken, TooManyCustomFields),
)
def create_custom_field(field: NewCustomField, session: StoreSession) -> CustomFieldOut:
    """Define a field of products, or of variants."""
    return CustomFieldOut.of(custom_field_editing.create(session, field))


@api.get("/custom-fields/{custom_field_id}", permission="product.read")
def get_custom_field(custom_field_id: CustomFieldId, session: StoreSession) -> CustomFieldOut:
    """Read one of the store's own fields."""
    return CustomFieldOut.of(custom_field_editing.get(session, custom_field_id))


@api.patch("/custom-fields/{custom_field_id}", permission="product.write", raises=(StaleVersion, CustomFieldInUse))
def edit_custom_field(
    custom_field_id: CustomFieldId,
    edit: EditCustomField,
    session: StoreSession,
    expected_version: ExpectedVersion,
) -> CustomFieldOut:
    """Change a field; what is absent stays. New rules hold for what is written from now on."""
    edited = custom_field_editing.edit(session, custom_field_id, edit, expected_version=expected_version)
    return CustomFieldOut.of(edited)


@api.delete("/custom-fields/{custom_field_id}", permission="product.write", raises=(StaleVersion, CustomFieldInUse))
def delete_custom_field(
    custom_field_id: CustomFieldId,
    session: StoreSession,
    expected_version: ExpectedVersion,
    force: bool = False,  # noqa: FBT001, FBT002 -- a query parameter
) -> CustomFieldOut:
    """Remove a field for good; with `force=true` even if there are values in it, which are lost."""
    removed = custom_field_editing.delete(
        session,
        custom_field_id,
        expected_version=expected_version,
        force=force,
    )
    return CustomFieldOut.of(removed)


handler = api.lambda_handler()
