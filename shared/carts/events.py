"""What carts tell the world. No personal data is in a cart, and none here."""

from typing import ClassVar, Self
from uuid import UUID

from shared.core import ids
from shared.core.outbox import DomainEvent
from shared.core.typeids import CartId, OrderId

_EXAMPLE = ids.decode("cart", "cart_01h455vb4pex5vsknk084sn02q")


class _CartEvent(DomainEvent):
    entity: ClassVar[str] = "cart"

    cart_id: CartId
    version: int
    line_count: int
    item_count: int  # the sum of the lines' quantities

    def subject(self) -> tuple[UUID, int]:
        """Return the cart and its version."""
        return self.cart_id, self.version

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(cart_id=_EXAMPLE, version=3, line_count=2, item_count=5)


class CartCreated(_CartEvent):
    """A guest took a cart."""

    type: ClassVar[str] = "cart.created"


class CartUpdated(_CartEvent):
    """The lines of a cart changed; one that was abandoned is active again."""

    type: ClassVar[str] = "cart.updated"


class CartAbandoned(_CartEvent):
    """A cart with something in it, or an empty one, was left alone for hours."""

    type: ClassVar[str] = "cart.abandoned"


class CartExpired(_CartEvent):
    """A cart was left alone for weeks, and cannot be bought any more."""

    type: ClassVar[str] = "cart.expired"


class CartConverted(_CartEvent):
    """A cart became an order."""

    type: ClassVar[str] = "cart.converted"

    order_id: OrderId

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        order_id = ids.decode("ord", "ord_01h455vb4pex5vsknk084sn02q")
        return cls(cart_id=_EXAMPLE, version=4, line_count=2, item_count=5, order_id=order_id)
