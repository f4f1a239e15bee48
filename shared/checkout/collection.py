"""Recording that the cash for an order was collected, and what follows for the order."""

from uuid import UUID

from sqlalchemy.orm import Session

from shared.orders import progress, queries
from shared.orders.queries import OrderDocument
from shared.payments import attempts


def record_cash(session: Session, order_id: UUID, *, reference: str | None = None) -> OrderDocument:
    """Record that the cash on delivery of an order is there, all of it, and return the order as paid.

    Raises:
        NotFound: the store has no such order.
        NothingToCollect: no cash is expected: it was collected, the order is paid otherwise, or canceled.
    """
    order = queries.lock(session, order_id)
    attempts.record_collected(session, order_id, reference=reference)
    progress.project_payment(session, order, attempts.standing(attempts.of_order(session, order_id)))
    return queries.get_order(session, order_id)
