"""Many at once on the same stock: nothing is sold twice, nothing is lost, nobody waits for ever."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from shared.core import ids
from shared.inventory import expiry, stock
from shared.inventory.models import AdjustmentKind
from shared.inventory.reservations import OutOfStock
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store
from tests.inventory.stockroom import (
    consume,
    held,
    history,
    hold,
    level,
    release,
    sell,
    told,
    wait_until_somebody_waits_for_a_lock,
)

pytestmark = pytest.mark.usefixtures("watch")

SHOPPERS = 12
SKUS = ("A", "B", "C", "D", "E", "F")


def test_baskets_in_any_order_hold_exactly_the_stock_without_a_deadlock(sql: Sql) -> None:
    store, chance = a_store(stock=dict.fromkeys(SKUS, 20)), random.Random(7)
    baskets = [chance.sample(SKUS, 3) for _ in range(120)]  # 60 units of each are wanted on average, and 20 are there

    held_ones = at_once([partial(hold, store, ids.new_id(), **dict.fromkeys(basket, 1)) for basket in baskets])

    levels = [level(sql, store, sku) for sku in SKUS]
    assert [on_hand for on_hand, _ in levels] == [20] * 6
    assert sum(reserved for _, reserved in levels) == held(sql, store) == 3 * held_ones.count(True)
    left = {sku for sku, (on_hand, reserved) in zip(SKUS, levels, strict=True) if reserved < on_hand}
    refused = [basket for basket, was_held in zip(baskets, held_ones, strict=True) if not was_held]
    assert all(set(basket) - left for basket in refused)  # each was refused for something that is all held now
    assert len(refused) > 0


def test_the_last_units_are_sold_once(sql: Sql) -> None:
    store = a_store(stock={"MUG": 10})

    sold = at_once([partial(sell, store, MUG=1) for _ in range(50)])

    assert (sold.count(True), level(sql, store, "MUG")) == (10, (0, 0))
    assert [on_hand for _, _, on_hand in history(sql, store, "MUG")] == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]


def test_of_many_sales_at_once_one_tells_that_stock_is_low(sql: Sql) -> None:
    store = a_store(stock={"MUG": 40}, settings={"low_stock_threshold": 20})

    at_once([partial(sell, store, MUG=1) for _ in range(30)])

    assert [low["on_hand"] for low in told(sql, store, "stock.low")] == [20]


def test_differences_at_once_add_up(sql: Sql) -> None:
    store = a_store(stock={"MUG": 100})

    at_once([partial(adjust, store, delta) for delta in [3, -2] * 20])

    assert level(sql, store, "MUG") == (120, 0)


def test_one_holder_that_holds_many_times_at_once_ends_with_one_hold(sql: Sql) -> None:
    store, holder = a_store(stock={"A": 100, "B": 100}), ids.new_id()

    at_once([partial(hold, store, holder, A=2, B=3) for _ in range(20)])

    assert (level(sql, store, "A"), level(sql, store, "B"), held(sql, store)) == ((100, 2), (100, 3), 5)


def test_one_hold_that_is_consumed_and_released_at_once_is_used_once(sql: Sql) -> None:
    store = a_store(stock={"MUG": 50})
    for _ in range(10):
        holder = ids.new_id()
        hold(store, holder, MUG=2)
        at_once([partial(consume, store, holder, MUG=2), partial(release, store, holder)])

    assert (level(sql, store, "MUG"), held(sql, store)) == ((30, 0), 0)


def test_sweeps_sales_and_holds_meet_without_losing_a_unit(sql: Sql) -> None:
    store, chance = a_store(stock=dict.fromkeys(SKUS, 30)), random.Random(11)

    def sweep() -> None:
        with store.session() as session:
            expiry.release_expired(session)

    def live() -> None:
        basket = dict.fromkeys(chance.sample(SKUS, 3), 1)
        holder = ids.new_id()
        hold(store, holder, minutes=chance.choice((-1, 15)), **basket)
        if chance.random() < 0.5:  # every other one buys
            consume(store, holder, **basket)

    at_once([chance.choice((live, live, live, sweep)) for _ in range(150)])

    for sku in SKUS:
        on_hand, reserved = level(sql, store, sku)
        assert on_hand == history(sql, store, sku)[-1][2] >= reserved >= 0
    assert sum(level(sql, store, sku)[1] for sku in SKUS) == held(sql, store)


def test_two_stores_with_one_sku_do_not_share_its_stock(sql: Sql) -> None:
    stores: list[StoreUnderTest] = [a_store(stock={"MUG": 3}) for _ in range(2)]

    sold = at_once([partial(sell, store, MUG=1) for store in stores * 5])

    assert (sold[::2].count(True), sold[1::2].count(True)) == (3, 3)
    assert [level(sql, store, "MUG") for store in stores] == [(0, 0), (0, 0)]


@pytest.mark.parametrize("act", ["hold", "sell", "consume", "release", "count"])
def test_who_waited_for_a_level_decides_by_what_it_is_then(sql: Sql, act: str) -> None:
    store, holder = a_store(stock={"MUG": 10}), ids.new_id()
    hold(store, holder, MUG=4)
    acts: dict[str, Callable[[], object]] = {
        "hold": partial(hold, store, ids.new_id(), MUG=9),  # ten and five, less the four that are held
        "sell": partial(sell, store, MUG=11),
        "consume": partial(consume, store, holder, MUG=15),
        "release": partial(release, store, holder),
        "count": partial(adjust, store, -11),
    }

    with ThreadPoolExecutor(1) as other:
        with store.session() as delivery:
            stock.adjust(delivery, store.variant_id("MUG"), delta=5, kind=AdjustmentKind.MANUAL)
            waiting = other.submit(acts[act])
            wait_until_somebody_waits_for_a_lock(sql)
        waiting.result(timeout=10)

    after = {"hold": (15, 13), "sell": (4, 4), "consume": (0, 0), "release": (15, 0), "count": (4, 4)}
    assert level(sql, store, "MUG") == after[act]


def adjust(store: StoreUnderTest, delta: int) -> None:
    with store.session() as session:
        stock.adjust(session, store.variant_id("MUG"), delta=delta, kind=AdjustmentKind.MANUAL)


def at_once(acts: list[Callable[[], object]]) -> list[bool]:
    """Do all of it in many threads; return for each whether it was done, or short of stock. Nothing else may happen."""

    def done(act: Callable[[], object]) -> bool:
        try:
            act()
        except OutOfStock:
            return False
        return True

    with ThreadPoolExecutor(SHOPPERS) as shoppers:
        return list(shoppers.map(done, acts))
