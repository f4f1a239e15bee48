"""Fulfillment: quantities are facts, statuses follow, and never more goes out than was ordered."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.core import ids
from shared.core.driver import DatabaseError, sqlstate
from tests.client import Answer
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store
from tests.orders.purchases import an_order, id_of

pytestmark = pytest.mark.usefixtures("watch")


def fulfill(store: StoreUnderTest, order: dict[str, object], *quantities: tuple[str, int]) -> Answer:
    lines = [{"order_line_id": line, "quantity": quantity} for line, quantity in quantities]
    return store.merchant.post(f"/orders/{order['id']}/fulfillments", json={"lines": lines} if lines else {}, key=True)


def test_statuses_follow_from_what_was_handed_over(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5, "TEE": 5})
    order = an_order(store, {"MUG": 2, "TEE": 1})
    mug, tee = (line["id"] for line in order["lines"])

    first = fulfill(store, order, (mug, 1)).json()
    second = fulfill(store, order, (mug, 1), (tee, 1)).json()

    assert (first["fulfillment_status"], first["status"]) == ("partially_fulfilled", "open")
    assert (second["fulfillment_status"], second["status"]) == ("fulfilled", "open")  # the cash is still to come
    assert [line["fulfilled"] for line in second["lines"]] == [2, 1]
    assert [len(one["lines"]) for one in second["fulfillments"]] == [1, 2]
    events = sql("select type, payload from domain_events where entity_id = %s order by id", id_of(order))
    assert [event["type"] for event in events] == ["order.placed", "order.partially_fulfilled", "order.fulfilled"]
    assert events[1]["payload"]["lines"] == [{"order_line_id": mug, "quantity": 1}]


def test_without_lines_all_that_is_left_is_handed_over() -> None:
    store = a_store(stock={"MUG": 5, "TEE": 5})
    order = an_order(store, {"MUG": 3, "TEE": 1})
    fulfill(store, order, (order["lines"][0]["id"], 1))

    done = store.merchant.post(
        f"/orders/{order['id']}/fulfillments",
        json={"tracking_number": "PA-1", "tracking_url": "https://courier.example/PA-1"},
        key=True,
    ).json()

    assert done["fulfillment_status"] == "fulfilled"
    assert [line["quantity"] for line in done["fulfillments"][1]["lines"]] == [2, 1]
    assert done["fulfillments"][1]["tracking_number"] == "PA-1"


def test_an_order_that_is_paid_and_fulfilled_is_completed() -> None:
    store = a_store(stock={"MUG": 1})
    order = an_order(store)

    fulfill(store, order)
    done = store.merchant.post(f"/orders/{order['id']}/payments/collect", json={}, key=True).json()

    assert (done["status"], done["payment_status"], done["fulfillment_status"]) == ("completed", "paid", "fulfilled")


def test_never_more_goes_out_than_was_ordered() -> None:
    store = a_store(stock={"MUG": 5, "TEE": 5})
    order = an_order(store, {"MUG": 2, "TEE": 1})
    mug, tee = (line["id"] for line in order["lines"])

    refused = fulfill(store, order, (tee, 1), (mug, 2), (mug, 1))

    assert (refused.status_code, refused.json()["code"]) == (409, "more_than_ordered")
    assert refused.json()["errors"][0]["message"] == "MUG: 2 left, 3 asked for."
    assert store.merchant.get(f"/orders/{order['id']}").json() == order


def test_of_ten_fulfillments_of_three_units_at_once_three_succeed(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})
    order = an_order(store, {"MUG": 3})
    line = order["lines"][0]["id"]

    with ThreadPoolExecutor(10) as packers:
        answers = list(packers.map(lambda _: fulfill(store, order, (line, 1)), range(10)))

    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 7
    assert sql("select fulfilled from order_lines where order_id = %s", id_of(order)) == [{"fulfilled": 3}]
    assert sql("select sum(quantity) from fulfillment_lines where store_id = %s", store.id) == [{"sum": 3}]


def test_the_database_itself_refuses_more_than_was_ordered(sql: Sql) -> None:
    order = an_order(a_store(stock={"MUG": 5}), {"MUG": 2})

    with pytest.raises(DatabaseError) as refused:
        sql("update order_lines set fulfilled = 3 where order_id = %s", id_of(order))

    assert sqlstate(refused.value) == "23514"  # a CHECK


def test_what_is_fulfilled_or_canceled_is_not_fulfilled_again() -> None:
    store = a_store(stock={"MUG": 5})
    done, canceled = an_order(store), an_order(store)
    fulfill(store, done)
    store.merchant.post(f"/orders/{canceled['id']}/cancel", json={}, key=True)

    answers = [fulfill(store, done), fulfill(store, canceled)]

    assert [answer.json()["code"] for answer in answers] == ["more_than_ordered", "order_is_canceled"]


def test_a_repeated_request_is_one_fulfillment() -> None:
    store = a_store(stock={"MUG": 5})
    order = an_order(store, {"MUG": 2})
    lines = {"lines": [{"order_line_id": order["lines"][0]["id"], "quantity": 1}]}

    answers = [store.merchant.post(f"/orders/{order['id']}/fulfillments", json=lines, key="one") for _ in range(2)]

    assert answers[0].body == answers[1].body
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert store.merchant.get(f"/orders/{order['id']}").json()["lines"][0]["fulfilled"] == 1


def test_lines_of_others_and_strange_addresses_are_refused() -> None:
    mine, theirs = a_store(stock={"MUG": 5}), a_store(stock={"MUG": 5})
    order, foreign = an_order(mine), an_order(theirs)
    path = f"/orders/{order['id']}/fulfillments"

    answers = [
        fulfill(mine, order, (foreign["lines"][0]["id"], 1)),
        fulfill(mine, order, (ids.encode("oline", ids.new_id()), 1)),
        fulfill(mine, foreign),
        mine.merchant.post(path, json={"tracking_url": "javascript:alert(1)"}, key=True),
        mine.merchant.post(path, json={"lines": []}, key=True),
        mine.token("order.write").post(path, json={}, key=True),
    ]

    assert [answer.status_code for answer in answers] == [422, 422, 404, 422, 422, 403]
    assert mine.merchant.get(f"/orders/{order['id']}").json() == order
