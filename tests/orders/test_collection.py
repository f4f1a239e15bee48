"""Collecting cash on delivery: once, all of it, and the order is paid."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.database import Sql
from tests.factories import a_store
from tests.orders.purchases import an_order, id_of

pytestmark = pytest.mark.usefixtures("watch")


def test_collected_cash_makes_the_order_paid(sql: Sql) -> None:
    store = a_store(stock={"MUG": 1}, price={"MUG": 1250})
    order = an_order(store)

    paid = store.merchant.post(f"/orders/{order['id']}/payments/collect", json={"reference": "PA-77"}, key=True)

    assert (paid.status_code, paid.json()["payment_status"], paid.json()["status"]) == (200, "paid", "open")
    [payment] = store.merchant.get(f"/orders/{order['id']}/payments").json()["data"]
    assert (payment["status"], payment["provider_reference"], payment["version"]) == ("captured", "PA-77", 2)
    assert payment["captured"] == {"amount": 1250 + 6000, "currency": "BDT"}
    told = sql("select type from domain_events where store_id = %s and type ~ '^(payment|order)' order by id", store.id)
    assert [event["type"] for event in told] == ["payment.started", "order.placed", "payment.captured", "order.paid"]
    assert sql("select 1 from audit_entries where entity_id = %s and action = 'order.payment_changed'", id_of(order))


def test_of_ten_who_collect_at_once_one_does(sql: Sql) -> None:
    store = a_store(stock={"MUG": 1})
    order = an_order(store)
    path = f"/orders/{order['id']}/payments/collect"

    with ThreadPoolExecutor(10) as couriers:
        answers = list(couriers.map(lambda _: store.merchant.post(path, json={}, key=True), range(10)))

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    assert {answer.json().get("code") for answer in answers} == {None, "nothing_to_collect"}
    assert sql("select sum(captured) from payment_attempts where order_id = %s", id_of(order)) == [{"sum": 7000}]


def test_nothing_is_collected_for_a_canceled_order() -> None:
    store = a_store(stock={"MUG": 1})
    order = an_order(store)
    store.merchant.post(f"/orders/{order['id']}/cancel", json={}, key=True)

    refused = store.merchant.post(f"/orders/{order['id']}/payments/collect", json={}, key=True)

    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_collect")
    assert store.merchant.get(f"/orders/{order['id']}").json()["payment_status"] == "voided"


def test_payments_of_another_stores_order_do_not_exist() -> None:
    mine, theirs = a_store(stock={"MUG": 1}), a_store(stock={"MUG": 1})
    order = an_order(theirs)

    answers = [
        mine.merchant.get(f"/orders/{order['id']}/payments"),
        mine.merchant.post(f"/orders/{order['id']}/payments/collect", json={}, key=True),
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert theirs.merchant.get(f"/orders/{order['id']}").json() == order
