"""Reservations: what a checkout is promised, nobody else is sold."""

from functools import partial

import pytest

from shared.core import clock, ids
from shared.inventory import remaining
from shared.inventory.reservations import OutOfStock
from tests.application import Watch
from tests.database import Sql
from tests.factories import a_store
from tests.inventory.stockroom import consume, held, history, hold, in_minutes, level, release, sell

pytestmark = pytest.mark.usefixtures("watch")


def test_a_hold_reserves_without_taking(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5, "TEE": 3})

    hold(store, ids.new_id(), MUG=2, TEE=3)

    assert (level(sql, store, "MUG"), level(sql, store, "TEE")) == ((5, 2), (3, 3))
    assert history(sql, store, "MUG") == [("initial", 5, 5)]


def test_a_hold_that_is_short_of_one_item_reserves_none_and_says_what_is_left(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5, "TEE": 1})
    hold(store, ids.new_id(), MUG=4)

    with pytest.raises(OutOfStock) as refused:
        hold(store, ids.new_id(), MUG=2, TEE=1)

    assert refused.value.extra["shortages"] == [{"variant_id": store.variant("MUG"), "requested": 2, "available": 1}]
    assert [error.message for error in refused.value.errors] == ["1 left, 2 wanted."]
    assert (level(sql, store, "MUG"), level(sql, store, "TEE")) == ((5, 4), (1, 0))


def test_a_new_hold_replaces_the_holders_old_one(sql: Sql) -> None:
    store, holder = a_store(stock={"MUG": 5, "TEE": 3, "CAP": 2}), ids.new_id()
    hold(store, holder, MUG=4, TEE=1)

    hold(store, holder, MUG=5, CAP=2)

    assert [level(sql, store, sku) for sku in ("MUG", "TEE", "CAP")] == [(5, 5), (3, 0), (2, 2)]
    assert held(sql, store) == 7


def test_a_new_hold_that_is_short_leaves_the_old_one_as_it_was(sql: Sql) -> None:
    store, holder = a_store(stock={"MUG": 5}), ids.new_id()
    hold(store, holder, MUG=4)

    with pytest.raises(OutOfStock) as refused:
        hold(store, holder, MUG=6)

    assert refused.value.shortages[0].available == 5  # four of its own, and one that is free
    assert (level(sql, store, "MUG"), held(sql, store)) == ((5, 4), 4)


def test_a_new_hold_for_as_much_keeps_it_longer(sql: Sql) -> None:
    store, holder, until = a_store(stock={"MUG": 1}), ids.new_id(), None
    with clock.frozen(clock.now()) as time:
        hold(store, holder, minutes=15, MUG=1)
        time.tick(in_minutes(10) - clock.now())
        hold(store, holder, minutes=15, MUG=1)
        until = in_minutes(15)

    found = sql("select expires_at from stock_reservations where store_id = %s", store.id)
    assert [row["expires_at"] for row in found] == [until]
    assert level(sql, store, "MUG") == (1, 1)


def test_releasing_gives_everything_back_once(sql: Sql) -> None:
    store, holder = a_store(stock={"MUG": 5, "TEE": 3}), ids.new_id()
    hold(store, holder, MUG=2, TEE=1)

    first, second = release(store, holder), release(store, holder)

    assert (first, second) == ({store.variant_id("MUG"): 2, store.variant_id("TEE"): 1}, {})
    assert (level(sql, store, "MUG"), level(sql, store, "TEE"), held(sql, store)) == ((5, 0), (3, 0), 0)


def test_consuming_turns_the_hold_into_sales(sql: Sql) -> None:
    store, holder = a_store(stock={"MUG": 5, "TEE": 3}), ids.new_id()
    hold(store, holder, MUG=2, TEE=3)

    consume(store, holder, MUG=2, TEE=3)

    assert (level(sql, store, "MUG"), level(sql, store, "TEE"), held(sql, store)) == ((3, 0), (0, 0), 0)
    assert history(sql, store, "MUG") == [("initial", 5, 5), ("sale", -2, 3)]


def test_consuming_less_than_was_held_releases_the_rest(sql: Sql) -> None:
    store, holder = a_store(stock={"MUG": 5, "TEE": 3}), ids.new_id()
    hold(store, holder, MUG=4, TEE=3)

    consume(store, holder, MUG=1)

    assert (level(sql, store, "MUG"), level(sql, store, "TEE"), held(sql, store)) == ((4, 0), (3, 0), 0)
    assert history(sql, store, "TEE") == [("initial", 3, 3)]


def test_a_hold_that_is_gone_is_taken_anew_if_there_is_enough(sql: Sql) -> None:
    store, holder = a_store(stock={"MUG": 2}), ids.new_id()
    hold(store, holder, MUG=2)
    release(store, holder)

    consume(store, holder, MUG=2)

    assert (level(sql, store, "MUG"), history(sql, store, "MUG")[-1]) == ((0, 0), ("sale", -2, 0))


