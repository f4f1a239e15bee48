"""Starting a checkout: a price and a reservation that hold until a moment."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.carts import documents as carts
from shared.carts import goods
from shared.carts.documents import CartDocument
from shared.carts.goods import Item
from shared.catalog.queries import Sellable
from shared.checkout import documents, persons
from shared.checkout.documents import CheckoutDocument
from shared.checkout.events import CheckoutStarted
from shared.checkout.persons import BuyerIn
from shared.checkout.states import CheckoutState
from shared.core import audit, clock, context, ids, outbox, tenancy
from shared.core.errors import Problem, pointer
from shared.core.money import Money
from shared.inventory import demand, reservations
from shared.orders.contacts import Personal
from shared.pricing.cart import PricedCart
from shared.stores import queries as stores
from shared.stores.queries import StoreFacts


class CartEmpty(Problem):
    """There is nothing in the cart to buy."""

    status = 422
    code = "cart_empty"
    title = "Cart empty"


class TooManyHolds(Problem):
    """The same buyer, or the same address of the network, holds stock in too many checkouts at once."""

    status = 429
    code = "too_many_holds"
    title = "Too many checkouts at once"
    retryable = True


@dataclass(frozen=True, slots=True)
class _Terms:
    """What a checkout is going to promise, and to whom."""

    items: tuple[Item, ...]
    priced: PricedCart
    store: StoreFacts
    personal: Personal
    locale: str
    holds_until: datetime


class _Kept(NamedTuple):
    """The row that `_START` returns; without an id, nothing was kept."""

    next_end: datetime
    id: UUID
    version: int
    created_at: datetime


class _Renewed(Exception):
    """The cart had an open checkout, which keeps its id."""


# What a guest holds is counted from the rows, in the statement that adds one. Starts at the same moment don't see each
# other, so a few more than the limit may pass: enough to keep one guest from holding the shop's stock, and no lock.
# No more are counted than it takes to refuse, each from the index that has them in their order.
_START = text("""
with others as (
    select count(*) filter (where by_contact) as of_contact, count(*) filter (where not by_contact) as of_ip,
           min(holds_until) as next_end
    from (
        (select true as by_contact, holds_until from checkouts
        where store_id = :store_id and contact_index = :contact_index and holds_until > :now and state = 'open'
          and cart_id <> :cart_id order by holds_until limit :most_of_contact)
        union all
        (select false, holds_until from checkouts
        where store_id = :store_id and ip_index = cast(:ip_index as bytea) and holds_until > :now and state = 'open'
          and cart_id <> :cart_id order by holds_until limit :most_of_ip)
    ) as o
), started as (
    insert into checkouts as c (store_id, id, cart_id, cart_contents, owner_digest, state, items, priced, store_facts,
        personal, contact_index, ip_index, locale, holds_until, version, created_at, updated_at)
    select :store_id, :id, :cart_id, :cart_contents, :digest, 'open', cast(:items as jsonb), cast(:priced as jsonb),
        cast(:store_facts as jsonb), :personal, :contact_index, cast(:ip_index as bytea), :locale, :holds_until, 1,
        :now, :now
    from others where of_contact < :most_of_contact and of_ip < :most_of_ip
    on conflict (store_id, cart_id) where state = 'open' do update
        set cart_contents = excluded.cart_contents, items = excluded.items, priced = excluded.priced,
            store_facts = excluded.store_facts, personal = excluded.personal, contact_index = excluded.contact_index,
            ip_index = excluded.ip_index, locale = excluded.locale, holds_until = excluded.holds_until,
            version = c.version + 1, updated_at = excluded.updated_at
    returning id, version, created_at
)
select others.next_end, started.* from others left join started on true
""")


def start(session: Session, cart_id: UUID, token: str | None, buyer: BuyerIn) -> CheckoutDocument:
    """Price the cart, reserve its stock, and keep both for the store's `reservation_minutes`.

    A cart has one open checkout: starting again renews it, under the same id, with the cart's lines and prices of now,
    and replaces what it held in one step. Five statements; the stock, which many wait for, comes last.

    Raises:
        NotFound: there is no such cart, or the token is another's.
        CartClosed: it is an order already, or expired.
        CartEmpty: there is nothing in it.
        NotSold: something in it is not on sale any more.
        ValidationFailed: the address is missing, or a phone number is none.
        TooManyHolds: this buyer, or this address of the network, holds too much already.
        OutOfStock: fewer units are left than the cart wants; what was held stays held.
        TotalTooLarge: it costs more than can be paid.
    """
    asked, variants = stores.ask_for_present_store(session), goods.ask_for_all_of(session, cart_id)
    cart = carts.read(session, cart_id, token)
    cart.require_open()
    if not cart.lines:
        detail = "There is nothing in this cart."
        raise CartEmpty(detail)
    terms = _terms(cart, goods.with_missing(session, cart, variants), asked(), buyer)
    checkout = _keep_and_hold(session, cart, terms, carts.owner(token))
    _tell(session, checkout)
    return checkout


def _terms(cart: CartDocument, variants: Mapping[UUID, Sellable], store: StoreFacts, buyer: BuyerIn) -> _Terms:
    goods.refuse_unsold(
        (pointer("lines", ids.encode("cline", line.id)), variants.get(line.variant_id)) for line in cart.lines
    )
    items = tuple(Item(line.id, variants[line.variant_id], line.quantity) for line in cart.lines)
    return _Terms(
        items=items,
        priced=goods.price(store, items),
        store=store,
        personal=persons.personal(buyer, store, ships=goods.must_ship(items)),
        locale=buyer.locale or store.locale,
        holds_until=clock.now() + timedelta(minutes=store.settings.reservation_minutes),
    )


def _keep_and_hold(session: Session, cart: CartDocument, terms: _Terms, digest: bytes) -> CheckoutDocument:
    """Keep the checkout and reserve its stock in one round trip, under an id of ours; mostly that is its id.

    Only a cart that had an open checkout already keeps that one's, and reserves its stock in another trip.
    """
    values = _values(session, cart, terms, digest)
    wanted = demand.of(
        session,
        [(item.variant.variant_id, item.quantity) for item in terms.items],
        {item.variant.variant_id: item.variant for item in terms.items},
    )
    kept: list[_Kept] = []

    def hear(rows: list[Any]) -> None:
        kept.append(_Kept._make(rows[0]))
        _require_kept(kept[0], values["now"])
        if kept[0].id != values["id"]:
            raise _Renewed

    tenancy.ask(session, _START, values, hear)
    try:
        reservations.hold(session, values["id"], wanted, terms.holds_until)
    except _Renewed:
        tenancy.prelude(session, "rollback to savepoint stock")  # which stands between the two
        reservations.hold(session, kept[0].id, wanted, terms.holds_until)
    return CheckoutDocument(
        id=kept[0].id,
        cart_id=cart.id,
        cart_contents=cart.contents_version,
        state=CheckoutState.OPEN,
        items=terms.items,
        priced=terms.priced,
        store=terms.store,
        personal=terms.personal,
        locale=terms.locale,
        holds_until=terms.holds_until,
        order_id=None,
        version=kept[0].version,
        created_at=kept[0].created_at,
    )


def _require_kept(kept: _Kept, now: datetime) -> None:
    if kept.id is None:
        seconds = max(1, math.ceil((kept.next_end - now).total_seconds()))
        detail = "You have several checkouts under way; finish or cancel one of them, or wait until one ends."
        raise TooManyHolds(detail, headers={"Retry-After": str(seconds)})


def _values(session: Session, cart: CartDocument, terms: _Terms, digest: bytes) -> dict[str, Any]:
    store_id, now, settings = tenancy.require_store(session), clock.now(), terms.store.settings
    return {
        **documents.terms(terms.items, terms.priced, terms.store),
        "store_id": store_id,
        "id": ids.new_id(),
        "cart_id": cart.id,
        "cart_contents": cart.contents_version,
        "digest": digest,
        "personal": documents.sealed(store_id, terms.personal),
        "contact_index": persons.contact_index(store_id, terms.personal.contact),
        "ip_index": persons.ip_index(store_id, context.current().ip),
        "locale": terms.locale,
        "holds_until": terms.holds_until,
        "now": now,
        "most_of_contact": settings.max_open_checkouts_per_phone,
        "most_of_ip": settings.max_open_checkouts_per_ip,
    }


def _tell(session: Session, checkout: CheckoutDocument) -> None:
    total = Money(checkout.priced.total, checkout.priced.currency)
    audit.record(
        session,
        action="checkout.started",
        entity="checkout",
        entity_id=checkout.id,
        after={
            "cart_id": ids.encode("cart", checkout.cart_id),
            "total": {"amount": total.amount, "currency": total.currency},
            "reserved_until": checkout.holds_until.isoformat(),
        },
    )
    outbox.record(
        session,
        CheckoutStarted(
            checkout_id=checkout.id,
            cart_id=checkout.cart_id,
            version=checkout.version,
            total=total,
            reserved_until=checkout.holds_until,
        ),
    )
