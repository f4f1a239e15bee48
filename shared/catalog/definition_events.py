"""What the catalog tells of attributes and of merchants' own fields: ids and versions; who needs more reads it."""

from typing import ClassVar, Self
from uuid import UUID

from shared.catalog.models.definitions import CustomFieldEntity
from shared.core import ids
from shared.core.outbox import DomainEvent
from shared.core.schemas import Schema
from shared.core.typeids import AttributeId, CustomFieldId

_ATTRIBUTE = ids.decode("attr", "attr_01h455vb4pex5vsknk084sn02q")
_FIELD = ids.decode("field", "field_01h455vb4pex5vsknk084sn02r")


class _AboutAttribute(Schema):
    attribute_id: AttributeId
    version: int

    def subject(self) -> tuple[UUID, int]:
        return self.attribute_id, self.version


class _AboutField(Schema):
    custom_field_id: CustomFieldId
    version: int
    of: CustomFieldEntity

    def subject(self) -> tuple[UUID, int]:
        return self.custom_field_id, self.version


class AttributeCreated(_AboutAttribute, DomainEvent):
    """An attribute was defined."""

    type: ClassVar[str] = "attribute.created"
    entity: ClassVar[str] = "attribute"

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(attribute_id=_ATTRIBUTE, version=1)


class AttributeUpdated(_AboutAttribute, DomainEvent):
    """An attribute was edited; `changed` names the fields, `choices` among them where one came, went or was renamed."""

    type: ClassVar[str] = "attribute.updated"
    entity: ClassVar[str] = "attribute"

    changed: tuple[str, ...]

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(attribute_id=_ATTRIBUTE, version=2, changed=("choices",))


class AttributeDeleted(_AboutAttribute, DomainEvent):
    """An attribute was removed for good, with the values that products had in it."""

    type: ClassVar[str] = "attribute.deleted"
    entity: ClassVar[str] = "attribute"

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(attribute_id=_ATTRIBUTE, version=3)


class CustomFieldCreated(_AboutField, DomainEvent):
    """A field of products or variants was defined."""

    type: ClassVar[str] = "custom_field.created"
    entity: ClassVar[str] = "custom_field"

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(custom_field_id=_FIELD, version=1, of=CustomFieldEntity.PRODUCT)


class CustomFieldUpdated(_AboutField, DomainEvent):
    """A field was edited; `changed` names what of it."""

    type: ClassVar[str] = "custom_field.updated"
    entity: ClassVar[str] = "custom_field"

    changed: tuple[str, ...]

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(custom_field_id=_FIELD, version=2, of=CustomFieldEntity.PRODUCT, changed=("name",))


class CustomFieldDeleted(_AboutField, DomainEvent):
    """A field was removed for good, with the values that products or variants had in it."""

    type: ClassVar[str] = "custom_field.deleted"
    entity: ClassVar[str] = "custom_field"

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(custom_field_id=_FIELD, version=3, of=CustomFieldEntity.VARIANT)
