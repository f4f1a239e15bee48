"""What comes in and goes out about orders."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, StrictBool, StringConstraints

from shared.core.ids import TypeID
from shared.core.money import Money
from shared.core.schemas import Input, Schema
from shared.core.typeids import CheckoutId, CustomerId, OrderId, OrderLineId, ProductId, VariantId
from shared.orders.contacts import Address, AddressLine, Contact, Personal
from shared.orders.models import Channel, Order
from shared.orders.numbers import OrderNumber
from shared.orders.queries import OrderDocument
from shared.orders.states import FulfillmentStatus, OrderStatus, PaymentStatus

FulfillmentId = Annotated[UUID, TypeID("ful")]


class CancelReason(StrEnum):
    """Why an order was canceled."""

    CUSTOMER = "customer"
    INVENTORY = "inventory"
    FRAUD = "fraud"
    PAYMENT = "payment"
    OTHER = "other"


class CancelOrder(Input):
    """How to cancel. `restock`: whether what was sold can be sold again."""

    reason: CancelReason = CancelReason.OTHER
    restock: StrictBool = True


class FulfillLine(Input):
    """How much of one line is handed over."""

    order_line_id: OrderLineId
    quantity: Annotated[int, Field(strict=True, ge=1, le=10**6)]


class FulfillOrder(Input):
    """What was handed over; without `lines`, all that is left."""

    lines: Annotated[list[FulfillLine], Field(min_length=1, max_length=500)] | None = None
    tracking_number: Annotated[AddressLine, Field(max_length=100)] | None = None
    tracking_url: Annotated[str, StringConstraints(pattern=r"^https://[^\s<>\"']{1,1000}$")] | None = None


class OrderStepOut(Schema):
    """One step of how an amount came about; those that do not count explain another."""

    code: str
    text: str
    amount: Money
    counts: bool

    @classmethod
    def all_of(cls, trace: list[dict[str, Any]], currency: str) -> list[Self]:
        """Present a trace."""
        return [cls(**{**step, "amount": Money(step["amount"], currency)}) for step in trace]


class OrderLineOut(Schema):
    """One line, by the name and at the price it was sold for."""

    id: OrderLineId
    product_id: ProductId
    variant_id: VariantId
    sku: str
    product_title: str
    variant_title: str | None
    requires_shipping: bool
    quantity: int
    fulfilled: int
    unit_price: Money
    subtotal: Money
    discount: Money
    tax: Money
    total: Money
    trace: list[OrderStepOut]

    @classmethod
    def of(cls, line: dict[str, Any], currency: str) -> Self:
        """Present a line."""
        same = ("sku", "product_title", "variant_title", "requires_shipping", "quantity", "fulfilled")
        facts: dict[str, Any] = {name: line[name] for name in same}
        facts["trace"] = OrderStepOut.all_of(line["trace"], currency)
        facts |= {name: UUID(line[name]) for name in ("id", "product_id", "variant_id")}
        facts |= {name: Money(line[name], currency) for name in ("unit_price", "subtotal", "discount", "tax", "total")}
        return cls(**facts)


class FulfilledLineOut(Schema):
    """How much of one line was handed over."""

    order_line_id: OrderLineId
    quantity: int


class FulfillmentOut(Schema):
    """One time that goods were handed over."""

    id: FulfillmentId
    lines: list[FulfilledLineOut]
    tracking_number: str | None
    tracking_url: str | None
    created_at: datetime

    @classmethod
    def of(cls, fulfillment: dict[str, Any]) -> Self:
        """Present a fulfillment."""
        return cls(
            id=UUID(fulfillment["id"]),
            lines=[
                FulfilledLineOut(order_line_id=UUID(line["order_line_id"]), quantity=line["quantity"])
                for line in fulfillment["lines"] or []
            ],
            tracking_number=fulfillment["tracking_number"],
            tracking_url=fulfillment["tracking_url"],
            created_at=fulfillment["created_at"],
        )


class OrderOut(Schema):
    """An order, as its merchant sees it.

    `tax` and `shipping_tax` are contained in `total` either way. `contact` is null once the person's data was erased.
    """

    id: OrderId
    number: OrderNumber
    channel: Channel
    status: OrderStatus
    payment_status: PaymentStatus
    fulfillment_status: FulfillmentStatus
    checkout_id: CheckoutId | None
    customer_id: CustomerId | None
    locale: str
    contact: Contact | None
    shipping_address: Address | None
    note: str | None
    lines: list[OrderLineOut]
    subtotal: Money
    discount: Money
    tax: Money
    shipping: Money
    shipping_tax: Money
    total: Money
    prices_include_tax: bool
    trace: list[OrderStepOut]
    fulfillments: list[FulfillmentOut]
    cancel_reason: CancelReason | None
    canceled_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, document: OrderDocument) -> Self:
        """Present an order."""
        order = document.order
        personal = personal_of(order)
        names = ("subtotal", "discount", "tax", "shipping", "shipping_tax", "total")
        return cls(
            **{name: Money(getattr(order, name), order.currency) for name in names},
            prices_include_tax=order.prices_include_tax,
            id=order.id,
            number=order.number,
            channel=Channel(order.channel),
            status=order.status,
            payment_status=order.payment_status,
            fulfillment_status=order.fulfillment_status,
            checkout_id=order.checkout_id,
            customer_id=order.customer_id,
            locale=order.locale,
            contact=personal.contact if personal else None,
            shipping_address=personal.shipping_address if personal else None,
            note=personal.note if personal else None,
            lines=[OrderLineOut.of(line, order.currency) for line in document.lines],
            fulfillments=[FulfillmentOut.of(one) for one in document.fulfillments],
            trace=OrderStepOut.all_of(order.trace, order.currency),
            cancel_reason=CancelReason(order.cancel_reason) if order.cancel_reason else None,
            canceled_at=order.canceled_at,
            version=order.version,
            created_at=order.created_at,
            updated_at=order.updated_at,
        )


class OrderSummaryOut(Schema):
    """An order as it stands in a list."""

    id: OrderId
    number: OrderNumber
    channel: Channel
    status: OrderStatus
    payment_status: PaymentStatus
    fulfillment_status: FulfillmentStatus
    customer_id: CustomerId | None
    customer_name: str | None
    total: Money
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, order: Order) -> Self:
        """Present an order."""
        personal = personal_of(order)
        return cls(
            id=order.id,
            number=order.number,
            channel=Channel(order.channel),
            status=order.status,
            payment_status=order.payment_status,
            fulfillment_status=order.fulfillment_status,
            customer_id=order.customer_id,
            customer_name=personal.contact.name if personal else None,
            total=Money(order.total, order.currency),
            version=order.version,
            created_at=order.created_at,
            updated_at=order.updated_at,
        )

    @classmethod
    def all_of(cls, orders: Sequence[Order]) -> list[Self]:
        """Present a page of orders."""
        return [cls.of(order) for order in orders]


def personal_of(order: Order) -> Personal | None:
    """Return what the order knows of a person; None once it was erased."""
    return Personal.model_validate(order.personal) if order.personal else None
