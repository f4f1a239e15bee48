"""Placing an order: the one way by which an order comes into being.

Two statements in one round trip: stock, then order and lines with the store's next number in one, so that the two rows
that all buyers wait for (the stock of a bestseller, the store's counter) are locked for as short as can be. Both stand
behind a savepoint: whoever comes second for the same checkout or cart undoes what they took and gets the first order,
and whoever finds too little undoes both, and takes the stock alone, with what has expired.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.catalog import components
from shared.core import audit, clock, emails, encryption, ids, outbox, records, tenancy
from shared.core.money import Money
from shared.inventory import reservations, sales
from shared.inventory.sales import FellShort, OutOfStock
from shared.orders.contacts import EMAIL_INDEX, PHONE_INDEX, Address, Contact, Personal
from shared.orders.events import OrderPlaced, SoldLine
from shared.orders.models import PERSONAL, Channel, Order
from shared.orders.queries import OrderDocument
from shared.orders.states import FulfillmentStatus, OrderStatus, PaymentStatus
from shared.pricing.cart import PricedCart, PricedLine
from shared.stores import sequences

SEQUENCE = "order"  # the store's counter of order numbers


@dataclass(frozen=True)
class Title:
    """What a line sells, by the names that it has now; the order keeps a copy."""

    product_id: UUID
    product_title: str
    variant_title: str | None = None
    requires_shipping: bool = True
    tracks_stock: bool = True


@dataclass(frozen=True, kw_only=True)
class OrderDraft:
    """All that an order will be made of. `titles` is by line id of `priced`.

    With `holder_id` the stock that the holder reserved becomes the sale; without it the stock is taken now.
    """

    priced: PricedCart
    titles: Mapping[UUID, Title]
    contact: Contact
    channel: Channel
    locale: str
    checkout_id: UUID | None = None
    cart_id: UUID | None = None
    holder_id: UUID | None = None
    shipping_address: Address | None = None
    note: str | None = None
    customer_id: UUID | None = None  # who was signed in
    order_id: UUID = field(default_factory=ids.new_id)


@dataclass(frozen=True)
class PlacedOrder:
    """An order as it came into being; `is_new` is False where the checkout or cart had become an order before."""

    id: UUID
    number: int
    version: int
    status: OrderStatus
    payment_status: PaymentStatus
    fulfillment_status: FulfillmentStatus
    total: Money
    created_at: datetime
    is_new: bool
    lines: Sequence[Mapping[str, Any]] = ()  # of a new one, as its rows are


_PLACE = text(f"""
with counted as (
    {sequences.NEXT}
), placed as (
    insert into orders (store_id, id, number, checkout_id, cart_id, channel, status, payment_status,
        fulfillment_status, currency, locale, subtotal, discount, tax, shipping, shipping_tax, total,
        prices_include_tax, trace, personal, email_index, phone_index, customer_id, version, created_at, updated_at)
    select :store_id, :id, counted.last, :checkout_id, :cart_id, :channel, 'open', :payment_status,
        'unfulfilled', :currency, :locale, :subtotal, :discount, :tax, :shipping, :shipping_tax, :total,
        :prices_include_tax, cast(:trace as jsonb), :personal, :email_index, :phone_index,
        cast(:customer_id as uuid), 1, :now, :now
    from counted
    on conflict do nothing
    returning number
), lined as (
    insert into order_lines (store_id, id, order_id, position, variant_id, product_id, sku, product_title,
        variant_title, requires_shipping, quantity, unit_price, subtotal, discount, tax, total, trace)
    select :store_id, l.id, :id, l.position, l.variant_id, l.product_id, l.sku, l.product_title,
        l.variant_title, l.requires_shipping, l.quantity, l.unit_price, l.subtotal, l.discount, l.tax, l.total, l.trace
    from placed, jsonb_to_recordset(cast(:lines as jsonb)) as l(id uuid, position bigint, variant_id uuid,
        product_id uuid, sku text, product_title text, variant_title text, requires_shipping boolean,
        quantity bigint, unit_price bigint, subtotal bigint, discount bigint, tax bigint, total bigint, trace jsonb)
)
select number from placed
""")  # noqa: S608 -- a constant of `sequences`, not a caller's text

# Each by its own key: an `or` may be looked for among all orders of the store. The row comparisons add nothing, and
# make the keys the cheapest of the indexes where PostgreSQL believes that a store has one order.
_PLACED_BEFORE = text("""
with found as materialized (
    select * from orders where store_id = :store_id and checkout_id = :checkout_id
      and (store_id, checkout_id) >= (cast(:store_id as uuid), cast(:checkout_id as uuid))
    union all
    select * from orders where store_id = :store_id and cart_id = :cart_id
      and (store_id, cart_id) >= (cast(:store_id as uuid), cast(:cart_id as uuid))
)
select id, number, version, status, payment_status, fulfillment_status, total, currency, created_at
from found order by id limit 1
""")


def place(session: Session, draft: OrderDraft) -> PlacedOrder:
    """Turn `draft` into an order, with its stock, its number and its event, or into nothing.

    Prices are the draft's: who drafts has priced. Idempotent by checkout and by cart, whoever calls: twenty at once
    make one order, sell its stock once, and take one number. Starts no payment: see `payments.attempts`.

    Raises:
        OutOfStock: fewer units are left than the draft sells; nothing is taken.
    """
    if not draft.priced.lines:
        message = "An order has at least one line."
        raise ValueError(message)
    start = records.mark(session, "placement")
    shortage: OutOfStock | None = None
    number: int | None = None
    told = draft.priced.as_json()
    lines = _lines(draft, told)
    now = clock.now()
    demand, values = _demand(session, draft), _values(session, draft, lines, told, now)
    try:
        try:
            sales.sell_along(session, draft.order_id, demand, holder_id=draft.holder_id)
            number = tenancy.run(session, _PLACE, values).scalar_one_or_none()
        except FellShort:  # perhaps not for long: expired reservations of others may hold it back
            records.undo(session, start)
            _take_stock(session, draft, demand)
            number = tenancy.run(session, _PLACE, values).scalar_one_or_none()
    except OutOfStock as short:
        shortage = short
    if number is None:
        records.undo(session, start)
        return _placed_before(session, draft, shortage)
    placed = PlacedOrder(
        id=draft.order_id,
        number=number,
        version=1,
        status=OrderStatus.OPEN,
        payment_status=_payment_status(draft.priced),
        fulfillment_status=FulfillmentStatus.UNFULFILLED,
        total=Money(draft.priced.total, draft.priced.currency),
        created_at=now,
        is_new=True,
        lines=lines,
    )
    _tell(session, draft, placed, lines)
    return placed


def document(draft: OrderDraft, placed: PlacedOrder) -> OrderDocument:
    """Return an order that was just placed as reading it would. No statement; it is no row of any session's."""
    priced = draft.priced
    personal = Personal(contact=draft.contact, shipping_address=draft.shipping_address, note=draft.note)
    order = Order(
        id=placed.id,
        number=placed.number,
        checkout_id=draft.checkout_id,
        cart_id=draft.cart_id,
        channel=draft.channel.value,
        status=placed.status,
        payment_status=placed.payment_status,
        fulfillment_status=placed.fulfillment_status,
        currency=priced.currency,
        locale=draft.locale,
        subtotal=priced.subtotal,
        discount=priced.discount,
        tax=priced.tax,
        shipping=priced.shipping,
        shipping_tax=priced.shipping_tax,
        total=priced.total,
        prices_include_tax=priced.prices_include_tax,
        trace=priced.as_json()["trace"],
        personal=personal.model_dump(mode="json", exclude_none=True),
        customer_id=draft.customer_id,
        version=placed.version,
        created_at=placed.created_at,
        updated_at=placed.created_at,
    )
    return OrderDocument(order, [{**line, "fulfilled": 0} for line in placed.lines], [])


