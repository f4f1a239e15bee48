"""Reading orders: one with all that belongs to it, or a page of a store's list."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, literal_column, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from shared.core import emails, encryption, tenancy
from shared.core.emails import Email
from shared.core.errors import NotFound
from shared.core.keysets import Operator
from shared.core.paging import Filter, Listing, ListQuery, PageInfo
from shared.core.phones import Phone
from shared.core.typeids import CustomerId
from shared.orders.contacts import EMAIL_INDEX, PHONE_INDEX
from shared.orders.models import Fulfillment, FulfillmentLine, Order, OrderLine
from shared.orders.numbers import OrderNumber


@dataclass(frozen=True)
class OrderDocument:
    """An order with its lines and fulfillments, as PostgreSQL's JSON has them."""

    order: Order
    lines: list[dict[str, Any]]
    fulfillments: list[dict[str, Any]]


class _BlindFilter(Filter):
    """A filter by an encrypted value: what is asked for becomes its blind index."""

    def read(self, operator: Operator, text: str) -> Any:  # noqa: ANN401 -- as in the base
        """Return the blind index of the value that was asked for."""
        told: str = super().read(operator, text)
        purpose, value = (EMAIL_INDEX, emails.for_lookup(told)) if "@" in told else (PHONE_INDEX, told)
        return encryption.blind_index(tenancy.bound_store(), purpose, value)


ORDERS = Listing(
    Order,
    filters={
        "status": Filter(Order.status, ("eq", "in")),
        "payment_status": Filter(Order.payment_status, ("eq", "in")),
        "fulfillment_status": Filter(Order.fulfillment_status, ("eq", "in")),
        "channel": Filter(Order.channel),
        "number": Filter(Order.number, accepts=OrderNumber),
        "created_at": Filter(Order.created_at, ("gte", "gt", "lte", "lt")),
        "customer_id": Filter(Order.customer_id, accepts=CustomerId),
        "email": _BlindFilter(Order.email_index, accepts=Email),
        "phone": _BlindFilter(Order.phone_index, accepts=Phone),
    },
    sorts={"created_at": (Order.created_at,), "number": (Order.number,)},
    default_sort="-created_at",
)

OWN_ORDERS = Listing(Order, filters={}, sorts={"created_at": (Order.created_at,)}, default_sort="-created_at")

_LINES = (
    select(func.jsonb_agg(aggregate_order_by(func.to_jsonb(literal_column("order_lines")), OrderLine.position)))
    .where(OrderLine.order_id == Order.id)
    .correlate(Order)
    .scalar_subquery()
)
_CONTENTS = (
    select(
        func.jsonb_agg(
            func.jsonb_build_object(
                "order_line_id", FulfillmentLine.order_line_id, "quantity", FulfillmentLine.quantity
            )
        )
    )
    .where(FulfillmentLine.fulfillment_id == Fulfillment.id)
    .correlate(Fulfillment)
    .scalar_subquery()
)
_FULFILLMENTS = (
    select(
        func.jsonb_agg(
            aggregate_order_by(
                func.to_jsonb(literal_column("fulfillments")).concat(func.jsonb_build_object("lines", _CONTENTS)),
                Fulfillment.id,
            )
        )
    )
    .where(Fulfillment.order_id == Order.id)
    .correlate(Order)
    .scalar_subquery()
)


def get_order(session: Session, order_id: UUID) -> OrderDocument:
    """Return an order with its lines and fulfillments. One statement.

    Raises:
        NotFound: the store has no such order.
    """
    chosen = select(Order, _LINES, _FULFILLMENTS).where(Order.id == order_id)
    row = session.execute(chosen, execution_options={"populate_existing": True}).one_or_none()
    if row is None:
        raise _no_such_order()
    return OrderDocument(row[0], row[1] or [], row[2] or [])


def lock(session: Session, order_id: UUID) -> Order:
    """Return an order whose row nobody else can change until this transaction ends.

    Whatever decides by an order's statuses begins here, so that canceling, collecting and fulfilling queue up.

    Raises:
        NotFound: the store has no such order.
    """
    chosen = select(Order).where(Order.id == order_id).with_for_update()
    order = session.scalars(chosen, execution_options={"populate_existing": True}).one_or_none()
    if order is None:
        raise _no_such_order()
    return order


def lock_document(session: Session, order_id: UUID) -> OrderDocument:
    """Return a locked order, as `lock` does, with its lines and fulfillments. One statement.

    Who had to wait for the lock gets the order as it is now, and lines and fulfillments as they were before. So believe
    of these only what the order's own statuses confirm: of an unfulfilled one nothing was handed over.

    Raises:
        NotFound: the store has no such order.
    """
    chosen = select(Order, _LINES, _FULFILLMENTS).where(Order.id == order_id).with_for_update(of=Order)
    row = session.execute(chosen, execution_options={"populate_existing": True}).one_or_none()
    if row is None:
        raise _no_such_order()
    return OrderDocument(row[0], row[1] or [], row[2] or [])


def require(session: Session, order_id: UUID) -> None:
    """Refuse an order that the store does not have. One statement.

    Raises:
        NotFound: so it is.
    """
    if session.scalar(select(Order.id).where(Order.id == order_id)) is None:
        raise _no_such_order()


def list_orders(session: Session, query: ListQuery) -> tuple[list[Order], PageInfo, int | None]:
    """Return one page of the store's orders. One statement."""
    return ORDERS.run(session, query, select(Order))


def list_orders_of(session: Session, customer_id: UUID, query: ListQuery) -> tuple[list[Order], PageInfo, int | None]:
    """Return one page of a customer's own orders. One statement."""
    return OWN_ORDERS.run(session, query, select(Order).where(Order.customer_id == customer_id))


def get_order_of(session: Session, customer_id: UUID, order_id: UUID) -> OrderDocument:
    """Return an order of a customer's own. One statement.

    Raises:
        NotFound: there is no such order, or it is not theirs.
    """
    document = get_order(session, order_id)
    if document.order.customer_id != customer_id:
        raise _no_such_order()
    return document


def _no_such_order() -> NotFound:
    return NotFound("This store has no such order.")
