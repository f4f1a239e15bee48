"""What a store must come to, reckoned beside it: carts, checkouts, orders, and what of it must have been told.

Each method foresees what the system answers to a request (status and code) and, where it is carried out, what follows.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.proof.lifecycle_shelf import Demand, Shelf

PROMISE = timedelta(minutes=15)
IDLE = timedelta(hours=4)  # until a cart counts as abandoned

type Foreseen = tuple[int, str | None]  # status, and the code of a refusal


@dataclass(eq=False)
class CartModel:
    """A guest's cart; `caller` is how the tests talk to it."""

    caller: Any
    lines: dict[str, int]
    contents: int = 1
    is_open: bool = True
    due_at: datetime | None = None
    checkout: "CheckoutModel | None" = None  # the one that is open


@dataclass(eq=False)
class CheckoutModel:
    """A checkout as it was last started."""

    id: str
    cart: CartModel
    state: str = "open"
    contents: int = 0
    lines: dict[str, int] = field(default_factory=dict)
    prices: dict[str, int] = field(default_factory=dict)
    until: datetime | None = None
    order_id: str | None = None


@dataclass(eq=False)
class OrderModel:
    """An order: what was bought, and what became of it."""

    id: str
    number: int
    total: int
    lines: dict[str, int]  # quantities by line id
    skus: dict[str, str]  # by line id
    fulfilled: Counter[str] = field(default_factory=Counter)
    captured: bool = False
    canceled: bool = False

    @property
    def payment_status(self) -> str:
        """What its attempts amount to."""
        if self.total == 0 or self.captured:
            return "paid"
        return "voided" if self.canceled else "pending"

    @property
    def fulfillment_status(self) -> str:
        """What was handed over of it amounts to."""
        if all(self.fulfilled[line] == quantity for line, quantity in self.lines.items()):
            return "fulfilled"
        return "partially_fulfilled" if self.fulfilled.total() else "unfulfilled"

    @property
    def status(self) -> str:
        """Where it stands as a whole."""
        if self.canceled:
            return "canceled"
        done = (self.payment_status, self.fulfillment_status) == ("paid", "fulfilled")
        return "completed" if done else "open"

    @property
    def demand(self) -> Counter[str]:
        """What it took from stock."""
        taken = Counter[str]()
        for line, quantity in self.lines.items():
            taken[self.skus[line]] += quantity
        return taken


