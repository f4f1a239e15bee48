"""What the catalog tells of brands, categories and labels: ids and versions; who needs a name reads it."""

from typing import ClassVar, Self
from uuid import UUID

from shared.core import ids
from shared.core.outbox import DomainEvent
from shared.core.schemas import Schema
from shared.core.typeids import BrandId, CategoryId, LabelId

_BRAND = ids.decode("brand", "brand_01h455vb4pex5vsknk084sn02q")
_CATEGORY = ids.decode("cat", "cat_01h455vb4pex5vsknk084sn02r")
_PARENT = ids.decode("cat", "cat_01h455vb4pex5vsknk084sn02s")
_LABEL = ids.decode("label", "label_01h455vb4pex5vsknk084sn02t")


class _AboutBrand(Schema):
    brand_id: BrandId
    version: int

    def subject(self) -> tuple[UUID, int]:
        return self.brand_id, self.version


class _AboutCategory(Schema):
    category_id: CategoryId
    version: int

    def subject(self) -> tuple[UUID, int]:
        return self.category_id, self.version


class _AboutLabel(Schema):
    label_id: LabelId
    version: int

    def subject(self) -> tuple[UUID, int]:
        return self.label_id, self.version


class BrandCreated(_AboutBrand, DomainEvent):
    """A brand was made."""

    type: ClassVar[str] = "brand.created"
    entity: ClassVar[str] = "brand"

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(brand_id=_BRAND, version=1)


class BrandUpdated(_AboutBrand, DomainEvent):
    """A brand was edited; `changed` names the fields."""

    type: ClassVar[str] = "brand.updated"
    entity: ClassVar[str] = "brand"

    changed: tuple[str, ...]

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(brand_id=_BRAND, version=2, changed=("name",))


class BrandDeleted(_AboutBrand, DomainEvent):
    """A brand was deleted: its products are shown without it; restorable for 90 days."""

    type: ClassVar[str] = "brand.deleted"
    entity: ClassVar[str] = "brand"

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(brand_id=_BRAND, version=3)


class BrandRestored(_AboutBrand, DomainEvent):
    """A deleted brand is back, on its products as well."""

    type: ClassVar[str] = "brand.restored"
    entity: ClassVar[str] = "brand"

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(brand_id=_BRAND, version=4)


class CategoryCreated(_AboutCategory, DomainEvent):
    """A category was made, at the top or below `parent_id`."""

    type: ClassVar[str] = "category.created"
    entity: ClassVar[str] = "category"

    parent_id: CategoryId | None

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(category_id=_CATEGORY, version=1, parent_id=_PARENT)


class CategoryUpdated(_AboutCategory, DomainEvent):
    """A category was edited; `changed` names the fields."""

    type: ClassVar[str] = "category.updated"
    entity: ClassVar[str] = "category"

    changed: tuple[str, ...]

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(category_id=_CATEGORY, version=2, changed=("name",))


class CategoryMoved(_AboutCategory, DomainEvent):
    """A category went to another place, with all that is below it; where both parents are one, among its siblings."""

    type: ClassVar[str] = "category.moved"
    entity: ClassVar[str] = "category"

    parent_id: CategoryId | None
    former_parent_id: CategoryId | None

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(category_id=_CATEGORY, version=3, parent_id=_PARENT, former_parent_id=None)


class CategoryDeleted(_AboutCategory, DomainEvent):
    """A category without children was deleted; its products stay; restorable for 90 days."""

    type: ClassVar[str] = "category.deleted"
    entity: ClassVar[str] = "category"

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(category_id=_CATEGORY, version=4)


class CategoryRestored(_AboutCategory, DomainEvent):
    """A deleted category is back at its place, with the products that it had."""

    type: ClassVar[str] = "category.restored"
    entity: ClassVar[str] = "category"

    parent_id: CategoryId | None

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(category_id=_CATEGORY, version=5, parent_id=None)


class LabelCreated(_AboutLabel, DomainEvent):
    """A label was made."""

    type: ClassVar[str] = "label.created"
    entity: ClassVar[str] = "label"

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(label_id=_LABEL, version=1)


class LabelUpdated(_AboutLabel, DomainEvent):
    """A label was edited; `changed` names the fields."""

    type: ClassVar[str] = "label.updated"
    entity: ClassVar[str] = "label"

    changed: tuple[str, ...]

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(label_id=_LABEL, version=2, changed=("color",))


class LabelDeleted(_AboutLabel, DomainEvent):
    """A label was removed for good, from its products as well."""

    type: ClassVar[str] = "label.deleted"
    entity: ClassVar[str] = "label"

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(label_id=_LABEL, version=3)
