"""The three state machines of an order, and how its statuses follow from facts.

The order's own status is decided (a merchant cancels) or follows from the other two (paid and fulfilled: completed).
Payment status is a projection of what payment attempts came to, fulfillment status of the quantities that were
fulfilled; nobody sets them by hand. The migration that makes the tables holds the same steps in a trigger.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from shared.core.states import StateMachine


class OrderStatus(StrEnum):
    """Where the order as a whole stands."""

    OPEN = "open"
    COMPLETED = "completed"
    CANCELED = "canceled"


class PaymentStatus(StrEnum):
    """What its payment attempts came to."""

    PENDING = "pending"
    AUTHORIZED = "authorized"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    FAILED = "failed"
    VOIDED = "voided"


class FulfillmentStatus(StrEnum):
    """How much of it was handed over."""

    UNFULFILLED = "unfulfilled"
    PARTIALLY_FULFILLED = "partially_fulfilled"
    FULFILLED = "fulfilled"


ORDER = StateMachine(
    "order status",
    initial=frozenset({"open"}),
    steps={
        "open": frozenset({"completed", "canceled"}),
        "completed": frozenset(),
        "canceled": frozenset(),
    },
)

# An order with nothing to pay is paid from the start. A failed or lapsed attempt can be followed by another; what is
# voided belongs to a canceled order, and ends there.
PAYMENT = StateMachine(
    "payment status",
    initial=frozenset({"pending", "paid"}),
    steps={
        "pending": frozenset({"authorized", "partially_paid", "paid", "failed", "voided"}),
        "authorized": frozenset({"pending", "partially_paid", "paid", "failed", "voided"}),
        "partially_paid": frozenset({"paid"}),
        "paid": frozenset(),
        "failed": frozenset({"pending", "authorized", "partially_paid", "paid", "voided"}),
        "voided": frozenset(),
    },
)

FULFILLMENT = StateMachine(
    "fulfillment status",
    initial=frozenset({"unfulfilled"}),
    steps={
        "unfulfilled": frozenset({"partially_fulfilled", "fulfilled"}),
        "partially_fulfilled": frozenset({"fulfilled"}),
        "fulfilled": frozenset(),
    },
)


class PaymentFacts(Protocol):
    """What the payment attempts of one order came to; sums in minor units."""

    @property
    def captured(self) -> int:
        """What was received."""

    @property
    def authorized(self) -> int:
        """What was promised by a provider and not received yet."""

    @property
    def has_pending(self) -> bool:
        """Whether an attempt still waits."""

    @property
    def has_failed(self) -> bool:
        """Whether an attempt failed."""


@dataclass(frozen=True)
class Fulfilled:
    """How much of one line was ordered and handed over."""

    ordered: int
    fulfilled: int


def payment_status(total: int, facts: PaymentFacts, *, canceled: bool = False) -> PaymentStatus:
    """Return what the attempts amount to for an order of `total` minor units. Money that was received outweighs all."""
    if facts.captured >= total:
        return PaymentStatus.PAID
    if facts.captured > 0:
        return PaymentStatus.PARTIALLY_PAID
    if canceled:
        return PaymentStatus.VOIDED
    if facts.authorized > 0:
        return PaymentStatus.AUTHORIZED
    return PaymentStatus.FAILED if facts.has_failed and not facts.has_pending else PaymentStatus.PENDING


def fulfillment_status(lines: Iterable[Fulfilled]) -> FulfillmentStatus:
    """Return what the fulfilled quantities amount to."""
    quantities = list(lines)
    if all(line.fulfilled == line.ordered for line in quantities):
        return FulfillmentStatus.FULFILLED
    if any(line.fulfilled for line in quantities):
        return FulfillmentStatus.PARTIALLY_FULFILLED
    return FulfillmentStatus.UNFULFILLED


def order_status(status: OrderStatus, payment: PaymentStatus, fulfillment: FulfillmentStatus) -> OrderStatus:
    """Return where the order as a whole stands: what is open, paid and fulfilled is completed."""
    done = payment is PaymentStatus.PAID and fulfillment is FulfillmentStatus.FULFILLED
    return OrderStatus.COMPLETED if status is OrderStatus.OPEN and done else status
