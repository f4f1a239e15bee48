"""Cash on delivery: whoever hands over the parcel takes the money. How most of Bangladesh pays.

Nobody outside is asked: authorizing is a promise that stays pending until the cash is there, and what "the provider"
says is what the merchant or their courier reports.
"""

from collections.abc import Mapping
from uuid import UUID

from shared.payments.gateway import (
    Callback,
    CallbackRefused,
    Captured,
    PaymentRequest,
    Pending,
    Refunded,
    Voided,
)

METHOD = "cash_on_delivery"


class CashOnDelivery:
    """The gateway that asks nobody."""

    method = METHOD
    is_offline = True

    def authorize(self, request: PaymentRequest) -> Pending:
        """Wait for the delivery: a promise of cash is no authorization."""
        return Pending(request.reference)

    def capture(self, request: PaymentRequest) -> Captured:
        """Take the courier's word that the cash is there, all of it; `reference` is the courier's receipt."""
        return Captured(request.amount, request.reference)

    def void(self, request: PaymentRequest) -> Voided:
        """Expect the cash no longer."""
        return Voided(request.reference)

    def refund(self, request: PaymentRequest, *, refund_id: UUID) -> Refunded:  # noqa: ARG002 -- nobody needs the key
        """Record that the cash went back by hand."""
        return Refunded(request.amount, request.reference)

    def fetch_status(self, request: PaymentRequest) -> Pending:
        """Know nothing beyond our own record."""
        return Pending(request.reference)

    def parse_callback(self, headers: Mapping[str, str], body: bytes) -> Callback:  # noqa: ARG002 -- there are none
        """Refuse: nobody calls back about cash.

        Raises:
            CallbackRefused: always.
        """
        raise CallbackRefused("Cash on delivery has no callbacks.")