def _demand(session: Session, draft: OrderDraft) -> Mapping[UUID, int]:
    wanted = Counter[UUID]()
    for line in draft.priced.lines:
        if draft.titles[line.line_id].tracks_stock:
            wanted[line.variant_id] += line.quantity  # the same variant on two lines is one demand on stock
    return components.expand_to_components(session, wanted)


def _take_stock(session: Session, draft: OrderDraft, demand: Mapping[UUID, int]) -> None:
    if draft.holder_id is not None:
        reservations.consume(session, draft.holder_id, draft.order_id, demand)
    else:
        sales.sell(session, draft.order_id, demand)


def _placed_before(session: Session, draft: OrderDraft, shortage: OutOfStock | None) -> PlacedOrder:
    """Return the order that the checkout or cart became first; what this attempt took is undone already."""
    keys = {"checkout_id": draft.checkout_id, "cart_id": draft.cart_id}
    row = session.execute(_PLACED_BEFORE, {"store_id": tenancy.require_store(session), **keys}).one_or_none()
    if row is not None:
        return PlacedOrder(
            id=row.id,
            number=row.number,
            version=row.version,
            status=OrderStatus(row.status),
            payment_status=PaymentStatus(row.payment_status),
            fulfillment_status=FulfillmentStatus(row.fulfillment_status),
            total=Money(row.total, row.currency),
            created_at=row.created_at,
            is_new=False,
        )
    if shortage is not None:
        raise shortage
    message = f"Order {draft.order_id} was not placed, and neither its checkout nor its cart had become one."
    raise RuntimeError(message)


