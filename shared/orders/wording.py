"""What an order is called when we speak to people about it, in Bengali and in English."""

from dataclasses import dataclass
from typing import Any

from shared.core.money import Money
from shared.orders.models import Order
from shared.orders.states import FulfillmentStatus, OrderStatus, PaymentStatus


@dataclass(frozen=True)
class Words:
    """The words of one language. `{store}`, `{number}` and `{count}` are filled in."""

    language: str  # BCP 47
    order: str
    subject: str
    thanks: str
    subtotal: str
    discount: str
    shipping: str
    tax: str
    total: str
    see: str
    more: str
    payment: str
    delivery: str
    parcel: str
    canceled: str
    payments: dict[PaymentStatus, str]
    deliveries: dict[FulfillmentStatus, str]


ENGLISH = Words(
    language="en",
    order="Order {number}",
    subject="{store}: your order {number}",
    thanks="Thank you. {store} has received your order {number}.",
    subtotal="Subtotal",
    discount="Discount",
    shipping="Shipping",
    tax="Tax",
    total="Total",
    see="See your order:",
    more="and {count} more",
    payment="Payment",
    delivery="Delivery",
    parcel="Track your parcel",
    canceled="This order was canceled.",
    payments={
        PaymentStatus.PENDING: "to be paid",
        PaymentStatus.AUTHORIZED: "promised by your bank",
        PaymentStatus.PARTIALLY_PAID: "paid in part",
        PaymentStatus.PAID: "paid",
        PaymentStatus.FAILED: "failed",
        PaymentStatus.VOIDED: "not needed any more",
    },
    deliveries={
        FulfillmentStatus.UNFULFILLED: "being prepared",
        FulfillmentStatus.PARTIALLY_FULFILLED: "sent in part",
        FulfillmentStatus.FULFILLED: "sent",
    },
)

BENGALI = Words(
    language="bn",
    order="অর্ডার {number}",
    subject="{store}: আপনার অর্ডার {number}",
    thanks="ধন্যবাদ। {store} আপনার অর্ডার {number} পেয়েছে।",
    subtotal="পণ্যের মূল্য",
    discount="ছাড়",
    shipping="ডেলিভারি চার্জ",
    tax="কর",
    total="সর্বমোট",
    see="অর্ডারটি দেখুন:",
    more="আরও {count}টি",
    payment="মূল্য পরিশোধ",
    delivery="ডেলিভারি",
    parcel="পার্সেল ট্র্যাক করুন",
    canceled="এই অর্ডারটি বাতিল করা হয়েছে।",
    payments={
        PaymentStatus.PENDING: "বাকি আছে",
        PaymentStatus.AUTHORIZED: "ব্যাংক অনুমোদন দিয়েছে",
        PaymentStatus.PARTIALLY_PAID: "আংশিক পরিশোধিত",
        PaymentStatus.PAID: "পরিশোধিত",
        PaymentStatus.FAILED: "ব্যর্থ হয়েছে",
        PaymentStatus.VOIDED: "আর প্রয়োজন নেই",
    },
    deliveries={
        FulfillmentStatus.UNFULFILLED: "প্রস্তুত করা হচ্ছে",
        FulfillmentStatus.PARTIALLY_FULFILLED: "আংশিক পাঠানো হয়েছে",
        FulfillmentStatus.FULFILLED: "পাঠানো হয়েছে",
    },
)


def in_language_of(locale: str) -> Words:
    """Return the words of a locale: Bengali for `bn` in any country, English for every other."""
    return BENGALI if locale.partition("-")[0] == "bn" else ENGLISH


def title(line: dict[str, Any]) -> str:
    """Return what a line is: "2 × Mug (blue)". From strangers: escape it where it goes into HTML."""
    variant = f" ({line['variant_title']})" if line["variant_title"] else ""
    return f"{line['quantity']} × {line['product_title']}{variant}"


def amounts(words: Words, order: Order) -> list[tuple[str, str]]:
    """Return what an order costs, by name; what is nothing is left out, the goods and the total never are."""

    def money(amount: int) -> str:
        return Money(amount, order.currency).format()

    tax = order.tax + order.shipping_tax
    return [
        (words.subtotal, money(order.subtotal)),
        *([(words.discount, money(-order.discount))] if order.discount else []),
        *([(words.shipping, money(order.shipping))] if order.shipping else []),
        *([(words.tax, money(tax))] if tax else []),
        (words.total, money(order.total)),
    ]


def standing(words: Words, order: Order) -> list[tuple[str, str]]:
    """Return how an order stands, by name: nothing but that it was canceled, where it was."""
    if order.status is OrderStatus.CANCELED:
        return [(words.canceled, "")]
    return [
        (words.payment, words.payments[order.payment_status]),
        (words.delivery, words.deliveries[order.fulfillment_status]),
    ]