def test_a_hold_that_is_gone_and_sold_to_another_is_out_of_stock(sql: Sql) -> None:
    store, holder = a_store(stock={"MUG": 2}), ids.new_id()
    hold(store, holder, MUG=2)
    release(store, holder)
    sell(store, MUG=1)

    with pytest.raises(OutOfStock) as refused:
        consume(store, holder, MUG=2)

    assert (refused.value.shortages[0].wanted, refused.value.shortages[0].available) == (2, 1)
    assert level(sql, store, "MUG") == (1, 0)


def test_an_expired_hold_does_not_stand_in_the_way_of_a_buyer(sql: Sql) -> None:
    store, slow, quick = a_store(stock={"MUG": 2}), ids.new_id(), ids.new_id()
    with clock.frozen(clock.now()) as time:
        hold(store, slow, minutes=15, MUG=2)
        time.tick(in_minutes(15) - clock.now())

        hold(store, quick, minutes=15, MUG=1)

    assert (level(sql, store, "MUG"), held(sql, store)) == ((2, 1), 1)


def test_an_expired_hold_that_nobody_wanted_meanwhile_is_still_good(sql: Sql) -> None:
    store, holder = a_store(stock={"MUG": 2}), ids.new_id()
    with clock.frozen(clock.now()) as time:
        hold(store, holder, minutes=15, MUG=2)
        time.tick(in_minutes(20) - clock.now())

        consume(store, holder, MUG=2)

    assert (level(sql, store, "MUG"), held(sql, store)) == ((0, 0), 0)


def test_the_safety_stock_is_not_for_sale(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})
    store.merchant.patch(f"/inventory/{store.variant('MUG')}", json={"safety_stock": 2})

    hold(store, ids.new_id(), MUG=3)
    with pytest.raises(OutOfStock) as refused:
        hold(store, ids.new_id(), MUG=1)

    assert refused.value.shortages[0].available == 0
    assert level(sql, store, "MUG") == (5, 3)


def test_backorders_sell_what_is_not_there(sql: Sql) -> None:
    store, holder = a_store(stock={"MUG": 1}), ids.new_id()
    store.merchant.patch(f"/inventory/{store.variant('MUG')}", json={"allow_backorder": True})

    hold(store, holder, MUG=4)
    consume(store, holder, MUG=4)

    assert level(sql, store, "MUG") == (-3, 0)


def test_an_unknown_variant_is_out_of_stock() -> None:
    mine, theirs = a_store(stock={"MUG": 1}), a_store(stock={"MUG": 1})
    mine.variants["THEIRS"] = theirs.variant("MUG")

    with pytest.raises(OutOfStock):
        hold(mine, ids.new_id(), THEIRS=1)

    assert theirs.stock("MUG")["reserved"] == 0


def test_a_demand_of_nothing_or_less_is_a_bug_of_the_caller() -> None:
    store = a_store(stock={"MUG": 1})

    for quantity in (0, -1):
        with pytest.raises(ValueError, match="at least one"):
            hold(store, ids.new_id(), MUG=quantity)


def test_holding_consuming_releasing_and_selling_cost_one_statement_each(watch: Watch) -> None:
    store, holder = a_store(stock={"MUG": 5, "TEE": 5}), ids.new_id()
    acts = (
        partial(hold, store, holder, MUG=1, TEE=1),
        partial(consume, store, holder, MUG=1, TEE=1),
        partial(hold, store, holder, MUG=1, TEE=1),
        partial(release, store, holder),
        partial(sell, store, MUG=1, TEE=1),
    )

    counts = []
    for act in acts:
        mark = len(watch.statements)
        act()
        counts.append(watch.count_since(mark))

    assert counts == [1, 2, 1, 1, 2]  # a sale is also told, in the statement that closes every transaction


def test_what_is_left_for_a_shopper_is_told_in_units() -> None:
    store = a_store(stock={"MUG": 5, "TEE": 5, "CAP": 1})
    store.merchant.patch(f"/inventory/{store.variant('MUG')}", json={"safety_stock": 1})
    store.merchant.patch(f"/inventory/{store.variant('CAP')}", json={"allow_backorder": True})
    hold(store, ids.new_id(), minutes=-1, MUG=1)
    hold(store, ids.new_id(), MUG=2, TEE=5)

    with store.session() as session:
        left = remaining.left(session, [*(store.variant_id(sku) for sku in store.variants), store.id])

    assert left == {store.variant_id("MUG"): 2, store.variant_id("TEE"): 0, store.variant_id("CAP"): None}
