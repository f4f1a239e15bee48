"""Recording what of an order was handed over: the facts that its fulfillment status follows from."""

from collections import Counter
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.core import clock, ids
from shared.core.errors import FieldError, Problem, ValidationFailed
from shared.orders import progress, queries
from shared.orders.events import HandedOver
from shared.orders.models import Fulfillment, FulfillmentLine, OrderLine
from shared.orders.schemas import FulfillOrder
from shared.orders.states import Fulfilled, OrderStatus


class MoreThanOrdered(Problem):
    """More would be fulfilled than was ordered and is left; `errors` says of which lines."""

    status = 409
    code = "more_than_ordered"
    title = "More than ordered"


class OrderIsCanceled(Problem):
    """The order was canceled: nothing of it is handed over."""

    status = 409
    code = "order_is_canceled"
    title = "Order canceled"


def fulfill(session: Session, order_id: UUID, request: FulfillOrder) -> None:
    """Record that goods of an order were handed over: the lines that `request` names, or all that is left.

    All lines or none. Two at once queue up at the order, and the second counts what the first left; PostgreSQL refuses
    a sum above the ordered quantity, whoever wrote it.

    Raises:
        NotFound: the store has no such order.
        OrderIsCanceled: nothing of it can be handed over.
        MoreThanOrdered: a line has less left than `request` wants, or nothing is left at all.
        ValidationFailed: a line is none of this order's.
    """
    order = queries.lock(session, order_id)
    if order.status is OrderStatus.CANCELED:
        raise OrderIsCanceled("This order was canceled; nothing of it can be fulfilled.")
    lines = _lines(session, order_id)
    wanted = _wanted(request, lines)
    _require_left(wanted, lines)
    fulfillment = Fulfillment(
        id=ids.new_id(),
        order_id=order_id,
        tracking_number=request.tracking_number,
        tracking_url=request.tracking_url,
        created_at=clock.now(),
    )
    session.add(fulfillment)
    for line_id, quantity in wanted.items():
        lines[line_id].fulfilled += quantity
        session.add(FulfillmentLine(fulfillment_id=fulfillment.id, order_line_id=line_id, quantity=quantity))
    progress.project_fulfillment(
        session,
        order,
        [Fulfilled(line.quantity, line.fulfilled) for line in lines.values()],
        handed_over=tuple(HandedOver(order_line_id=line_id, quantity=quantity) for line_id, quantity in wanted.items()),
    )


def _lines(session: Session, order_id: UUID) -> dict[UUID, OrderLine]:
    chosen = select(OrderLine).where(OrderLine.order_id == order_id).order_by(OrderLine.position)
    found = session.scalars(chosen, execution_options={"populate_existing": True})
    return {line.id: line for line in found}


def _wanted(request: FulfillOrder, lines: dict[UUID, OrderLine]) -> Counter[UUID]:
    if request.lines is None:
        return Counter(
            {line.id: line.quantity - line.fulfilled for line in lines.values() if line.fulfilled < line.quantity}
        )
    wanted = Counter[UUID]()
    strangers = []
    for place, line in enumerate(request.lines):
        wanted[line.order_line_id] += line.quantity
        if line.order_line_id not in lines:
            strangers.append(
                FieldError(f"/lines/{place}/order_line_id", "unknown_line", "This order has no such line."),
            )
    if strangers:
        raise ValidationFailed("Some lines are not of this order; see errors.", errors=strangers)
    return wanted


def _require_left(wanted: Counter[UUID], lines: dict[UUID, OrderLine]) -> None:
    if not wanted:
        raise MoreThanOrdered("Everything of this order was fulfilled already.")
    short = [
        FieldError(
            "/lines",
            "more_than_ordered",
            f"{lines[line_id].sku or lines[line_id].product_title}: "
            f"{lines[line_id].quantity - lines[line_id].fulfilled} left, {quantity} asked for.",
        )
        for line_id, quantity in wanted.items()
        if lines[line_id].fulfilled + quantity > lines[line_id].quantity
    ]
    if short:
        raise MoreThanOrdered("Less is left of some lines than that; see errors.", errors=short)
