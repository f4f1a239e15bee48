"""Canceling: payments are given up, stock comes back once, and what was handed over stays."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.core import ids
from tests.database import Sql
from tests.factories import a_store
from tests.orders.purchases import an_order, id_of

pytestmark = pytest.mark.usefixtures("watch")


def test_a_canceled_order_gives_its_stock_back_and_expects_no_money() -> None:
    store = a_store(stock={"MUG": 5, "TEE": 5})
    order = an_order(store, {"MUG": 2, "TEE": 1})

    answer = store.merchant.post(f"/orders/{order['id']}/cancel", json={"reason": "customer"}, key=True)

    canceled = answer.json()
    assert answer.status_code == 200
    assert (canceled["status"], canceled["payment_status"], canceled["fulfillment_status"]) == (
        "canceled",
        "voided",
        "unfulfilled",
    )
    assert (canceled["cancel_reason"], canceled["version"]) == ("customer", 3)
    assert (store.stock("MUG")["on_hand"], store.stock("TEE")["on_hand"]) == (5, 5)
    payments = store.merchant.get(f"/orders/{order['id']}/payments").json()["data"]
    assert [payment["status"] for payment in payments] == ["voided"]
    assert canceled == store.merchant.get(f"/orders/{order['id']}").json()


def test_what_is_broken_is_not_put_back() -> None:
    store = a_store(stock={"MUG": 5})
    order = an_order(store, {"MUG": 2})

    store.merchant.post(f"/orders/{order['id']}/cancel", json={"restock": False}, key=True)

    assert store.stock("MUG")["on_hand"] == 3


def test_of_twenty_cancellations_at_once_one_takes_effect(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})
    order = an_order(store, {"MUG": 2})

    with ThreadPoolExecutor(20) as merchants:
        answers = list(
            merchants.map(
                lambda _: store.merchant.post(f"/orders/{order['id']}/cancel", json={}, key=True),
                range(20),
            )
        )

    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["version"] for answer in answers} == {3}
    assert store.stock("MUG")["on_hand"] == 5
    events = sql("select type from domain_events where entity_id = %s order by id", id_of(order))
    assert [event["type"] for event in events] == ["order.placed", "order.canceled"]
    returned = sql("select sum(delta) from inventory_adjustments where store_id = %s and kind = 'return'", store.id)
    assert returned == [{"sum": 2}]


def test_of_a_cancellation_and_a_fulfillment_at_once_one_is_refused() -> None:
    store = a_store(stock={"MUG": 20})
    for _ in range(8):
        order = an_order(store, {"MUG": 2})
        paths = [f"/orders/{order['id']}/cancel", f"/orders/{order['id']}/fulfillments"]

        with ThreadPoolExecutor(2) as merchants:
            answers = list(merchants.map(lambda path: store.merchant.post(path, json={}, key=True), paths))

        codes = [answer.status_code for answer in answers]
        assert codes in ([200, 409], [409, 201])
        refused = next(answer.json() for answer in answers if answer.status_code == 409)
        assert refused["code"] in {"transition_not_allowed", "order_is_canceled"}


def test_what_was_handed_over_in_part_is_not_canceled() -> None:
    store = a_store(stock={"MUG": 5})
    order = an_order(store, {"MUG": 2})
    one = {"lines": [{"order_line_id": order["lines"][0]["id"], "quantity": 1}]}
    store.merchant.post(f"/orders/{order['id']}/fulfillments", json=one, key=True)

    refused = store.merchant.post(f"/orders/{order['id']}/cancel", json={}, key=True)

    assert (refused.status_code, refused.json()["code"]) == (409, "transition_not_allowed")
    assert (refused.json()["current"], refused.json()["allowed"]) == ("partially_fulfilled", [])
    assert store.stock("MUG")["on_hand"] == 3
    assert store.merchant.get(f"/orders/{order['id']}").json()["status"] == "open"


def test_money_that_was_collected_stays_collected() -> None:
    store = a_store(stock={"MUG": 5})
    order = an_order(store)
    store.merchant.post(f"/orders/{order['id']}/payments/collect", json={}, key=True)

    canceled = store.merchant.post(f"/orders/{order['id']}/cancel", json={}, key=True).json()

    assert (canceled["status"], canceled["payment_status"]) == ("canceled", "paid")
    payments = store.merchant.get(f"/orders/{order['id']}/payments").json()["data"]
    assert [payment["status"] for payment in payments] == ["captured"]


def test_canceling_needs_a_key_and_the_permission_and_an_order_of_this_store(sql: Sql) -> None:
    mine, theirs = a_store(stock={"MUG": 1}), a_store(stock={"MUG": 1})
    order, foreign = an_order(mine), an_order(theirs)
    path = f"/orders/{order['id']}/cancel"

    answers = [
        mine.merchant.post(path, json={}),
        mine.token("order.read").post(path, json={}, key=True),
        mine.merchant.post(f"/orders/{foreign['id']}/cancel", json={}, key=True),
        mine.merchant.post(f"/orders/{ids.encode('ord', ids.new_id())}/cancel", json={}, key=True),
        mine.merchant.post(path, json={"reason": "a whim"}, key=True),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (400, "idempotency_key_required"),
        (403, "forbidden"),
        (404, "not_found"),
        (404, "not_found"),
        (422, "validation_failed"),
    ]
    statuses = sql("select status from orders where id in (%s, %s)", id_of(order), id_of(foreign))
    assert [row["status"] for row in statuses] == ["open", "open"]
