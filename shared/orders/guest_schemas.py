"""An order as the guest sees it who bought it: without what only the shop needs, and without ways to reach anybody."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self

from shared.core.money import Money
from shared.core.schemas import Schema
from shared.core.typeids import OrderId
from shared.orders.models import Order
from shared.orders.numbers import OrderNumber
from shared.orders.queries import OrderDocument
from shared.orders.schemas import personal_of
from shared.orders.states import FulfillmentStatus, OrderStatus, PaymentStatus


class GuestLineOut(Schema):
    """One line of the guest's order."""

    sku: str
    product_title: str
    variant_title: str | None
    quantity: int
    fulfilled: int
    unit_price: Money
    total: Money

    @classmethod
    def of(cls, line: dict[str, Any], currency: str) -> Self:
        """Present a line."""
        plain = {name: line[name] for name in ("sku", "product_title", "variant_title", "quantity", "fulfilled")}
        return cls(**plain, unit_price=Money(line["unit_price"], currency), total=Money(line["total"], currency))


class ParcelOut(Schema):
    """Something that is on its way, or was handed over."""

    tracking_number: str | None
    tracking_url: str | None
    created_at: datetime


class GuestOrderOut(Schema):
    """An order, as the guest sees it. Whoever holds the link sees no phone number, e-mail or street."""

    id: OrderId
    number: OrderNumber
    status: OrderStatus
    payment_status: PaymentStatus
    fulfillment_status: FulfillmentStatus
    name: str | None
    city: str | None
    lines: list[GuestLineOut]
    parcels: list[ParcelOut]
    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    shipping_tax: Money
    total: Money
    canceled_at: datetime | None
    created_at: datetime
    version: int

    @classmethod
    def of(cls, document: OrderDocument) -> Self:
        """Present an order."""
        order, personal = document.order, personal_of(document.order)
        address = personal.shipping_address if personal else None
        names = ("subtotal", "discount", "shipping", "tax", "shipping_tax", "total")
        return cls(
            id=order.id,
            number=order.number,
            status=order.status,
            payment_status=order.payment_status,
            fulfillment_status=order.fulfillment_status,
            name=personal.contact.name if personal else None,
            city=address.city if address else None,
            lines=[GuestLineOut.of(line, order.currency) for line in document.lines],
            parcels=[
                ParcelOut(
                    tracking_number=one["tracking_number"],
                    tracking_url=one["tracking_url"],
                    created_at=one["created_at"],
                )
                for one in document.fulfillments
            ],
            **{name: Money(getattr(order, name), order.currency) for name in names},
            canceled_at=order.canceled_at,
            created_at=order.created_at,
            version=order.version,
        )


class OwnOrderSummaryOut(Schema):
    """An order as it stands in its customer's list."""

    id: OrderId
    number: OrderNumber
    status: OrderStatus
    payment_status: PaymentStatus
    fulfillment_status: FulfillmentStatus
    total: Money
    created_at: datetime
    version: int

    @classmethod
    def all_of(cls, orders: Sequence[Order]) -> list[Self]:
        """Present a page of orders."""
        return [
            cls(
                id=order.id,
                number=order.number,
                status=order.status,
                payment_status=order.payment_status,
                fulfillment_status=order.fulfillment_status,
                total=Money(order.total, order.currency),
                created_at=order.created_at,
                version=order.version,
            )
            for order in orders
        ]
