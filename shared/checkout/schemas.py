"""Checkouts on the wire, and orders that come in one call."""

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, ConfigDict, Field

from shared.carts.models import MOST_LINES
from shared.carts.schemas import LinePriceOut, StepOut, TotalsOut, Wanted
from shared.checkout.completion import Completed
from shared.checkout.documents import CheckoutDocument
from shared.checkout.persons import BuyerIn
from shared.checkout.states import CheckoutState
from shared.core.money import Money
from shared.core.schemas import Input, Schema
from shared.core.typeids import CartId, CartLineId, CheckoutId, OrderId, ProductId, VariantId
from shared.orders import guest_links
from shared.orders.contacts import Address, Contact
from shared.orders.numbers import OrderNumber
from shared.orders.states import FulfillmentStatus, OrderStatus, PaymentStatus
from shared.stores.settings import Amount

PaymentMethod = Literal["cash_on_delivery"]


class StartCheckout(BuyerIn):
    """Which cart is to be bought, by whom, and where it goes."""

    cart_id: CartId


class CompleteCheckout(Input):
    """How the order is going to be paid."""

    model_config = ConfigDict(frozen=True)

    payment_method: PaymentMethod


class PlaceOrder(BuyerIn):
    """An order in one call: what, by whom, where to."""

    lines: Annotated[list[Wanted], Field(min_length=1, max_length=MOST_LINES)]
    discount: Amount = Field(
        default=0, description="Taken off the goods, in minor units; needs the permission discount.apply."
    )
    payment_method: PaymentMethod = "cash_on_delivery"


class CheckoutLineOut(Schema):
    """One line of a checkout, at the price that it holds."""

    id: CartLineId
    variant_id: VariantId
    product_id: ProductId
    sku: str
    product_title: str
    variant_title: str
    quantity: int
    price: LinePriceOut


class CheckoutOut(Schema):
    """A checkout. Its price and stock hold until `reserved_until`; after that, completion reckons anew."""

    id: CheckoutId
    cart_id: CartId
    state: CheckoutState
    version: int
    contact: Contact | None
    shipping_address: Address | None
    note: str | None
    locale: str
    lines: list[CheckoutLineOut]
    totals: TotalsOut
    reserved_until: AwareDatetime
    is_reserved: bool
    order_id: OrderId | None
    created_at: AwareDatetime

    @classmethod
    def of(cls, checkout: CheckoutDocument) -> Self:
        """Present a checkout."""
        personal = checkout.personal
        return cls(
            id=checkout.id,
            cart_id=checkout.cart_id,
            state=checkout.state,
            version=checkout.version,
            contact=personal.contact if personal else None,
            shipping_address=personal.shipping_address if personal else None,
            note=personal.note if personal else None,
            locale=checkout.locale,
            lines=_lines(checkout),
            totals=TotalsOut.of(checkout.priced),
            reserved_until=checkout.holds_until,
            is_reserved=checkout.holds,
            order_id=checkout.order_id,
            created_at=checkout.created_at,
        )


class PlacedOrderOut(Schema):
    """The order that a checkout became."""

    id: OrderId
    number: OrderNumber
    status: OrderStatus
    payment_status: PaymentStatus
    fulfillment_status: FulfillmentStatus
    totals: TotalsOut
    created_at: AwareDatetime


class CompletedOut(Schema):
    """A completed checkout: its order, and the link by which the guest reads it without an account."""

    checkout_id: CheckoutId
    order: PlacedOrderOut
    order_link: str

    @classmethod
    def of(cls, completed: Completed) -> Self:
        """Present a completed checkout."""
        checkout, order = completed.checkout, completed.order
        store = checkout.store
        return cls(
            checkout_id=checkout.id,
            order=PlacedOrderOut(
                id=order.id,
                number=order.number,
                status=order.status,
                payment_status=order.payment_status,
                fulfillment_status=order.fulfillment_status,
                totals=TotalsOut.of(checkout.priced),
                created_at=order.created_at,
            ),
            order_link=guest_links.address(
                store.id, order.id, publishable_key=store.publishable_key, days=store.settings.order_link_days
            ),
        )


def _lines(checkout: CheckoutDocument) -> list[CheckoutLineOut]:
    variants = {item.line_id: item.variant for item in checkout.items}
    currency = checkout.priced.currency

    def money(amount: int) -> Money:
        return Money(amount, currency)

    told = []
    for line in checkout.priced.lines:
        variant = variants[line.line_id]
        told.append(
            CheckoutLineOut(
                id=line.line_id,
                variant_id=line.variant_id,
                product_id=variant.product_id,
                sku=line.sku,
                product_title=variant.product_title,
                variant_title=variant.variant_title,
                quantity=line.quantity,
                price=LinePriceOut(
                    unit_price=money(line.unit_price),
                    compare_at=money(variant.compare_at) if variant.compare_at is not None else None,
                    subtotal=money(line.subtotal),
                    discount=money(line.discount),
                    tax=money(line.tax),
                    total=money(line.total),
                    trace=[StepOut.of(step, currency) for step in line.trace],
                ),
            )
        )
    return told
