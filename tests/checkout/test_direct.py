"""An order in one call, by a merchant's integration."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from shared.core import clock
from tests.checkout.purchases import ADDRESS, CONTACT, a_cart
from tests.client import Answer, Client
from tests.factories import StoreUnderTest, a_store, add_product

EXPIRED = timedelta(minutes=16)  # after the reservation's 15

pytestmark = pytest.mark.usefixtures("watch")


def test_an_order_is_placed_priced_and_taken_from_stock_in_one_call() -> None:
    store = a_store(stock={"MUG": 5, "TEE": 5}, price={"MUG": 45_000, "TEE": 90_000})

    answer = place(store.merchant, [{"sku": "MUG", "quantity": 2}, {"variant_id": store.variant("TEE")}])

    order = answer.json()
    assert answer.status_code == 201, answer.text
    assert (order["number"], order["channel"], order["payment_status"]) == ("#1001", "api", "pending")
    assert (order["subtotal"]["amount"], order["total"]["amount"]) == (180_000, 186_000)
    assert order["contact"]["phone"] == "+8801712345678"
    assert (on_hand(store, "MUG"), on_hand(store, "TEE")) == (3, 4)


def test_the_answer_is_what_a_read_then_says() -> None:
    store = a_store(stock={"MUG": 5, "TEE": 5}, price={"MUG": 45_000, "TEE": 90_000})
    lines: list[dict[str, Any]] = [{"sku": "MUG", "quantity": 2}, {"sku": "TEE"}]

    placed = place(store.merchant, lines, note="Ring twice", discount=4_001)

    assert placed.status_code == 201, placed.text
    assert placed.json() == store.merchant.get(f"/orders/{placed.json()['id']}").json()


def test_an_order_takes_what_an_expired_reservation_holds_back() -> None:
    store = a_store(stock={"MUG": 3})
    with clock.frozen(clock.now()) as frozen:
        a_cart(store, {"MUG": 2}).started()
        held = place(store.merchant, [{"sku": "MUG", "quantity": 3}])
        frozen.tick(EXPIRED)

        placed = place(store.merchant, [{"sku": "MUG", "quantity": 3}])

    assert (held.status_code, placed.status_code, placed.json()["number"]) == (409, 201, "#1001")
    assert on_hand(store, "MUG") == 0


def test_one_order_sent_twenty_times_at_once_under_one_key_is_one_order() -> None:
    store = a_store(stock={"MUG": 50})

    with ThreadPoolExecutor(20) as senders:
        answers = list(senders.map(lambda _: place(store.merchant, [{"sku": "MUG"}], key="one"), range(20)))

    placed = [answer for answer in answers if answer.status_code == 201]
    assert placed
    assert {answer.json()["code"] for answer in answers if answer not in placed} <= {"request_in_flight"}
    assert len({answer.json()["id"] for answer in placed}) == 1
    assert on_hand(store, "MUG") == 49


def test_all_lines_are_sold_or_none() -> None:
    store = a_store(stock={"MUG": 5, "TEE": 0})

    refused = place(store.merchant, [{"sku": "MUG"}, {"sku": "TEE"}])

    assert (refused.status_code, refused.json()["code"]) == (409, "out_of_stock")
    assert on_hand(store, "MUG") == 5
    assert store.merchant.get("/orders").json()["data"] == []


def test_one_variant_on_two_lines_is_one_demand() -> None:
    store = a_store(stock={"MUG": 3})

    refused = place(store.merchant, [{"sku": "MUG", "quantity": 2}, {"sku": "MUG", "quantity": 2}])
    placed = place(store.merchant, [{"sku": "MUG", "quantity": 2}, {"sku": "MUG", "quantity": 1}])

    assert (refused.status_code, placed.status_code) == (409, 201)
    assert len(placed.json()["lines"]) == 2
    assert on_hand(store, "MUG") == 0


def test_what_is_not_sold_is_pointed_at() -> None:
    store = a_store(stock={"MUG": 3})

    refused = place(store.merchant, [{"sku": "MUG"}, {"sku": "NOTHING"}])

    assert (refused.status_code, refused.json()["code"]) == (422, "not_sold")
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/lines/1"]


def test_a_discount_is_spread_over_the_lines_and_needs_its_permission() -> None:
    store = a_store(stock={"MUG": 5, "TEE": 5}, price={"MUG": 30_000, "TEE": 10_000})
    lines = [{"sku": "MUG"}, {"sku": "TEE"}]

    refused = place(store.token("order.write"), lines, discount=4_000)
    placed = place(store.token("order.write", "discount.apply"), lines, discount=4_000).json()

    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert [line["discount"]["amount"] for line in placed["lines"]] == [3_000, 1_000]
    assert (placed["discount"]["amount"], placed["total"]["amount"]) == (4_000, 42_000)
    assert (on_hand(store, "MUG"), on_hand(store, "TEE")) == (4, 4)


def test_who_may_only_read_orders_places_none() -> None:
    store = a_store(stock={"MUG": 5})

    refused = place(store.token("order.read"), [{"sku": "MUG"}])

    assert (refused.status_code, on_hand(store, "MUG")) == (403, 5)


def test_what_is_not_counted_can_be_ordered_without_stock() -> None:
    store = a_store()
    add_product(store, "GIFT-WRAP", tracks_stock=False)

    assert place(store.merchant, [{"sku": "GIFT-WRAP", "quantity": 9}]).status_code == 201


def test_another_stores_variant_is_not_sold_here() -> None:
    mine, theirs = a_store(), a_store(stock={"MUG": 5})

    refused = place(mine.merchant, [{"variant_id": theirs.variant("MUG")}])

    assert (refused.status_code, refused.json()["code"]) == (422, "not_sold")
    assert on_hand(theirs, "MUG") == 5


def place(client: Client, lines: list[dict[str, Any]], *, key: str | bool = True, **facts: Any) -> Answer:
    body = {"lines": lines, "contact": CONTACT, "shipping_address": ADDRESS} | facts
    return client.post("/orders", json=body, key=key)


def on_hand(store: StoreUnderTest, sku: str) -> int:
    level = store.stock(sku)
    assert level["reserved"] == 0
    count: int = level["on_hand"]
    return count
