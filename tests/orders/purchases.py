"""Orders for tests: drafts that are placed directly, and orders that come over HTTP."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from shared.core import clock, ids
from shared.orders import placement
from shared.orders.contacts import Address, Contact
from shared.orders.models import Channel
from shared.orders.placement import OrderDraft, PlacedOrder, Title
from shared.pricing.cart import LineToPrice, PricingContext, price_cart
from tests.factories import StoreUnderTest

BUYER: dict[str, Any] = {
    "contact": {"name": "Rahim Uddin", "phone": "+8801712345678"},
    "shipping_address": {"line1": "House 1, Road 2", "city": "Dhaka"},
}


def an_order(store: StoreUnderTest, quantities: Mapping[str, int] | None = None, **facts: Any) -> dict[str, Any]:
    """Place an order over HTTP, of one MUG unless `quantities` says otherwise; return it as the merchant sees it."""
    lines = [{"sku": sku, "quantity": quantity} for sku, quantity in (quantities or {"MUG": 1}).items()]
    placed = store.merchant.post("/orders", json=BUYER | {"lines": lines} | facts, key=True)
    assert placed.status_code == 201, placed.text
    order: dict[str, Any] = placed.json()
    return order


def a_draft(store: StoreUnderTest, quantities: Mapping[str, int], *, price: int = 1000, **facts: Any) -> OrderDraft:
    """Draft an order of the store's variants, each unit at `price` minor units, with shipping for 60.00."""
    lines = [
        LineToPrice(ids.new_id(), store.variant_id(sku), sku, quantity, price) for sku, quantity in quantities.items()
    ]
    context = PricingContext("BDT", Decimal(0), prices_include_tax=True, shipping=6000, at=clock.now())
    return OrderDraft(
        **{
            "priced": price_cart(lines, context),
            "titles": {line.line_id: Title(ids.new_id(), f"Product {line.sku}") for line in lines},
            "contact": Contact(name="Rahim Uddin", email="rahim@example.com", phone="+8801712345678"),
            "shipping_address": Address(line1="House 1", city="Dhaka"),
            "channel": Channel.STOREFRONT,
            "locale": "bn-BD",
            **facts,
        }
    )


def place(store: StoreUnderTest, draft: OrderDraft) -> PlacedOrder:
    """Place a draft in a transaction of its own."""
    with store.session() as session:
        return placement.place(session, draft)


def id_of(order: Mapping[str, Any]) -> UUID:
    """Return the id of an order on the wire, as the database has it."""
    return ids.decode("ord", order["id"])
