"""Placing an order: once for a checkout, with its stock and its number, or not at all."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from shared.core import audit, clock, ids, outbox
from shared.core.driver import DatabaseError, sqlstate
from shared.inventory import reservations
from shared.inventory.reservations import OutOfStock
from shared.orders import placement, queries
from shared.orders.events import OrderCanceled
from tests.application import Watch
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store
from tests.orders.purchases import a_draft, an_order, place

pytestmark = pytest.mark.usefixtures("watch")


def test_an_order_keeps_the_prices_and_names_of_its_moment(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5, "TEE": 5})

    placed = place(store, a_draft(store, {"MUG": 2, "TEE": 1}, price=1250))

    with store.session() as session:
        document = queries.get_order(session, placed.id)
    assert (placed.number, placed.is_new, document.order.total) == (1001, True, 3 * 1250 + 6000)
    assert [(line["sku"], line["quantity"], line["unit_price"], line["total"]) for line in document.lines] == [
        ("MUG", 2, 1250, 2500),
        ("TEE", 1, 1250, 1250),
    ]
    assert document.lines[0]["trace"][0]["amount"] == 2500
    assert document.lines[0]["product_title"] == "Product MUG"
    assert store.stock("MUG")["on_hand"] == 3
    assert sql("select count(*) from payment_attempts where order_id = %s", placed.id)[0]["count"] == 0


def test_personal_data_is_in_one_encrypted_place(sql: Sql) -> None:
    store = a_store(stock={"MUG": 1})

    placed = place(store, a_draft(store, {"MUG": 1}, note="Ring twice, Karim"))

    rows = sql("select to_jsonb(o) as row from orders o where id = %s", placed.id)
    history = sql("select to_jsonb(a) as row from audit_entries a where entity_id = %s", placed.id)
    events = sql("select payload as row from domain_events where entity_id = %s", placed.id)
    for row in rows + history + events:
        assert not [word for word in ("Rahim", "rahim@", "1712345678", "House 1", "Karim") if word in str(row["row"])]
    with store.session() as session:
        personal = queries.get_order(session, placed.id).order.personal
    assert personal is not None
    assert (personal["contact"]["name"], personal["note"]) == ("Rahim Uddin", "Ring twice, Karim")


def test_placing_takes_two_statements(watch: Watch) -> None:
    store = a_store(stock={"MUG": 5})
    draft = a_draft(store, {"MUG": 1})

    with store.session() as session:
        mark = len(watch.statements)
        placement.place(session, draft)
        taken = watch.count_since(mark)

    assert taken == 2  # the stock, and the order with its lines and number


def test_twenty_at_once_for_one_checkout_make_one_order(sql: Sql) -> None:
    store = a_store(stock={"MUG": 50})
    checkout_id, cart_id = ids.new_id(), ids.new_id()
    hold(store, checkout_id, {"MUG": 2})

    def complete(_: int) -> placement.PlacedOrder:
        return place(store, a_draft(store, {"MUG": 2}, checkout_id=checkout_id, cart_id=cart_id, holder_id=checkout_id))

    with ThreadPoolExecutor(20) as callers:
        placed = list(callers.map(complete, range(20)))

    assert len({one.id for one in placed}) == 1
    assert [one.is_new for one in placed].count(True) == 1
    assert {one.number for one in placed} == {1001}
    assert (store.stock("MUG")["on_hand"], store.stock("MUG")["reserved"]) == (48, 0)
    assert count(sql, "order_lines", store) == 1
    assert events_of(sql, store, "order.placed") == 1
    assert sql("select last from store_sequences where store_id = %s", store.id) == [{"last": 1001}]


@pytest.mark.parametrize("by", ["checkout_id", "cart_id"])
def test_one_checkout_or_cart_is_one_order_though_there_is_stock_for_two(by: str) -> None:
    store = a_store(stock={"MUG": 5})
    came_from: dict[str, Any] = {by: ids.new_id()}

    placed = [place(store, a_draft(store, {"MUG": 1}, **came_from)) for _ in range(2)]

    assert [one.is_new for one in placed] == [True, False]
    assert {(one.id, one.number) for one in placed} == {(placed[0].id, 1001)}
    assert store.stock("MUG")["on_hand"] == 4


def test_the_last_unit_of_a_checkout_that_became_an_order_is_no_shortage_for_its_repetition() -> None:
    store = a_store(stock={"MUG": 1})
    checkout_id = ids.new_id()
    first = place(store, a_draft(store, {"MUG": 1}, checkout_id=checkout_id))

    again = place(store, a_draft(store, {"MUG": 1}, checkout_id=checkout_id))

    assert (again.id, again.is_new) == (first.id, False)
    assert store.stock("MUG")["on_hand"] == 0


def test_a_repetition_forgets_its_own_events_and_keeps_those_before_it(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})
    cart_id = ids.new_id()
    first = place(store, a_draft(store, {"MUG": 1}, cart_id=cart_id))

    with store.session() as session:
        outbox.record(session, OrderCanceled.example())
        audit.record(session, action="test.before", entity="order", entity_id=first.id)
        placement.place(session, a_draft(store, {"MUG": 1}, cart_id=cart_id))

    assert events_of(sql, store, "order.placed") == 1
    assert events_of(sql, store, "order.canceled") == 1
    assert len(sql("select 1 from audit_entries where store_id = %s and action = 'test.before'", store.id)) == 1
    assert count(sql, "inventory_adjustments", store, "kind = 'sale'") == 1


def test_an_order_that_cannot_be_filled_leaves_nothing(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5, "TEE": 1})

    with pytest.raises(OutOfStock):
        place(store, a_draft(store, {"MUG": 1, "TEE": 2}, checkout_id=ids.new_id()))

    assert (store.stock("MUG")["on_hand"], store.stock("TEE")["on_hand"]) == (5, 1)
    assert count(sql, "orders", store) == count(sql, "order_lines", store) == 0
    assert sql("select 1 from store_sequences where store_id = %s", store.id) == []


def test_numbers_are_unique_and_increasing_and_refusals_leave_no_gap(sql: Sql) -> None:
    store = a_store(stock={"MUG": 30, "TEE": 0})

    def buy(number: int) -> int | None:
        try:
            return place(store, a_draft(store, {"TEE" if number % 3 == 0 else "MUG": 1})).number
        except OutOfStock:
            return None

    with ThreadPoolExecutor(15) as buyers:
        numbers = [number for number in buyers.map(buy, range(45)) if number is not None]

    assert sorted(numbers) == list(range(1001, 1031))
    by_time = sql("select number from orders where store_id = %s order by number", store.id)
    assert [row["number"] for row in by_time] == list(range(1001, 1031))


def test_two_lines_of_one_variant_are_one_demand_on_stock() -> None:
    store = a_store(stock={"MUG": 3})
    store.variants["SAME"] = store.variants["MUG"]

    with pytest.raises(OutOfStock):
        place(store, a_draft(store, {"MUG": 2, "SAME": 2}))

    assert store.stock("MUG")["on_hand"] == 3


def test_each_store_counts_its_own_orders() -> None:
    one, other = a_store(stock={"MUG": 2}), a_store(stock={"MUG": 2})

    numbers = [an_order(store)["number"] for store in (one, other, one)]

    assert numbers == ["#1001", "#1001", "#1002"]


@pytest.mark.parametrize(
    "statement",
    [
        "update orders set total = 1",
        "update orders set number = 1",
        "update orders set currency = 'USD'",
        "update order_lines set unit_price = 1",
        "update order_lines set product_title = 'x'",
        "delete from order_lines",
        "delete from orders",
        "update fulfillments set tracking_number = 'x'",
    ],
)
def test_the_application_has_no_right_to_rewrite_what_was_sold(
    statement: str, in_store: Callable[[StoreUnderTest, str], Any]
) -> None:
    store = a_store(stock={"MUG": 1})
    an_order(store)

    with pytest.raises(DatabaseError) as refused:
        in_store(store, statement)

    assert sqlstate(refused.value) == "42501"  # insufficient privilege


def hold(store: StoreUnderTest, holder_id: Any, quantities: dict[str, int]) -> None:
    demand = {store.variant_id(sku): quantity for sku, quantity in quantities.items()}
    with store.session() as session:
        reservations.hold(session, holder_id, demand, clock.now() + timedelta(minutes=15))


def count(sql: Sql, table: str, store: StoreUnderTest, condition: str = "true") -> int:
    found: int = sql(f"select count(*) from {table} where store_id = %s and {condition}", store.id)[0]["count"]
    return found


def events_of(sql: Sql, store: StoreUnderTest, kind: str) -> int:
    return count(sql, "domain_events", store, f"type = '{kind}'")
