"""Canceling an order with all that hangs on it: payments are given up, stock comes back."""

from collections import Counter
from uuid import UUID

from sqlalchemy.orm import Session

from shared.catalog import components
from shared.inventory import sales
from shared.orders import progress, queries
from shared.orders.queries import OrderDocument
from shared.orders.schemas import CancelOrder
from shared.orders.states import OrderStatus
from shared.payments import attempts


def cancel(session: Session, order_id: UUID, request: CancelOrder) -> OrderDocument:
    """Cancel an order of which nothing was handed over, and return it.

    Open payment attempts are voided; money that was received stays received, and is given back as a refund. Stock comes
    back once, if `request` says so. An order that is canceled already is returned as it is: twenty at once cancel once.

    Raises:
        NotFound: the store has no such order.
        TransitionNotAllowed: it is completed, or something of it was handed over.
    """
    document = queries.lock_document(session, order_id)
    order = document.order
    if order.status is OrderStatus.CANCELED:
        return queries.get_order(session, order_id)
    progress.require_cancelable(order)
    paying = attempts.lock(session, order_id)
    attempts.void_open(session, paying)
    progress.cancel(session, order, reason=request.reason.value, restocked=request.restock)
    progress.project_payment(session, order, attempts.standing(paying))
    session.flush()
    if request.restock:  # the contended rows come last
        sold = Counter[UUID]()
        for line in document.lines:
            sold[UUID(line["variant_id"])] += line["quantity"]
        sales.restock(session, order_id, components.expand_to_components(session, sold), request.reason.value)
    return document
