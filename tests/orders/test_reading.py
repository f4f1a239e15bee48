"""Reading orders: one, and lists by status, number, time and buyer."""

import pytest

from shared.core import ids
from tests.application import Watch
from tests.factories import StoreUnderTest, a_store
from tests.orders.purchases import BUYER, an_order

pytestmark = pytest.mark.usefixtures("watch")


def listed(store: StoreUnderTest, query: str = "") -> list[str]:
    answer = store.merchant.get("/orders" + query)
    assert answer.status_code == 200, answer.text
    return [order["number"] for order in answer.json()["data"]]


def test_a_merchant_reads_an_order_with_everything_in_it() -> None:
    store = a_store(stock={"MUG": 5}, price={"MUG": 129900})
    placed = an_order(store, {"MUG": 2}, note="Ring twice")

    answer = store.merchant.get(f"/orders/{placed['id']}")

    order = answer.json()
    assert order == placed
    assert (order["number"], order["status"], order["payment_status"], order["fulfillment_status"]) == (
        "#1001",
        "open",
        "pending",
        "unfulfilled",
    )
    assert order["total"] == {"amount": 2 * 129900 + 6000, "currency": "BDT"}
    assert (order["contact"]["phone"], order["note"]) == ("+8801712345678", "Ring twice")
    assert order["created_at"].endswith("Z")
    assert answer.headers["etag"] == '"1"'


def test_reading_an_order_takes_one_statement_beside_the_credential(watch: Watch) -> None:
    store = a_store(stock={"MUG": 5})
    order = an_order(store)
    mark = len(watch.statements)

    store.merchant.get(f"/orders/{order['id']}")

    assert watch.count_since(mark) == 2


def test_lists_are_filtered_by_the_three_statuses() -> None:
    store = a_store(stock={"MUG": 9})
    orders = [an_order(store) for _ in range(4)]
    store.merchant.post(f"/orders/{orders[0]['id']}/cancel", json={}, key=True)
    store.merchant.post(f"/orders/{orders[1]['id']}/payments/collect", json={}, key=True)
    store.merchant.post(f"/orders/{orders[2]['id']}/fulfillments", json={}, key=True)

    assert listed(store) == ["#1004", "#1003", "#1002", "#1001"]
    assert listed(store, "?status=canceled") == ["#1001"]
    assert listed(store, "?payment_status=paid") == ["#1002"]
    assert listed(store, "?payment_status[in]=paid,voided&sort=number") == ["#1001", "#1002"]
    assert listed(store, "?fulfillment_status=fulfilled") == ["#1003"]
    assert listed(store, "?status=open&payment_status=pending&fulfillment_status=unfulfilled") == ["#1004"]


def test_an_order_is_found_by_number_channel_time_and_buyer() -> None:
    store = a_store(stock={"MUG": 9})
    an_order(store)
    other = an_order(store, contact={"name": "Salma", "email": "Salma@Example.com"})

    assert listed(store, "?number=%231002") == listed(store, "?number=1002") == ["#1002"]
    assert listed(store, "?email=salma@example.com") == ["#1002"]
    assert listed(store, "?phone=01712345678") == ["#1001"]
    assert listed(store, "?channel=storefront") == []
    assert listed(store, f"?created_at[gte]={other['created_at']}") == ["#1002"]


def test_pages_follow_each_other_without_gaps_or_repetitions() -> None:
    store = a_store(stock={"MUG": 9})
    for _ in range(5):
        an_order(store)

    first = store.merchant.get("/orders?limit=2&include=total").json()
    an_order(store)
    second = store.merchant.get(f"/orders?limit=2&cursor={first['page']['next_cursor']}").json()
    third = store.merchant.get(f"/orders?limit=2&cursor={second['page']['next_cursor']}").json()

    assert first["total"] == 5
    numbers = [order["number"] for page in (first, second, third) for order in page["data"]]
    assert numbers == ["#1005", "#1004", "#1003", "#1002", "#1001"]
    assert third["page"] == {"next_cursor": None, "has_more": False}


@pytest.mark.parametrize(
    "query", ["?total=5", "?status=lost", "?number=abc", "?email=nobody", "?sort=total", "?created_at=2026-01-01"]
)
def test_a_list_that_does_not_exist_is_refused_with_what_does(query: str) -> None:
    store = a_store()

    refused = store.merchant.get("/orders" + query)

    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_listing")
    assert "payment_status" in refused.json()["allowed"]["filters"]


def test_another_stores_orders_do_not_exist() -> None:
    mine, theirs = a_store(stock={"MUG": 1}), a_store(stock={"MUG": 1})
    order = an_order(theirs)

    assert mine.merchant.get(f"/orders/{order['id']}").status_code == 404
    assert mine.merchant.get(f"/orders/{ids.encode('prod', ids.new_id())}").status_code == 404
    assert listed(mine) == listed(mine, "?phone=01712345678") == []


def test_who_may_not_read_orders_is_refused() -> None:
    store = a_store(stock={"MUG": 1})
    order = an_order(store)
    stranger = store.token("product.read")

    answers = [stranger.get(path) for path in ("/orders", f"/orders/{order['id']}", f"/orders/{order['id']}/payments")]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert BUYER["contact"]["name"] not in "".join(answer.text for answer in answers)
