"""An order's statuses, moved by facts: what was paid, what was handed over, that it was canceled.

Every function takes an order whose row this transaction has locked (`queries.lock`), asks the state machine, and leaves
version, audit entry and event. A fact that changes no status leaves none.
"""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from shared.core import audit, clock, outbox
from shared.core.money import Money
from shared.core.states import TransitionNotAllowed
from shared.orders import states
from shared.orders.events import HandedOver, OrderCanceled, OrderFulfilled, OrderPaid, OrderPartiallyFulfilled
from shared.orders.models import Order
from shared.orders.numbers import written
from shared.orders.states import (
    FULFILLMENT,
    ORDER,
    PAYMENT,
    Fulfilled,
    FulfillmentStatus,
    OrderStatus,
    PaymentFacts,
    PaymentStatus,
)


def project_payment(session: Session, order: Order, facts: PaymentFacts) -> None:
    """Set the payment status to what the attempts amount to.

    Raises:
        TransitionNotAllowed: the facts contradict what the order has become; a bug, or facts of another order.
    """
    canceled = order.status is OrderStatus.CANCELED
    after = states.payment_status(order.total, facts, canceled=canceled)
    if after is order.payment_status:
        return
    PAYMENT.require(order.payment_status, after)
    before = _statuses(order)
    order.payment_status = after
    _conclude(session, order, action="order.payment_changed", before=before)
    session.flush()
    if after is PaymentStatus.PAID:
        total = Money(order.total, order.currency)
        outbox.record(
            session,
            OrderPaid(order_id=order.id, number=written(order.number), version=order.version, total=total),
        )


def project_fulfillment(
    session: Session,
    order: Order,
    lines: Iterable[Fulfilled],
    *,
    handed_over: tuple[HandedOver, ...],
) -> None:
    """Set the fulfillment status to what the fulfilled quantities amount to, and tell what was handed over.

    Raises:
        TransitionNotAllowed: more was fulfilled than there is to fulfill.
    """
    after = states.fulfillment_status(lines)
    FULFILLMENT.require(order.fulfillment_status, after)
    before = _statuses(order)
    order.fulfillment_status = after
    _conclude(session, order, action=f"order.{after}", before=before)
    session.flush()
    event = OrderFulfilled if after is FulfillmentStatus.FULFILLED else OrderPartiallyFulfilled
    outbox.record(
        session,
        event(order_id=order.id, number=written(order.number), version=order.version, lines=handed_over),
    )


def cancel(session: Session, order: Order, *, reason: str, restocked: bool) -> None:
    """Cancel an order of which nothing was handed over. Its stock and payments are the business of `checkout`.

    What follows for its payment is written with it, by the session's next flush.

    Raises:
        TransitionNotAllowed: it is over, or something of it was handed over.
    """
    require_cancelable(order)
    before = _statuses(order)
    order.status, order.cancel_reason, order.canceled_at = OrderStatus.CANCELED, reason, clock.now()
    _conclude(session, order, action="order.canceled", before=before)
    outbox.record(
        session,
        OrderCanceled(
            order_id=order.id,
            number=written(order.number),
            version=order.version,
            reason=reason,
            restocked=restocked,
        ),
    )


def require_cancelable(order: Order) -> None:
    """Refuse to cancel what is over, or what was handed over in part.

    Raises:
        TransitionNotAllowed: so it is.
    """
    ORDER.require(order.status, OrderStatus.CANCELED)
    if order.fulfillment_status is not FulfillmentStatus.UNFULFILLED:
        detail = (
            f"The order is {order.fulfillment_status} and cannot be canceled: what was handed over can be returned."
        )
        raise TransitionNotAllowed(
            detail,
            current=order.fulfillment_status.value,
            requested=OrderStatus.CANCELED.value,
            allowed=[],
        )


def _conclude(session: Session, order: Order, *, action: str, before: dict[str, str | None]) -> None:
    order.status = states.order_status(order.status, order.payment_status, order.fulfillment_status)
    order.version += 1
    order.updated_at = clock.now()
    audit.record(
        session,
        action=action,
        entity="order",
        entity_id=order.id,
        before=before,
        after=_statuses(order),
        severity="notice",
    )


def _statuses(order: Order) -> dict[str, str | None]:
    return {
        "status": order.status.value,
        "payment_status": order.payment_status.value,
        "fulfillment_status": order.fulfillment_status.value,
        "cancel_reason": order.cancel_reason,
    }
