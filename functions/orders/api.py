"""Orders over HTTP, for merchants and their integrations. Each route is deployed as a Lambda of its own.

Placing an order in one call is `functions/checkout`: it prices, takes stock and starts a payment besides.
"""

from typing import Annotated

from fastapi import Depends

from shared.checkout import cancellation, collection
from shared.core.functions import Api
from shared.core.paging import InvalidListing, ListQuery, Page
from shared.core.request import StoreSession
from shared.core.states import TransitionNotAllowed
from shared.core.typeids import OrderId
from shared.orders import fulfillment, queries
from shared.orders.fulfillment import MoreThanOrdered, OrderIsCanceled
from shared.orders.schemas import CancelOrder, FulfillOrder, OrderOut, OrderSummaryOut
from shared.payments import attempts
from shared.payments.attempts import NothingToCollect
from shared.payments.schemas import CollectCash, PaymentAttemptOut, PaymentAttemptsOut

api = Api("orders", prefix="/api/v1/orders", audience="merchant")


@api.get("", permission="order.read", raises=(InvalidListing,))
def list_orders(
    session: StoreSession,
    query: Annotated[ListQuery, Depends(queries.ORDERS.query)],
) -> Page[OrderSummaryOut]:
    """List orders, the newest first: by status, number, channel, time, or the buyer's e-mail or phone."""
    orders, page, total = queries.list_orders(session, query)
    return Page(data=OrderSummaryOut.all_of(orders), page=page, total=total)


@api.get("/{order_id}", permission="order.read")
def get_order(order_id: OrderId, session: StoreSession) -> OrderOut:
    """Read one order with its lines, how each amount came about, and what was handed over."""
    return OrderOut.of(queries.get_order(session, order_id))


@api.get("/{order_id}/payments", permission="order.read")
def list_payments(order_id: OrderId, session: StoreSession) -> PaymentAttemptsOut:
    """List all tries to pay for an order, the oldest first."""
    queries.require(session, order_id)
    return PaymentAttemptsOut(data=[PaymentAttemptOut.of(one) for one in attempts.of_order(session, order_id)])


@api.post("/{order_id}/cancel", permission="order.write", idempotent=True, raises=(TransitionNotAllowed,))
def cancel_order(order_id: OrderId, request: CancelOrder, session: StoreSession) -> OrderOut:
    """Cancel an order of which nothing was handed over; its stock can be sold again unless `restock` is false.

    Canceling what is canceled changes nothing. Money that was received stays received until it is refunded.
    """
    return OrderOut.of(cancellation.cancel(session, order_id, request))


@api.post(
    "/{order_id}/fulfillments",
    status_code=201,
    permission="order.fulfill",
    idempotent=True,
    raises=(MoreThanOrdered, OrderIsCanceled),
)
def fulfill_order(order_id: OrderId, request: FulfillOrder, session: StoreSession) -> OrderOut:
    """Record that goods were handed over: the lines that are named, or all that is left. Returns the order."""
    fulfillment.fulfill(session, order_id, request)
    return OrderOut.of(queries.get_order(session, order_id))


@api.post(
    "/{order_id}/payments/collect",
    permission="order.write",
    idempotent=True,
    raises=(NothingToCollect,),
)
def collect_payment(order_id: OrderId, request: CollectCash, session: StoreSession) -> OrderOut:
    """Record that the cash on delivery of an order was collected, all of it. Returns the order, which is then paid."""
    return OrderOut.of(collection.record_cash(session, order_id, reference=request.reference))


handler = api.lambda_handler()
