"""The protocol between StormCom and whoever moves the money: a card processor, a mobile wallet, a courier with cash.

An adapter turns these calls into a provider's API and its answers into these results; it decides nothing about orders.
Every call carries the attempt's id, which adapters send as the provider's idempotency key: a call that is repeated
after a crash moves the money once. Calls talk to the outside, so they never run within a transaction; only an adapter
that `is_offline` asks nobody, and may.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from shared.core.errors import Problem
from shared.core.money import Money


class CallbackRefused(Problem):
    """A provider's callback is not signed by the provider, is too old, or cannot be read."""

    status = 400
    code = "callback_refused"
    title = "Callback refused"


@dataclass(frozen=True)
class PaymentRequest:
    """What is asked of a gateway for one attempt. `reference` is the provider's own name for it, once there is one."""

    attempt_id: UUID
    amount: Money
    reference: str | None = None


@dataclass(frozen=True)
class Pending:
    """The money is on its way, or waits for a person: nothing to do but to ask again or to be told."""

    reference: str | None = None
    redirect_url: str | None = None  # where the buyer goes to pay


@dataclass(frozen=True)
class Authorized:
    """The provider holds the amount for us."""

    reference: str


@dataclass(frozen=True)
class Captured:
    """The money is ours."""

    amount: Money
    reference: str | None = None


@dataclass(frozen=True)
class Voided:
    """The provider let go of what it held, or there was nothing to let go of."""

    reference: str | None = None


@dataclass(frozen=True)
class Refunded:
    """The money went back."""

    amount: Money
    reference: str | None = None


@dataclass(frozen=True)
class Failed:
    """The provider refused; `reason` is a stable word of ours, such as "declined"."""

    reason: str
    reference: str | None = None


type Result = Pending | Authorized | Captured | Voided | Failed


@dataclass(frozen=True)
class Callback:
    """What a provider told us unasked, and was verified. `event_id` is the provider's: a repetition has the same."""

    event_id: str
    reference: str
    result: Result | Refunded


class PaymentGateway(Protocol):
    """Who moves the money."""

    @property
    def method(self) -> str:
        """The word by which orders name this way of paying: "cash_on_delivery"."""

    @property
    def is_offline(self) -> bool:
        """Whether no call talks to the outside."""

    def authorize(self, request: PaymentRequest) -> Pending | Authorized | Captured | Failed:
        """Begin to pay. `Captured` where the provider takes the money at once."""

    def capture(self, request: PaymentRequest) -> Pending | Captured | Failed:
        """Take what was authorized."""

    def void(self, request: PaymentRequest) -> Pending | Voided | Failed:
        """Let go of what was not captured."""

    def refund(self, request: PaymentRequest, *, refund_id: UUID) -> Pending | Refunded | Failed:
        """Give `request.amount` of what was captured back; `refund_id` is the provider's idempotency key."""

    def fetch_status(self, request: PaymentRequest) -> Result:
        """Ask how the attempt stands: what a sweep does when no answer came."""

    def parse_callback(self, headers: Mapping[str, str], body: bytes) -> Callback:
        """Verify that a callback is the provider's, and read it; header names are lower-case.

        Raises:
            CallbackRefused: it is not theirs, too old, or unreadable.
        """
