"""A store's life as Hypothesis plays it: any calls in any order over the real handlers, a model beside them.

After each call the database is compared with the model: stock with its history and its reservations, orders with their
lines, payments and what was handed over, numbers, events and audit entries. Nothing may be missing, and nothing more.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shared.core import clock, ids
from tests.checkout.purchases import ADDRESS, CONTACT, a_cart
from tests.client import Answer
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store, add_product
from tests.imports import files
from tests.proof import lifecycle_facts
from tests.proof.lifecycle_model import CartModel, CheckoutModel, Foreseen, OrderModel, StoreModel
from tests.proof.lifecycle_shelf import Level, Shelf
from tests.tenancy.living import deliver

START = datetime(2026, 12, 1, 9, tzinfo=UTC)
LINE = "lifecycle"  # among the figures of a run
# What a long run must have met; one that a rule can no longer reach is a rule that proves nothing.
REFUSALS = {
    "cart_changed",
    "cart_closed",
    "cart_empty",
    "checkout_closed",
    "more_than_ordered",
    "nothing_to_collect",
    "order_is_canceled",
    "out_of_stock",
    "price_changed",
    "stock_is_reserved",
    "stock_moved",
    "transition_not_allowed",
}
# Few of each, so that it is short more often than not; one with units that are never sold, one that may be owed.
GOODS = {"MUG": Level(4), "TEA": Level(5, safety=2), "KIT": Level(1, backorder=True)}
FIRST_PRICES = {"MUG": 1999, "TEA": 333, "KIT": 0}

skus = st.sampled_from(sorted(GOODS))
quantities = st.integers(1, 3)
baskets = st.dictionaries(skus, quantities, min_size=1)
recent = st.integers(0, 2)  # which of the last three carts, checkouts or orders: calls meet where they touch the same
minutes = st.sampled_from([1, 14, 15, 16, 60, 241])  # the promise ends with the fifteenth; carts are idle after 240


counts = st.dictionaries(skus, st.integers(0, 6), min_size=1)


def declared(sku: str, count: int, safety: int | None) -> dict[str, Any]:
    """Return the document by which so many of a product are there."""
    variant: dict[str, Any] = {"sku": sku, "on_hand": count} | ({} if safety is None else {"safety_stock": safety})
    return {"slug": f"product-{sku.lower()}", "variants": [variant]}


def imported(sku: str, count: int, price: int) -> dict[str, str]:
    """Return the row of a file that says the same."""
    return {
        "Handle": f"product-{sku.lower()}",
        "Title": f"Product {sku}",
        "Option1 Name": "Title",
        "Option1 Value": "Default Title",
        "Variant SKU": sku,
        "Variant Price": f"{price // 100}.{price % 100:02}",
        "Variant Inventory Qty": str(count),
    }


def _has[**P, R](kind: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    return precondition(lambda machine: hasattr(machine, "model") and bool(getattr(machine.model, kind)))


def _recent[Thing](things: Sequence[Thing], which: int) -> Thing:
    return things[-1 - which % len(things)]


class Lifecycle(RuleBasedStateMachine):
    """One store from its opening on."""

    sql: ClassVar[Sql]
    seen: ClassVar[Counter[str]] = Counter()
    refusals: ClassVar[Counter[str]] = Counter()  # by code

    def __init__(self) -> None:
        """Stop the clock."""
        super().__init__()
        self._ends = ExitStack()
        self.clock = self._ends.enter_context(clock.frozen(START))
        self.last: tuple[str, dict[str, Any], Answer] | None = None

    def teardown(self) -> None:
        """Let the clock go."""
        self._ends.close()

    @initialize(
        shipping=st.sampled_from([0, 6000]),
        tax_rate=st.sampled_from(["0", "0.075", "0.333333"]),
        prices_include_tax=st.booleans(),
    )
    def open_store(self, shipping: int, tax_rate: str, prices_include_tax: bool) -> None:  # noqa: FBT001 -- drawn
        limits = {"max_open_checkouts_per_phone": 1000, "max_open_checkouts_per_ip": 10_000}
        terms = {"shipping_flat_rate": shipping, "tax_rate": tax_rate, "prices_include_tax": prices_include_tax}
        self.store: StoreUnderTest = a_store(settings=limits | terms)
        for sku, level in GOODS.items():
            rules = {"safety_stock": level.safety, "allow_backorder": level.backorder}
            rules["low_stock_threshold"] = level.threshold
            add_product(self.store, sku, price=FIRST_PRICES[sku], stock=level.on_hand, **rules)
        events, entries = lifecycle_facts.told(self.sql, self.store.id)
        levels = {sku: Level(one.on_hand, one.safety, one.backorder, one.threshold) for sku, one in GOODS.items()}
        self.model = StoreModel(Shelf(levels, events), dict(FIRST_PRICES), events, entries)
        self.seen["stores"] += 1

    @rule(wanted=baskets)
    def take_cart(self, wanted: dict[str, int]) -> None:
        self.model.open_cart(CartModel(a_cart(self.store, wanted), dict(wanted)), now=self.clock.now())

    @_has("carts")
    @rule(which=recent, sku=skus, quantity=quantities)
    def put_into_cart(self, which: int, sku: str, quantity: int) -> None:
        cart = _recent(self.model.carts, which)
        foreseen = self.model.fill(cart, sku, quantity, now=self.clock.now())
        self._compare(foreseen, cart.caller.add(sku, quantity))

    @_has("carts")
    @rule(which=recent, sku=skus, quantity=st.integers(0, 3))
    def change_line(self, which: int, sku: str, quantity: int) -> None:
        cart = _recent(self.model.carts, which)
        lines = {line["sku"]: line["id"] for line in cart.caller.read()["lines"]}
        assert lines.keys() == cart.lines.keys()
        if sku in lines:
            foreseen = self.model.set_quantity(cart, sku, quantity, now=self.clock.now())
            self._compare(foreseen, cart.caller.set_quantity(lines[sku], quantity))

    @_has("carts")
    @rule(which=recent)
    def start_checkout(self, which: int) -> None:
        cart = _recent(self.model.carts, which)
        answer = cart.caller.start()
        told, known = answer.json(), cart.checkout
        holder = known.id if known else str(told.get("id"))
        self._compare(self.model.start(cart, holder, now=self.clock.now()), answer)
        if answer.status_code == 201:
            checkout = known or CheckoutModel(told["id"], cart)
            assert told["id"] == checkout.id
            self.model.renew(checkout, now=self.clock.now())

    @_has("checkouts")
    @rule(which=recent)
    def give_checkout_up(self, which: int) -> None:
        checkout = _recent(self.model.checkouts, which)
        answer = self.store.shopper.delete(f"/storefront/checkouts/{checkout.id}", headers=checkout.cart.caller.guest)
        self._compare(self.model.give_up(checkout), answer)

    @_has("checkouts")
    @rule(which=recent)
    def complete_checkout(self, which: int) -> None:
        checkout = _recent(self.model.checkouts, which)
        request = {"json": {"payment_method": "cash_on_delivery"}, "headers": checkout.cart.caller.guest}
        answer = self._send(f"/storefront/checkouts/{checkout.id}/complete", request, shopper=True)
        self._compare(self.model.complete(checkout, now=self.clock.now()), answer)
        if answer.status_code == 200:
            assert answer.json()["order"]["id"] == checkout.order_id
        if answer.status_code == 201:
            checkout.order_id = answer.json()["order"]["id"]
            self._placed(str(checkout.order_id))

    @_has("checkouts")
    @rule(which=recent, price=st.sampled_from([333, 1999]))
    def come_back_too_late(self, which: int, price: int) -> None:
        for sku in _recent(self.model.checkouts, which).lines:
            self.change_price(sku, price)
        self.let_time_pass(16)
        self.complete_checkout(which)

    @_has("checkouts")
    @rule(which=recent, sku=skus)
    def change_ones_mind_at_the_till(self, which: int, sku: str) -> None:
        cart = _recent(self.model.checkouts, which).cart
        self._compare(self.model.fill(cart, sku, 1, now=self.clock.now()), cart.caller.add(sku, 1))
        self.complete_checkout(which)

    @_has("checkouts")
    @rule(which=recent, sku=skus)
    def go_on_shopping_with_what_was_bought(self, which: int, sku: str) -> None:
        self.complete_checkout(which)
        cart = _recent(self.model.checkouts, which).cart
        self._compare(self.model.fill(cart, sku, 1, now=self.clock.now()), cart.caller.add(sku, 1))

    @_has("carts")
    @rule(which=recent)
    def empty_the_cart_and_buy_it(self, which: int) -> None:
        for sku in list(_recent(self.model.carts, which).lines):
            self.change_line(which, sku, 0)
        self.start_checkout(which)

    @rule(wanted=baskets, discount=st.sampled_from([0, 1, 100, 10_000]))
    def place_order(self, wanted: dict[str, int], discount: int) -> None:
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in wanted.items()]
        body = {"contact": CONTACT, "shipping_address": ADDRESS, "lines": lines, "discount": discount}
        answer = self._send("/orders", {"json": body})
        self._compare(self.model.sell(wanted, now=self.clock.now()), answer)
        if answer.status_code == 201:
            self._placed(answer.json()["id"])

    @_has("orders")
    @rule(which=recent, restock=st.booleans())
    def cancel_order(self, which: int, restock: bool) -> None:  # noqa: FBT001 -- drawn
        order = _recent(self.model.orders, which)
        answer = self._send(f"/orders/{order.id}/cancel", {"json": {"reason": "customer", "restock": restock}})
        self._compare(self.model.cancel(order, restock=restock), answer)

    @_has("orders")
    @rule(which=recent, chosen=st.none() | st.lists(st.tuples(st.integers(0, 2), quantities), min_size=1, max_size=2))
    def fulfill_order(self, which: int, chosen: list[tuple[int, int]] | None) -> None:
        order = _recent(self.model.orders, which)
        wanted = None if chosen is None else dict(self._lines(order, chosen))
        lines = [{"order_line_id": line, "quantity": quantity} for line, quantity in (wanted or {}).items()]
        answer = self._send(f"/orders/{order.id}/fulfillments", {"json": {"lines": lines} if lines else {}})
        self._compare(self.model.fulfill(order, wanted), answer)

    @_has("orders")
    @rule(which=recent)
    def collect_cash(self, which: int) -> None:
        order = _recent(self.model.orders, which)
        answer = self._send(f"/orders/{order.id}/payments/collect", {"json": {"reference": "R-1"}})
        self._compare(self.model.collect(order), answer)

    @rule(sku=skus, delta=st.integers(-4, 4))
    def adjust_stock(self, sku: str, delta: int) -> None:
        answer = self._send(f"/inventory/{self.store.variant(sku)}/adjustments", {"json": {"delta": delta}})
        self._compare(self.model.adjust(sku, delta, now=self.clock.now()), answer)

    @rule(sku=skus, on_hand=st.integers(0, 6), off_by=st.sampled_from([0, 0, 0, 1]))
    def count_stock(self, sku: str, on_hand: int, off_by: int) -> None:
        expected = self.model.shelf.levels[sku].on_hand + off_by
        body = {"on_hand": on_hand, "expected_on_hand": expected}
        path = f"/inventory/{self.store.variant(sku)}/on-hand"
        answer = self.store.merchant.put(path, json=body, key=True)
        self._compare(self.model.count(sku, on_hand, expected, now=self.clock.now()), answer)

    @rule(counts=counts, safety=st.none() | st.integers(0, 2))
    def declare_products(self, counts: dict[str, int], safety: int | None) -> None:
        foreseen = [self.model.declare(sku, count, safety, now=self.clock.now()) for sku, count in counts.items()]
        documents = [declared(sku, count, safety) for sku, count in counts.items()]
        if len(documents) == 1:
            self._compare(foreseen[0], self.store.merchant.put("/products", json=documents[0], key=True))
            return
        answer = self.store.merchant.post("/products/batch", json={"products": documents}, key=True)
        told = answer.json()["products"]
        assert [(one["status"], one["problem"] and one["problem"]["code"]) for one in told] == foreseen
        self.refusals.update(code for _, code in foreseen if code is not None)
        self.seen["declared in batches"] += len(told)

    @rule(counts=counts)
    def import_file(self, counts: dict[str, int]) -> None:
        foreseen = [self.model.declare(sku, count, None, now=self.clock.now()) for sku, count in counts.items()]
        rows = [imported(sku, count, self.model.prices[sku]) for sku, count in counts.items()]
        job = files.imported(self.store, files.written(rows, tuple(rows[0])))
        assert [code for _, code, _ in job.findings] == [code for _, code in foreseen if code is not None]
        self.model.events.update(["job.queued", "job.finished"])
        self.model.entries.update(["job.opened", "job.queued", "job.succeeded"])
        self.seen["imported"] += len(rows)

    @rule(sku=skus, price=st.sampled_from([333, 1999]))
    def change_price(self, sku: str, price: int) -> None:
        answer = self.store.merchant.patch(f"/variants/{self.store.variant(sku)}", json={"price": price})
        self._compare(self.model.reprice(sku, price), answer)

    @rule(by=minutes)
    def let_time_pass(self, by: int) -> None:
        self.clock.tick(timedelta(minutes=by))

    @rule()
    def sweep_reservations(self) -> None:
        assert deliver("reservation-expiry", {"store_id": str(self.store.id)})
        self.model.shelf.release_expired(self.clock.now())

    @rule()
    def age_carts(self) -> None:
        assert deliver("cart-ageing", {"store_id": str(self.store.id)})
        self.model.age_carts(self.clock.now())

    @precondition(lambda self: self.last is not None)
    @rule()
    def send_the_last_request_again(self) -> None:
        assert self.last is not None
        path, request, first = self.last
        again = self._client(path).post(path, **request)
        assert (again.status_code, again.body) == (first.status_code, first.body)
        assert again.headers["idempotent-replayed"] == "true"
        self.seen["replays"] += 1

    @invariant()
    def stock_is_what_its_history_and_its_reservations_come_to(self) -> None:
        if not hasattr(self, "model"):
            return
        self.seen["steps"] += 1
        expected = {
            sku: lifecycle_facts.StockRow(level.on_hand, level.reserved, level.on_hand, level.reserved, 0)
            for sku, level in self.model.shelf.levels.items()
        }
        assert lifecycle_facts.levels(self.sql, self.store.id) == expected
        holds = {
            (ids.decode("chk", holder), sku, hold.quantity, hold.until)
            for sku, level in self.model.shelf.levels.items()
            for holder, hold in level.holds.items()
        }
        assert lifecycle_facts.holds(self.sql, self.store.id) == holds

    @invariant()
    def orders_add_up_and_stand_where_their_facts_put_them(self) -> None:
        if not hasattr(self, "model"):
            return
        found = lifecycle_facts.orders(self.sql, self.store.id)
        assert [row["number"] for row in found] == [1001 + place for place in range(len(self.model.orders))]
        for row, order in zip(found, self.model.orders, strict=True):
            assert lifecycle_facts.wrong_sums(row) == []
            stands = (row["status"], row["payment_status"], row["fulfillment_status"], row["total"])
            assert stands == (order.status, order.payment_status, order.fulfillment_status, order.total)
            assert row["captured"] == (order.total if order.captured else 0)
            handed = {ids.encode("oline", UUID(line)): quantity for line, quantity in row["handed"].items()}
            assert handed == +order.fulfilled

    @invariant()
    def each_change_was_told_and_written_down_once(self) -> None:
        if not hasattr(self, "model"):
            return
        events, entries = lifecycle_facts.told(self.sql, self.store.id)
        assert events == +self.model.events
        assert entries == +self.model.entries
        assert lifecycle_facts.events_nobody_will_hear(self.sql, self.store.id) == 0

    def _compare(self, foreseen: Foreseen, answer: Answer) -> None:
        found = (answer.status_code, None if answer.status_code < 400 else answer.json()["code"])
        assert found == foreseen, answer.text
        _, code = found
        self.seen["carried out" if code is None else "refused"] += 1
        if code is not None:
            self.refusals[code] += 1

    def _send(self, path: str, request: dict[str, Any], *, shopper: bool = False) -> Answer:
        request = request | {"key": str(ids.new_id())}
        answer = (self.store.shopper if shopper else self.store.merchant).post(path, **request)
        if answer.status_code < 500:
            self.last = (path, request, answer)
        return answer

    def _client(self, path: str) -> Any:
        return self.store.shopper if path.startswith("/storefront") else self.store.merchant

    def _placed(self, order_id: str) -> None:
        order = self.store.merchant.get(f"/orders/{order_id}").json()
        quantities = {line["id"]: line["quantity"] for line in order["lines"]}
        named = {line["id"]: line["sku"] for line in order["lines"]}
        number = int(order["number"].removeprefix("#"))
        self.model.place(OrderModel(order_id, number, order["total"]["amount"], quantities, named))

    @staticmethod
    def _lines(order: OrderModel, chosen: list[tuple[int, int]]) -> list[tuple[str, int]]:
        names = list(order.lines)
        return [(names[place % len(names)], quantity) for place, quantity in chosen]
