"""Completing a checkout: the one way from a guest's cart to an order.

Idempotent by the checkout, besides the request's key: its row is locked and closed by the first statement, so of two
tabs with two keys one places the order, and the other waits, finds the checkout completed, and gets the same order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.carts import converting, goods
from shared.carts.goods import Item
from shared.catalog import queries as catalog
from shared.checkout import documents
from shared.checkout.documents import CheckoutClosed, CheckoutDocument
from shared.checkout.states import CheckoutState
from shared.core import audit, clock, ids, records, tenancy
from shared.core.errors import FieldError, Problem, pointer
from shared.core.money import Money
from shared.orders import placement, queries
from shared.orders.models import Channel
from shared.orders.placement import OrderDraft, PlacedOrder, Title
from shared.payments import attempts
from shared.pricing.cart import PricedCart, PricedLine
from shared.stores import queries as stores


class PriceChanged(Problem):
    """The reservation had expired, and meanwhile something costs more or less; `old` and `new` say what."""

    status = 409
    code = "price_changed"
    title = "Price changed"


@dataclass(frozen=True, slots=True)
class Completed:
    """A completed checkout and its order; `order.is_new` is False where the order had been placed before."""

    checkout: CheckoutDocument
    order: PlacedOrder


# Found by its key, although PostgreSQL may believe that a store has one checkout, and that any index will do: a state
# that is a parameter is not seen to be that of the smaller indexes of open checkouts; and the row comparison, which
# adds nothing, makes the key the cheapest of the others.
_CLAIM = text(f"""
update checkouts set state = 'completed', order_id = :order_id, version = version + 1, updated_at = :now
where store_id = :store_id and id = :checkout_id and owner_digest = :digest and state = cast(:open as text)
  and (store_id, id) >= (cast(:store_id as uuid), cast(:checkout_id as uuid))
