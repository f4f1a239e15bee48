"""Declarations that meet: they wait for each other, never in a circle, and each name goes to one."""

from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Barrier
from time import sleep
from typing import Any

import pytest

from shared.core import database
from shared.inventory import declaring
from tests.catalog.declared import actions, declare, document, mug
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("watch")


def at_once(store: StoreUnderTest, batches: list[list[dict[str, Any]]]) -> list[list[str]]:
    """Declare batches at one moment, each in a transaction of its own, and return what became of their documents."""
    start = Barrier(len(batches))

    def run(batch: list[dict[str, Any]]) -> list[str]:
        with database.transaction(store.id) as session:
            start.wait(timeout=30)
            return actions(declaring.declare_products(session, [document(**one) for one in batch], by=None))

    with ThreadPoolExecutor(len(batches)) as merchants:
        return list(merchants.map(run, batches))


def test_batches_of_the_same_new_products_at_once_make_each_of_them_once(sql: Sql) -> None:
    store, random = a_store(), Random(1)
    batches = [random.sample([mug(number) for number in range(30)], 30) for _ in range(4)]

    found = at_once(store, batches)

    assert sorted({action for batch in found for action in batch}) == ["created", "unchanged"]
    assert sum(batch.count("created") for batch in found) == 30
    assert sql("select count(*) as made from products where store_id = %s", store.id) == [{"made": 30}]
    assert sql("select count(*) as made from stock_levels where store_id = %s", store.id) == [{"made": 30}]


def test_overlapping_edits_in_any_order_are_all_done(sql: Sql) -> None:
    store, random = a_store(), Random(2)
    declare(store, *(mug(number) for number in range(40)))

    for turn in range(5):
        batches = [
            [{"slug": f"mug-{number}", "vendor": f"{turn}-{merchant}"} for number in random.sample(range(40), 30)]
            for merchant in range(6)
        ]
        assert {action for batch in at_once(store, batches) for action in batch} == {"updated"}

    assert sql("select sum(version) as all from products where store_id = %s", store.id) == [{"all": 40 + 5 * 6 * 30}]


def test_what_is_taken_between_look_and_write_is_found_and_the_rest_done_over_one_by_one(sql: Sql) -> None:
    store = a_store()
    declare(store, mug(1), mug(2))
    batch = [
        mug(3),
        mug(4, variants=[{"sku": "MUG-9", "price": 1}]),
        mug(5, external_id="nul \0"),
        mug(2, vendor="V"),
        mug(1),
    ]

    with ThreadPoolExecutor(1) as other:
        with store.session() as session:
            declaring.declare_products(session, [document(**mug(9))], by=None)
            waiting = other.submit(declare, store, *batch)
            wait_for_a_waiter(sql)
        outcomes = waiting.result(timeout=60)

    assert actions(outcomes) == ["created", "sku_taken", "validation_failed", "updated", "unchanged"]
    assert [one.index for one in outcomes] == [0, 1, 2, 3, 4]
    assert sql("select count(*) as made from products where store_id = %s", store.id) == [{"made": 4}]
    events = sql("select type, count(*) as n from domain_events where store_id = %s group by type", store.id)
    told = {row["type"]: row["n"] for row in events}
    assert (told["product.created"], told["product.updated"]) == (
        4,
        1,
    )  # and nothing twice


def wait_for_a_waiter(sql: Sql) -> None:
    """Wait until somebody waits for a lock of this database."""
    waiting = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    for _ in range(1000):
        if sql(f"select count(*) as n from ({waiting}) w")[0]["n"]:
            return
        sleep(0.02)
    pytest.fail("Nobody waits.")


def test_a_name_that_is_taken_at_the_same_moment_stops_one_document_alone(sql: Sql) -> None:
    store = a_store()
    batches = [
        [mug(merchant * 10 + number) for number in range(3)]
        + [mug(merchant * 10 + 5, variants=[{"sku": "SAME", "price": 1}])]
        + [mug(merchant * 10 + 6, external_id="same")]
        for merchant in range(4)
    ]

    found = at_once(store, batches)

    assert [batch[:3] for batch in found] == [["created"] * 3] * 4
    assert sorted(batch[3] for batch in found) == ["created", *["sku_taken"] * 3]
    assert sorted(batch[4] for batch in found) == ["created", "updated", "updated", "updated"]
    assert sql("select count(*) as made from variants where store_id = %s and sku = 'SAME'", store.id) == [{"made": 1}]