@dataclass
class StoreModel:
    """A store, and what of it must have been told by events and audit entries."""

    shelf: Shelf
    prices: dict[str, int]
    events: Counter[str]
    entries: Counter[str]
    carts: list[CartModel] = field(default_factory=list)
    checkouts: list[CheckoutModel] = field(default_factory=list)
    orders: list[OrderModel] = field(default_factory=list)

    def note(self, *names: str) -> None:
        """Expect an event and an audit entry of the same name for each."""
        self.events.update(names)
        self.entries.update(names)

    def open_cart(self, cart: CartModel, *, now: datetime) -> None:
        """Take a cart."""
        cart.due_at = now + IDLE
        self.carts.append(cart)
        self.note("cart.created")

    def fill(self, cart: CartModel, sku: str, quantity: int, *, now: datetime) -> Foreseen:
        """Put so many into a cart."""
        if not cart.is_open:
            return 409, "cart_closed"
        cart.lines[sku] = cart.lines.get(sku, 0) + quantity
        self._touch(cart, "cart.line_added", now)
        return 200, None

    def set_quantity(self, cart: CartModel, sku: str, quantity: int, *, now: datetime) -> Foreseen:
        """Change a line of a cart, or remove it."""
        if not cart.is_open:
            return 409, "cart_closed"
        cart.lines[sku] = quantity
        if not quantity:
            del cart.lines[sku]
        self._touch(cart, "cart.line_changed", now)
        return 200, None

    def age_carts(self, now: datetime) -> None:
        """Abandon what was idle for hours."""
        for cart in self.carts:
            if cart.is_open and cart.due_at is not None and cart.due_at <= now:
                cart.due_at = None
                self.note("cart.abandoned")

    def start(self, cart: CartModel, holder: str, *, now: datetime) -> Foreseen:
        """Start a checkout of a cart, or renew it under the same id."""
        if not cart.is_open:
            return 409, "cart_closed"
        if not cart.lines:
            return 422, "cart_empty"
        if not self.shelf.hold(holder, cart.lines, now=now, until=now + PROMISE):
            return 409, "out_of_stock"
        self.note("checkout.started")
        return 201, None

    def renew(self, checkout: CheckoutModel, *, now: datetime) -> None:
        """Let a checkout, new or known, promise what is in its cart now, at the prices of now."""
        cart = checkout.cart
        checkout.contents, checkout.lines, checkout.until = cart.contents, dict(cart.lines), now + PROMISE
        checkout.prices = {sku: self.prices[sku] for sku in cart.lines}
        if cart.checkout is None:
            cart.checkout = checkout
            self.checkouts.append(checkout)

    def give_up(self, checkout: CheckoutModel) -> Foreseen:
        """Cancel a checkout, as its guest may."""
        if checkout.state == "completed":
            return 409, "checkout_closed"
        if checkout.state == "open":
            checkout.state, checkout.cart.checkout = "canceled", None
            self.shelf.release(checkout.id)
            self.note("checkout.canceled")
        return 200, None

    def complete(self, checkout: CheckoutModel, *, now: datetime) -> Foreseen:
        """Turn a checkout into an order; `place` says which."""
        cart = checkout.cart
        if checkout.state != "open":
            return (200, None) if checkout.state == "completed" else (409, "checkout_closed")
        assert checkout.until is not None
        if checkout.until <= now and any(self.prices[sku] != price for sku, price in checkout.prices.items()):
            return 409, "price_changed"
        if cart.contents != checkout.contents:
            return 409, "cart_changed"
        if not self.shelf.sell(checkout.lines, now=now, holder=checkout.id):
            return 409, "out_of_stock"
        checkout.state, cart.is_open, cart.checkout = "completed", False, None
        self.entries["checkout.completed"] += 1
        self.note("cart.converted")
        return 201, None

    def sell(self, demand: Demand, *, now: datetime) -> Foreseen:
        """Sell in one call."""
        return (201, None) if self.shelf.sell(demand, now=now) else (409, "out_of_stock")

    def place(self, order: OrderModel) -> None:
        """Note an order that came into being, by whichever way."""
        self.orders.append(order)
        self.note("order.placed")
        if order.total:
            self.note("payment.started")

    def cancel(self, order: OrderModel, *, restock: bool) -> Foreseen:
        """Cancel an order."""
        if order.canceled:
            return 200, None
        if order.status == "completed" or order.fulfilled:
            return 409, "transition_not_allowed"
        if order.payment_status == "pending":
            self.note("payment.voided")
            self.entries["order.payment_changed"] += 1
        order.canceled = True
        self.note("order.canceled")
        if restock:
            self.shelf.restock(order.demand)
        return 200, None

    def fulfill(self, order: OrderModel, wanted: dict[str, int] | None) -> Foreseen:
        """Hand lines of an order over, or all that is left."""
        if order.canceled:
            return 409, "order_is_canceled"
        left = {line: quantity - order.fulfilled[line] for line, quantity in order.lines.items()}
        if wanted is None:
            wanted = {line: quantity for line, quantity in left.items() if quantity}
        if not wanted or any(left[line] < quantity for line, quantity in wanted.items()):
            return 409, "more_than_ordered"
        order.fulfilled.update(wanted)
        self.note(f"order.{order.fulfillment_status}")
        return 201, None

    def collect(self, order: OrderModel) -> Foreseen:
        """Take in the cash for an order."""
        if order.payment_status != "pending":
            return 409, "nothing_to_collect"
        order.captured = True
        self.note("payment.captured")
        self.entries["order.payment_changed"] += 1
        self.events["order.paid"] += 1
        return 200, None

    def adjust(self, sku: str, delta: int, *, now: datetime) -> Foreseen:
        """Change what is on hand by a difference."""
        if not self.shelf.change(sku, delta, now=now):
            return 409, "stock_is_reserved"
        self.entries["stock.adjusted"] += bool(delta)
        return 201, None

    def count(self, sku: str, on_hand: int, expected: int, *, now: datetime) -> Foreseen:
        """Set what is on hand to a count."""
        before = self.shelf.levels[sku].on_hand
        if before != expected:
            return 409, "stock_moved"
        status, code = self.adjust(sku, on_hand - before, now=now)
        return (200 if status == 201 else status), code

    def declare(self, sku: str, on_hand: int, safety: int | None, *, now: datetime) -> Foreseen:
        """Say how many of a product there are, and how many of them are never sold."""
        level = self.shelf.levels[sku]
        changes = on_hand != level.on_hand
        if not self.shelf.change(sku, on_hand - level.on_hand, now=now):
            return 409, "stock_is_reserved"
        self.entries["stock.adjusted"] += changes
        if safety not in (None, level.safety):
            level.safety = safety
            self.note("stock.rules_changed")
        return 200, None

    def reprice(self, sku: str, price: int) -> Foreseen:
        """Let a variant cost something else from now on."""
        if self.prices[sku] != price:
            self.note("variant.updated")
        self.prices[sku] = price
        return 200, None

    def _touch(self, cart: CartModel, entry: str, now: datetime) -> None:
        cart.contents += 1
        cart.due_at = now + IDLE
        self.entries[entry] += 1
        self.events["cart.updated"] += 1
