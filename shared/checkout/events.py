"""What checkouts tell the world: ids and amounts, never who buys."""

from typing import ClassVar, Self
from uuid import UUID

from pydantic import AwareDatetime, TypeAdapter

from shared.core import ids
from shared.core.money import Money
from shared.core.outbox import DomainEvent
from shared.core.typeids import CartId, CheckoutId

_CHECKOUT = ids.decode("chk", "chk_01h455vb4pex5vsknk084sn02q")
_CART = ids.decode("cart", "cart_01h455vb4pex5vsknk084sn02q")


class _CheckoutEvent(DomainEvent):
    """What every event of a checkout carries."""

    entity: ClassVar[str] = "checkout"

    checkout_id: CheckoutId
    cart_id: CartId
    version: int

    def subject(self) -> tuple[UUID, int]:
        """Return the checkout and its version."""
        return self.checkout_id, self.version


class CheckoutStarted(_CheckoutEvent):
    """A checkout was started, or started again: priced, and its stock reserved until `reserved_until`."""

    type: ClassVar[str] = "checkout.started"

    total: Money
    reserved_until: AwareDatetime

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        until = TypeAdapter(AwareDatetime).validate_python("2026-11-21T09:15:00Z")
        return cls(checkout_id=_CHECKOUT, cart_id=_CART, version=1, total=Money(265800, "BDT"), reserved_until=until)


class CheckoutCanceled(_CheckoutEvent):
    """The shopper gave a checkout up; what it had reserved can be sold again."""

    type: ClassVar[str] = "checkout.canceled"

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(checkout_id=_CHECKOUT, cart_id=_CART, version=2)
