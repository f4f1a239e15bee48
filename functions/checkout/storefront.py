"""Checkouts over HTTP, for shoppers' browsers. Each route is deployed as a Lambda of its own."""

from fastapi import Response

from shared.carts.converting import CartChanged
from shared.carts.documents import CartClosed
from shared.carts.goods import NotSold
from shared.checkout import completion, documents, giving_up, starting
from shared.checkout.completion import PriceChanged
from shared.checkout.documents import CheckoutClosed
from shared.checkout.schemas import CheckoutOut, CompleteCheckout, CompletedOut, StartCheckout
from shared.checkout.starting import CartEmpty, TooManyHolds
from shared.core.errors import NotFound
from shared.core.functions import Api
from shared.core.principal import customer_of
from shared.core.request import Caller, CartToken, StoreSession
from shared.core.typeids import CheckoutId
from shared.inventory.reservations import OutOfStock
from shared.payments.gateways import PaymentMethodUnavailable
from shared.pricing.cart import TotalTooLarge

api = Api("checkout", prefix="/api/v1/storefront/checkouts", audience="storefront")

GUEST = "The cart's own token is asked for: who owns the cart owns its checkout."


@api.post(
    "",
    status_code=201,
    public=GUEST,
    raises=(NotFound, CartClosed, CartEmpty, NotSold, TooManyHolds, OutOfStock, TotalTooLarge),
    memory=1024,  # MB; twice the default: CPU comes with memory, and a slow start here is a lost sale
)
def start_checkout(checkout: StartCheckout, session: StoreSession, token: CartToken) -> CheckoutOut:
    """Start to buy a cart: its price holds, and its stock is reserved, until `reserved_until`.

    A cart has one checkout under way. Starting again renews it with what is in the cart now.
    """
    return CheckoutOut.of(starting.start(session, checkout.cart_id, token, checkout))


@api.get("/{checkout_id}", public=GUEST, raises=(NotFound,))
def get_checkout(checkout_id: CheckoutId, session: StoreSession, token: CartToken) -> CheckoutOut:
    """Read a checkout: what it costs, and until when that holds."""
    return CheckoutOut.of(documents.read(session, checkout_id, token))


@api.delete("/{checkout_id}", public=GUEST, raises=(NotFound, CheckoutClosed))
def cancel_checkout(checkout_id: CheckoutId, session: StoreSession, token: CartToken) -> CheckoutOut:
    """Give a checkout up: what it had reserved can be sold again. The cart stays."""
    return CheckoutOut.of(giving_up.cancel(session, checkout_id, token))


@api.post(
    "/{checkout_id}/complete",
    status_code=201,
    public=GUEST,
    idempotent=True,
    raises=(
        NotFound,
        CheckoutClosed,
        CartChanged,
        CartClosed,
        PriceChanged,
        NotSold,
        OutOfStock,
        TotalTooLarge,
        PaymentMethodUnavailable,
    ),
    memory=1024,  # MB; as above
)
def complete_checkout(  # noqa: PLR0913, PLR0917 -- FastAPI passes by name what the request carries
    checkout_id: CheckoutId,
    payment: CompleteCheckout,
    session: StoreSession,
    response: Response,
    caller: Caller,
    token: CartToken,
) -> CompletedOut:
    """Place the order. One checkout makes one order, however often and from however many tabs it is completed.

    201 when the order was placed now, 200 with the same order when it had been placed before. Sent with a customer's
    access token, it makes the order theirs.
    """
    completed = completion.complete(
        session, checkout_id, token, payment_method=payment.payment_method, customer_id=customer_of(caller)
    )
    if not completed.order.is_new:
        response.status_code = 200
    return CompletedOut.of(completed)


handler = api.lambda_handler()