def _tell(session: Session, draft: OrderDraft, placed: PlacedOrder, lines: list[dict[str, Any]]) -> None:
    audit.record(
        session,
        action="order.placed",
        entity="order",
        entity_id=placed.id,
        after={
            "number": placed.number,
            "channel": draft.channel.value,
            "customer_id": ids.encode("cust", draft.customer_id) if draft.customer_id else None,
            "total": {"amount": placed.total.amount, "currency": placed.total.currency},
            "contact": {
                "name": audit.masked(draft.contact.name),
                "email": audit.masked(draft.contact.email),
                "phone": audit.masked(draft.contact.phone),
            },
        },
    )
    outbox.record(
        session,
        OrderPlaced(
            order_id=placed.id,
            number=f"#{placed.number}",
            version=placed.version,
            channel=draft.channel.value,
            checkout_id=draft.checkout_id,
            cart_id=draft.cart_id,
            customer_id=draft.customer_id,
            total=placed.total,
            lines=tuple(
                SoldLine(
                    order_line_id=UUID(line["id"]),
                    product_id=UUID(line["product_id"]),
                    variant_id=UUID(line["variant_id"]),
                    quantity=line["quantity"],
                    total=Money(line["total"], placed.total.currency),
                )
                for line in lines
            ),
        ),
    )


def _lines(draft: OrderDraft, told: Mapping[str, Any]) -> list[dict[str, Any]]:
    traces = [line["trace"] for line in told["lines"]]
    return [
        _line(position, line, draft.titles[line.line_id], trace)
        for position, (line, trace) in enumerate(zip(draft.priced.lines, traces, strict=True), start=1)
    ]


def _line(position: int, line: PricedLine, title: Title, trace: list[Any]) -> dict[str, Any]:
    return {
        "id": str(ids.new_id()),
        "position": position,
        "variant_id": str(line.variant_id),
        "product_id": str(title.product_id),
        "sku": line.sku,
        "product_title": title.product_title,
        "variant_title": title.variant_title,
        "requires_shipping": title.requires_shipping,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "subtotal": line.subtotal,
        "discount": line.discount,
        "tax": line.tax,
        "total": line.total,
        "trace": trace,
    }


def _values(
    session: Session, draft: OrderDraft, lines: list[dict[str, Any]], told: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    store_id = tenancy.require_store(session)
    priced, contact = draft.priced, draft.contact
    personal = Personal(contact=contact, shipping_address=draft.shipping_address, note=draft.note)
    sealed = encryption.encrypt(store_id, PERSONAL, personal.model_dump_json(exclude_none=True).encode())
    return {
        "store_id": store_id,
        "sequence": SEQUENCE,
        "id": draft.order_id,
        "checkout_id": draft.checkout_id,
        "cart_id": draft.cart_id,
        "channel": draft.channel.value,
        "payment_status": _payment_status(priced).value,
        "currency": priced.currency,
        "locale": draft.locale,
        "subtotal": priced.subtotal,
        "discount": priced.discount,
        "tax": priced.tax,
        "shipping": priced.shipping,
        "shipping_tax": priced.shipping_tax,
        "total": priced.total,
        "prices_include_tax": priced.prices_include_tax,
        "trace": json.dumps(told["trace"], ensure_ascii=False),
        "personal": sealed,
        "email_index": _index(store_id, EMAIL_INDEX, emails.for_lookup(contact.email) if contact.email else None),
        "phone_index": _index(store_id, PHONE_INDEX, contact.phone),
        "customer_id": draft.customer_id,
        "lines": json.dumps(lines, ensure_ascii=False),
        "now": now,
    }


def _index(store_id: UUID, purpose: str, value: str | None) -> bytes | None:
    return encryption.blind_index(store_id, purpose, value) if value else None


def _payment_status(priced: PricedCart) -> PaymentStatus:
    return PaymentStatus.PAID if priced.total == 0 else PaymentStatus.PENDING
