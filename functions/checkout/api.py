"""Placing orders over HTTP, for merchants' integrations."""

from shared.carts.goods import NotSold
from shared.checkout import direct
from shared.checkout.schemas import PlaceOrder
from shared.core.functions import Api
from shared.core.request import Caller, StoreSession
from shared.identity.amounts import OverLimit
from shared.inventory.reservations import OutOfStock
from shared.orders.schemas import OrderOut
from shared.payments.gateways import PaymentMethodUnavailable
from shared.pricing.cart import TotalTooLarge

api = Api("checkout", prefix="/api/v1/orders", audience="merchant")


@api.post(
    "",
    status_code=201,
    permission="order.write",
    idempotent=True,
    raises=(NotSold, OutOfStock, OverLimit, TotalTooLarge, PaymentMethodUnavailable),
    memory=1024,  # MB; twice the default: CPU comes with memory, and an order should not wait
)
def place_order(order: PlaceOrder, session: StoreSession, caller: Caller) -> OrderOut:
    """Place an order in one call, at this moment's prices: all lines or none.

    Variants are named by id or SKU. Stock is taken at once; payment begins, and is collected later.
    """
    return OrderOut.of(direct.place_in_one_call(session, order, caller=caller))


handler = api.lambda_handler()
