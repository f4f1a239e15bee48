"""What orders tell the world: ids and amounts, never who bought."""

from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from shared.core import ids
from shared.core.money import Money
from shared.core.outbox import DomainEvent
from shared.core.schemas import Schema
from shared.core.typeids import CartId, CheckoutId, CustomerId, OrderId, OrderLineId, ProductId, VariantId

Number = Annotated[str, Field(pattern=r"^#[0-9]+$", examples=["#1001"])]

_ORDER = ids.decode("ord", "ord_01h455vb4pex5vsknk084sn02q")
_LINE = ids.decode("oline", "oline_01h455vb4pex5vsknk084sn02r")
_CUSTOMER = ids.decode("cust", "cust_01h455vb4pex5vsknk084sn02q")


class SoldLine(Schema):
    """One line of a placed order."""

    model_config = ConfigDict(frozen=True)

    order_line_id: OrderLineId
    product_id: ProductId
    variant_id: VariantId
    quantity: int
    total: Money


class HandedOver(Schema):
    """How much of one line a fulfillment held."""

    model_config = ConfigDict(frozen=True)

    order_line_id: OrderLineId
    quantity: int


class _OrderEvent(DomainEvent):
    """What every event of an order carries."""

    entity: ClassVar[str] = "order"

    order_id: OrderId
    number: Number
    version: int

    def subject(self) -> tuple[UUID, int]:
        """Return the order and its version."""
        return self.order_id, self.version


class OrderPlaced(_OrderEvent):
    """An order came into being; its stock is sold."""

    type: ClassVar[str] = "order.placed"

    channel: Literal["storefront", "api"]
    checkout_id: CheckoutId | None
    cart_id: CartId | None
    customer_id: CustomerId | None = None  # who was signed in
    total: Money
    lines: tuple[SoldLine, ...]

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        line = SoldLine(
            order_line_id=_LINE,
            product_id=ids.decode("prod", "prod_01h455vb4pex5vsknk084sn02q"),
            variant_id=ids.decode("var", "var_01h455vb4pex5vsknk084sn02q"),
            quantity=2,
            total=Money(259800, "BDT"),
        )
        return cls(
            **_example(1),
            channel="storefront",
            checkout_id=ids.decode("chk", "chk_01h455vb4pex5vsknk084sn02q"),
            cart_id=ids.decode("cart", "cart_01h455vb4pex5vsknk084sn02q"),
            customer_id=_CUSTOMER,
            total=Money(265800, "BDT"),
            lines=(line,),
        )


class OrderClaimed(_OrderEvent):
    """A guest's order was found to be a customer's, who has proven its contact."""

    type: ClassVar[str] = "order.claimed"

    customer_id: CustomerId

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(**_example(2), customer_id=_CUSTOMER)


class OrderCanceled(_OrderEvent):
    """An order was canceled: nothing of it will be handed over. `restocked`: its stock can be sold again."""

    type: ClassVar[str] = "order.canceled"

    reason: str
    restocked: bool

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(**_example(2), reason="customer", restocked=True)


class OrderPaid(_OrderEvent):
    """All that an order costs was received."""

    type: ClassVar[str] = "order.paid"

    total: Money

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(**_example(3), total=Money(265800, "BDT"))


class OrderPartiallyFulfilled(_OrderEvent):
    """Some of an order was handed over, and some is still to come."""

    type: ClassVar[str] = "order.partially_fulfilled"

    lines: tuple[HandedOver, ...]

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(**_example(2), lines=(HandedOver(order_line_id=_LINE, quantity=1),))


class OrderFulfilled(_OrderEvent):
    """Everything of an order was handed over; `lines` is what came last."""

    type: ClassVar[str] = "order.fulfilled"

    lines: tuple[HandedOver, ...]

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(**_example(3), lines=(HandedOver(order_line_id=_LINE, quantity=1),))


def _example(version: int) -> dict[str, Any]:
    return {"order_id": _ORDER, "number": "#1001", "version": version}
