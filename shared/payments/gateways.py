"""Which ways of paying there are, by the word that orders and clients use for them."""

from collections.abc import Mapping

from shared.core.errors import FieldError, Problem
from shared.payments.cash_on_delivery import CashOnDelivery
from shared.payments.gateway import PaymentGateway

GATEWAYS: Mapping[str, PaymentGateway] = {gateway.method: gateway for gateway in (CashOnDelivery(),)}


class PaymentMethodUnavailable(Problem):
    """The store does not take payment this way; `available` lists the ways in which it does."""

    status = 422
    code = "payment_method_unavailable"
    title = "Payment method not available"


def gateway_of(method: str) -> PaymentGateway:
    """Return who moves the money for this way of paying.

    Raises:
        PaymentMethodUnavailable: nobody does.
    """
    gateway = GATEWAYS.get(method)
    if gateway is None:
        available = sorted(GATEWAYS)
        wrong = FieldError(pointer="/payment_method", code="unknown", message=f"One of: {', '.join(available)}.")
        raise PaymentMethodUnavailable("Choose another way to pay.", errors=[wrong], available=available)
    return gateway
