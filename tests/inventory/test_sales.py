"""Selling without a hold, what orders bring back, and when a merchant is told that stock is low."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.core import clock, ids
from shared.inventory import expiry
from shared.inventory.sales import OutOfStock
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store, add_product
from tests.inventory.stockroom import (
    history,
    hold,
    in_minutes,
    level,
    restock,
    sell,
    told,
    wait_until_somebody_waits_for_a_lock,
)

pytestmark = pytest.mark.usefixtures("watch")


def test_a_sale_takes_stock_and_says_for_which_order(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})

    order = sell(store, MUG=2)

    assert (level(sql, store, "MUG"), history(sql, store, "MUG")) == ((3, 0), [("initial", 5, 5), ("sale", -2, 3)])
    sales = store.merchant.get("/inventory/adjustments", params={"order_id": ids.encode("ord", order)}).json()["data"]
    assert [(sale["kind"], sale["delta"], sale["actor_id"]) for sale in sales] == [("sale", -2, "test")]


def test_a_sale_leaves_what_others_hold(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})
    hold(store, ids.new_id(), MUG=4)

    with pytest.raises(OutOfStock) as refused:
        sell(store, MUG=2)

    assert (refused.value.shortages[0].available, level(sql, store, "MUG")) == (1, (5, 4))


def test_a_sale_takes_what_expired_holds_left(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})
    with clock.frozen(clock.now()) as time:
        hold(store, ids.new_id(), minutes=15, MUG=4)
        time.tick(in_minutes(16) - clock.now())

        sell(store, MUG=5)

    assert level(sql, store, "MUG") == (0, 0)


def test_a_sale_that_is_short_of_one_item_takes_none(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5, "TEE": 0})

    with pytest.raises(OutOfStock):
        sell(store, MUG=1, TEE=1)

    assert (level(sql, store, "MUG"), history(sql, store, "MUG")) == ((5, 0), [("initial", 5, 5)])


def test_a_sale_waits_for_who_is_about_to_release_an_expired_hold_rather_than_refuse(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})
    hold(store, ids.new_id(), minutes=-1, MUG=5)

    with ThreadPoolExecutor(1) as other:
        with store.session() as sweep:
            expiry.release_expired(sweep)
            waiting = other.submit(sell, store, MUG=5)
            wait_until_somebody_waits_for_a_lock(sql)
        waiting.result(timeout=10)

    assert level(sql, store, "MUG") == (0, 0)


def test_what_an_order_brings_back_is_a_return_for_that_order(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5, "TEE": 5})
    order = sell(store, MUG=3, TEE=2)

    back = restock(store, order, MUG=2)

    assert back == {store.variant_id("MUG"): 2}
    assert history(sql, store, "MUG") == [("initial", 5, 5), ("sale", -3, 2), ("return", 2, 4)]
    assert level(sql, store, "TEE") == (3, 0)


def test_an_order_never_brings_back_more_than_it_took(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5, "TEE": 5})
    order = sell(store, MUG=3)

    first, second = restock(store, order, MUG=9, TEE=1), restock(store, order, MUG=3)

    assert (first, second) == ({store.variant_id("MUG"): 3}, {})
    assert (level(sql, store, "MUG"), level(sql, store, "TEE")) == ((5, 0), (5, 0))


def test_low_stock_is_told_once_a_crossing(sql: Sql) -> None:
    store = with_threshold(stock=8, threshold=5)

    for quantity in (2, 1, 1, 1):  # 6, 5, 4, 3: the second one reaches the threshold
        sell(store, MUG=quantity)
    first = [(low["on_hand"], low["low_stock_threshold"]) for low in told(sql, store, "stock.low")]
    adjusted(store, 2)  # 5: no higher than the threshold
    sell(store, MUG=1)
    adjusted(store, 2)  # 6: above it
    sell(store, MUG=3)

    assert first == [(5, 5)]
    assert [low["on_hand"] for low in told(sql, store, "stock.low")] == [5, 3]


def test_a_hold_that_comes_and_goes_tells_no_low_stock(sql: Sql) -> None:
    store = with_threshold(stock=6, threshold=5)

    hold(store, ids.new_id(), MUG=6)

    assert told(sql, store, "stock.low") == []


def test_a_correction_may_cross_and_so_may_a_higher_threshold(sql: Sql) -> None:
    store = with_threshold(stock=10, threshold=5)

    adjusted(store, -3)  # 7
    rules(store, low_stock_threshold=7)
    rules(store, low_stock_threshold=8)
    rules(store, low_stock_threshold=None)
    adjusted(store, -7)

    assert [low["low_stock_threshold"] for low in told(sql, store, "stock.low")] == [7]


def test_every_change_of_what_is_on_hand_is_told_with_its_version(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})

    order = sell(store, MUG=2)
    restock(store, order, MUG=1)

    changes = told(sql, store, "stock.adjusted")
    assert [(one["kind"], one["delta"], one["on_hand"], one["version"]) for one in changes] == [
        ("initial", 5, 5, 2),
        ("sale", -2, 3, 3),
        ("return", 1, 4, 4),
    ]
    assert [one["order_id"] for one in changes] == [None, ids.encode("ord", order), ids.encode("ord", order)]


def with_threshold(*, stock: int, threshold: int) -> StoreUnderTest:
    store = a_store()
    add_product(store, "MUG", low_stock_threshold=threshold)
    adjusted(store, stock)
    return store


def adjusted(store: StoreUnderTest, delta: int) -> None:
    answer = store.merchant.post(f"/inventory/{store.variant('MUG')}/adjustments", json={"delta": delta}, key=True)
    assert answer.status_code == 201, answer.text


def rules(store: StoreUnderTest, **wanted: object) -> None:
    answer = store.merchant.patch(f"/inventory/{store.variant('MUG')}", json=wanted)
    assert answer.status_code == 200, answer.text
