"""What the catalog tells the world."""

from typing import ClassVar, Self
from uuid import UUID

from shared.catalog.models import ProductStatus
from shared.core import ids
from shared.core.money import Money
from shared.core.outbox import DomainEvent
from shared.core.schemas import Schema
from shared.core.typeids import ProductId, VariantId

_PRODUCT = ids.decode("prod", "prod_01h455vb4pex5vsknk084sn02q")
_VARIANT = ids.decode("var", "var_01h455vb4pex5vsknk084sn02r")


class _AboutProduct(Schema):
    product_id: ProductId
    version: int

    def subject(self) -> tuple[UUID, int]:
        return self.product_id, self.version


class _AboutVariant(Schema):
    variant_id: VariantId
    product_id: ProductId
    version: int

    def subject(self) -> tuple[UUID, int]:
        return self.variant_id, self.version


class ProductCreated(_AboutProduct, DomainEvent):
    """A product was made."""

    type: ClassVar[str] = "product.created"
    entity: ClassVar[str] = "product"

    status: ProductStatus

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(product_id=_PRODUCT, version=1, status=ProductStatus.DRAFT)


class ProductUpdated(_AboutProduct, DomainEvent):
    """A product was edited; `changed` names the fields. A change of its variants is told by theirs."""

    type: ClassVar[str] = "product.updated"
    entity: ClassVar[str] = "product"

    status: ProductStatus
    changed: tuple[str, ...]

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(product_id=_PRODUCT, version=2, status=ProductStatus.ACTIVE, changed=("status",))


class ProductDeleted(_AboutProduct, DomainEvent):
    """A product was deleted with its variants; restorable for 90 days."""

    type: ClassVar[str] = "product.deleted"
    entity: ClassVar[str] = "product"

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(product_id=_PRODUCT, version=3)


class ProductRestored(_AboutProduct, DomainEvent):
    """A deleted product is back, with the variants that went with it."""

    type: ClassVar[str] = "product.restored"
    entity: ClassVar[str] = "product"

    status: ProductStatus

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(product_id=_PRODUCT, version=4, status=ProductStatus.ACTIVE)


class VariantCreated(_AboutVariant, DomainEvent):
    """A variant was made."""

    type: ClassVar[str] = "variant.created"
    entity: ClassVar[str] = "variant"

    price: Money

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(variant_id=_VARIANT, product_id=_PRODUCT, version=1, price=Money(129900, "BDT"))


class VariantUpdated(_AboutVariant, DomainEvent):
    """A variant was edited; `changed` names the fields."""

    type: ClassVar[str] = "variant.updated"
    entity: ClassVar[str] = "variant"

    price: Money
    changed: tuple[str, ...]

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(
            variant_id=_VARIANT,
            product_id=_PRODUCT,
            version=2,
            price=Money(119900, "BDT"),
            changed=("price",),
        )


class VariantDeleted(_AboutVariant, DomainEvent):
    """A variant was deleted, alone or with its product; restorable for 90 days."""

    type: ClassVar[str] = "variant.deleted"
    entity: ClassVar[str] = "variant"

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(variant_id=_VARIANT, product_id=_PRODUCT, version=3)


class VariantRestored(_AboutVariant, DomainEvent):
    """A deleted variant is back."""

    type: ClassVar[str] = "variant.restored"
    entity: ClassVar[str] = "variant"

    price: Money

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(variant_id=_VARIANT, product_id=_PRODUCT, version=4, price=Money(119900, "BDT"))
