"""Orders: what was bought, frozen at the moment of buying. Statuses may change afterwards, prices and names not."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.encryption import EncryptedJSON
from shared.core.tenancy import Base, StoreOwned
from shared.orders.states import FulfillmentStatus, OrderStatus, PaymentStatus

PERSONAL = "orders.personal"  # the encrypted column's name, which its values are bound to


class Channel(StrEnum):
    """Where an order came from."""

    STOREFRONT = "storefront"
    API = "api"


class Order(StoreOwned, Base):
    """One purchase. Amounts are minor units of `currency`; `trace` is how they came about.

    Unique by checkout and by cart: whoever completes a checkout a second time finds the first order. Grows with sales,
    for ever: 1 KB a row; lists page by time, or by number.
    """

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("store_id", "number", name="orders_number_key"),
        UniqueConstraint("store_id", "checkout_id", name="orders_checkout_key"),
        UniqueConstraint("store_id", "cart_id", name="orders_cart_key"),
        CheckConstraint("channel in ('storefront', 'api')", name="channel_check"),
        CheckConstraint(
            "subtotal >= 0 and discount >= 0 and tax >= 0 and shipping >= 0 and shipping_tax >= 0 and total >= 0",
            name="amounts_check",
        ),
        CheckConstraint("(status = 'canceled') = (canceled_at is not null)", name="canceled_check"),
        CheckConstraint(
            "status <> 'canceled' or fulfillment_status = 'unfulfilled'", name="canceled_unfulfilled_check"
        ),
        CheckConstraint(
            "status <> 'completed' or (payment_status = 'paid' and fulfillment_status = 'fulfilled')",
            name="completed_check",
        ),
        Index("orders_by_status", "store_id", "status", "created_at", "id"),
        Index("orders_by_payment", "store_id", "payment_status", "created_at", "id"),
        Index("orders_by_fulfillment", "store_id", "fulfillment_status", "created_at", "id"),
        Index("orders_by_creation", "store_id", "created_at", "id"),
        Index("orders_by_email", "store_id", "email_index", postgresql_where=text("email_index is not null")),
        Index("orders_by_phone", "store_id", "phone_index", postgresql_where=text("phone_index is not null")),
        Index(
            "orders_by_customer",
            "store_id",
            "customer_id",
            "created_at",
            "id",
            postgresql_where=text("customer_id is not null"),
        ),
    )

    number: Mapped[int]  # what people read out on the phone: 1001, 1002 ...; "#1001" on the wire
    checkout_id: Mapped[UUID | None]
    cart_id: Mapped[UUID | None]
    channel: Mapped[str]
    status: Mapped[OrderStatus]
    payment_status: Mapped[PaymentStatus]
    fulfillment_status: Mapped[FulfillmentStatus]
    currency: Mapped[str]  # ISO 4217
    locale: Mapped[str]  # BCP 47: the language in which the buyer is written to
    subtotal: Mapped[int]
    discount: Mapped[int]
    tax: Mapped[int]  # of the goods
    shipping: Mapped[int]
    shipping_tax: Mapped[int]
    total: Mapped[int]
    prices_include_tax: Mapped[bool]
    trace: Mapped[list[Any]] = mapped_column(JSONB)
    personal: Mapped[dict[str, Any] | None] = mapped_column(
        EncryptedJSON(PERSONAL)
    )  # `contacts.Personal`; None: erased
    email_index: Mapped[bytes | None]  # blind indexes of the contact
    phone_index: Mapped[bytes | None]
    customer_id: Mapped[UUID | None]  # whose account it is in; a guest's until it is claimed (`claiming`)
    cancel_reason: Mapped[str | None]
    canceled_at: Mapped[datetime | None]
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class OrderLine(StoreOwned, Base):
    """One variant of an order, by the name and at the price it was sold for. 500 bytes a row."""

    __tablename__ = "order_lines"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "order_id"], ["orders.store_id", "orders.id"], name="order_lines_order_fkey"),
        UniqueConstraint("store_id", "order_id", "position", name="order_lines_position_key"),
        CheckConstraint("quantity > 0", name="quantity_check"),
        CheckConstraint("fulfilled between 0 and quantity", name="fulfilled_check"),
        CheckConstraint(
            "unit_price >= 0 and subtotal >= 0 and discount >= 0 and tax >= 0 and total >= 0",
            name="amounts_check",
        ),
    )

    order_id: Mapped[UUID]
    position: Mapped[int]
    variant_id: Mapped[UUID]
    product_id: Mapped[UUID]
    sku: Mapped[str]
    product_title: Mapped[str]
    variant_title: Mapped[str | None]
    requires_shipping: Mapped[bool]
    quantity: Mapped[int]
    unit_price: Mapped[int]
    subtotal: Mapped[int]
    discount: Mapped[int]  # this line's share
    tax: Mapped[int]
    total: Mapped[int]
    trace: Mapped[list[Any]] = mapped_column(JSONB)
    fulfilled: Mapped[int] = mapped_column(server_default=text("0"))  # the sum of its fulfillments


class Fulfillment(StoreOwned, Base):
    """One time that goods of an order were handed over. Append-only. One to three an order."""

    __tablename__ = "fulfillments"
    __table_args__ = (
        ForeignKeyConstraint(
            ["store_id", "order_id"], ["orders.store_id", "orders.id"], name="fulfillments_order_fkey"
        ),
        Index("fulfillments_by_order", "store_id", "order_id", "id"),
    )

    order_id: Mapped[UUID]
    tracking_number: Mapped[str | None]
    tracking_url: Mapped[str | None]
    created_at: Mapped[datetime]


class FulfillmentLine(StoreOwned, Base):
    """How much of one order line was in a fulfillment. Append-only. About as many rows as order lines."""

    __tablename__ = "fulfillment_lines"
    __table_args__ = (
        ForeignKeyConstraint(
            ["store_id", "fulfillment_id"],
            ["fulfillments.store_id", "fulfillments.id"],
            name="fulfillment_lines_fulfillment_fkey",
        ),
        ForeignKeyConstraint(
            ["store_id", "order_line_id"],
            ["order_lines.store_id", "order_lines.id"],
            name="fulfillment_lines_order_line_fkey",
        ),
        UniqueConstraint("store_id", "fulfillment_id", "order_line_id", name="fulfillment_lines_once_key"),
        CheckConstraint("quantity > 0", name="quantity_check"),
        Index("fulfillment_lines_by_order_line", "store_id", "order_line_id"),
    )

    fulfillment_id: Mapped[UUID]
    order_line_id: Mapped[UUID]
    quantity: Mapped[int]