returning {documents.COLUMNS}
""")  # noqa: S608 -- a constant of `documents`, not a caller's text


def complete(
    session: Session, checkout_id: UUID, token: str | None, *, payment_method: str, customer_id: UUID | None = None
) -> Completed:
    """Turn the checkout into an order, and begin its payment; a checkout that is completed already gives its order.

    While the reservation lasts, the checkout's own price and stock hold. After that the price is reckoned anew and must
    be the same, and the stock is taken if there is some. Order of the statements: the checkout, the cart, the payment,
    and last what others wait for: stock, and the store's next order number. `customer_id` is who is signed in.

    Raises:
        NotFound: there is no such checkout, or the cart's token is another's.
        CheckoutClosed: it was canceled.
        CartChanged: the cart is not any more what was priced.
        PriceChanged: the reservation has expired, and the price is another now.
        NotSold: the reservation has expired, and something is not on sale any more.
        OutOfStock: the reservation has expired, and not enough is left.
        PaymentMethodUnavailable: nobody moves money this way.
    """
    values = {
        "store_id": tenancy.require_store(session),
        "checkout_id": checkout_id,
        "digest": documents.owner(token),
        "open": CheckoutState.OPEN.value,
        "order_id": ids.new_id(),
        "now": clock.now(),
    }
    row = records.run(session, _CLAIM, values).one_or_none()
    if row is None:
        return _completed_before(session, documents.read(session, checkout_id, token))
    checkout = documents.of(session, row)
    order_id: UUID = row.order_id
    if checkout.holds_until <= clock.now():
        _require_same_price(session, checkout)
    converting.convert(session, checkout.cart_id, contents_version=checkout.cart_contents, order_id=order_id)
    attempts.start(
        session,
        order_id,
        method=payment_method,
        amount=checkout.priced.total,
        currency=checkout.priced.currency,
    )
    _note(session, checkout, order_id)
    placed = placement.place(session, _draft(checkout, order_id, customer_id))
    if not placed.is_new:
        message = f"Checkout {checkout.id} was open, and its order {placed.id} exists."
        raise RuntimeError(message)
    return Completed(checkout, placed)


def titles(items: Sequence[Item]) -> dict[UUID, Title]:
    """Return what the lines of an order are called, by line."""
    return {
        item.line_id: Title(
            product_id=item.variant.product_id,
            product_title=item.variant.product_title,
            variant_title=item.variant.variant_title or None,
            requires_shipping=item.variant.requires_shipping,
            tracks_stock=item.variant.tracks_stock,
        )
        for item in items
    }


def _draft(checkout: CheckoutDocument, order_id: UUID, customer_id: UUID | None) -> OrderDraft:
    personal = checkout.personal
    if personal is None:
        detail = "The personal data of this checkout was erased; start it again."
        raise CheckoutClosed(detail, state=checkout.state.value)
    return OrderDraft(
        order_id=order_id,
        checkout_id=checkout.id,
        cart_id=checkout.cart_id,
        holder_id=checkout.id,
        channel=Channel.STOREFRONT,
        priced=checkout.priced,
        titles=titles(checkout.items),
        contact=personal.contact,
        shipping_address=personal.shipping_address,
        note=personal.note,
        customer_id=customer_id,
        locale=checkout.locale,
    )


def _completed_before(session: Session, checkout: CheckoutDocument) -> Completed:
    if checkout.state is not CheckoutState.COMPLETED or checkout.order_id is None:
        detail = "This checkout was canceled; start another from its cart."
        raise CheckoutClosed(detail, state=checkout.state.value)
    order = queries.get_order(session, checkout.order_id).order
    placed = PlacedOrder(
        id=order.id,
        number=order.number,
        version=order.version,
        status=order.status,
        payment_status=order.payment_status,
        fulfillment_status=order.fulfillment_status,
        total=Money(order.total, order.currency),
        created_at=order.created_at,
        is_new=False,
    )
    return Completed(checkout, placed)


def _require_same_price(session: Session, checkout: CheckoutDocument) -> None:
    """Reckon the price anew: its promise has expired. The same numbers are the same price, whoever changed what."""
    store = stores.present_store(session)
    variants = catalog.sellable(session, [item.variant.variant_id for item in checkout.items])
    goods.refuse_unsold(
        (pointer("lines", ids.encode("cline", item.line_id)), variants.get(item.variant.variant_id))
        for item in checkout.items
    )
    items = [Item(item.line_id, variants[item.variant.variant_id], item.quantity) for item in checkout.items]
    now = goods.price(store, items)
    if _amounts(now) == _amounts(checkout.priced):
        return
    detail = "The price was promised until the reservation expired, and has changed since; start the checkout again."
    old = {line.line_id: line for line in checkout.priced.lines}
    raise PriceChanged(
        detail,
        errors=[_changed(old[line.line_id], line, now.currency) for line in now.lines if line != old[line.line_id]],
        old=_told(checkout.priced),
        new=_told(now),
    )


def _amounts(priced: PricedCart) -> tuple[int, ...]:
    lines = (
        amount
        for line in priced.lines
        for amount in (line.unit_price, line.subtotal, line.discount, line.tax, line.total)
    )
    return (priced.total, priced.shipping, priced.shipping_tax, *lines)


def _changed(old: PricedLine, new: PricedLine, currency: str) -> FieldError:
    was, now = Money(old.unit_price, currency).format(), Money(new.unit_price, currency).format()
    message = f"{new.sku or 'One line'} costs {now} each, and cost {was}: {Money(new.total, currency).format()} in all."
    return FieldError(pointer("lines", ids.encode("cline", new.line_id)), "price_changed", message)


def _told(priced: PricedCart) -> dict[str, Any]:
    def money(amount: int) -> dict[str, Any]:
        return {"amount": amount, "currency": priced.currency}

    return {
        "total": money(priced.total),
        "shipping": money(priced.shipping),
        "lines": [
            {
                "line_id": ids.encode("cline", line.line_id),
                "unit_price": money(line.unit_price),
                "total": money(line.total),
            }
            for line in priced.lines
        ],
    }


def _note(session: Session, checkout: CheckoutDocument, order_id: UUID) -> None:
    audit.record(
        session,
        action="checkout.completed",
        entity="checkout",
        entity_id=checkout.id,
        before={"state": CheckoutState.OPEN.value},
        after={"state": CheckoutState.COMPLETED.value, "order_id": ids.encode("ord", order_id)},
    )
