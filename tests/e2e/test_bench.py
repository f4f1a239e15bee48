"""What `make bench` stands on, at its smallest: that its callers do what they say, and that its checks can fail."""

import time
from collections import Counter
from urllib.parse import urlsplit

import pytest

from shared.core import database as core_database
from shared.core import driver
from tests.bench import memory, over_http
from tests.bench.acts import ADJUST, CANCEL, EMPTY, KINDS, PURCHASE
from tests.bench.children import child
from tests.bench.floor import Told
from tests.bench.gateways import gateways
from tests.bench.hot import sold_and_left
from tests.bench.many_stores import multiply
from tests.bench.purchase import Refused, Times
from tests.bench.workloads import Exhausted, acting, shop_of
from tests.database import Database, Sql
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("watch")

PLENTY = 1000
ORDERS = "select count(*) from orders where store_id = %s::uuid and channel = %s"


def a_stocked_store() -> StoreUnderTest:
    return a_store(stock={"MUG": PLENTY, "CUP": PLENTY}, settings={"max_open_checkouts_per_ip": 10_000})


@pytest.mark.parametrize("name", sorted(KINDS.keys() - {EMPTY}))
def test_each_act_is_carried_out_as_often_as_it_was_prepared(name: str) -> None:
    load, times = acting([a_stocked_store()], name), Times()
    load.prepare(2)

    for _ in range(2):
        load.round_of(times)

    assert {call: len(walls) for call, walls in times.walls.items()} == dict.fromkeys({name, *load.calls}, 2)
    if KINDS[name].prepare is not None:
        with pytest.raises(Exhausted):
            load.round_of(times)


def test_an_act_that_is_refused_is_no_act() -> None:
    load = acting([a_store(stock={"MUG": 1})], PURCHASE)
    load.round_of(Times())

    with pytest.raises(Refused, match="start checkout: 409 out_of_stock"):
        load.round_of(Times())


def test_likenesses_of_a_store_sell_what_it_sells_each_for_itself(database: Database, sql: Sql) -> None:
    store = a_stocked_store()

    stores = multiply(database.superuser_url, store, number=4)
    for likeness in stores:
        acting([likeness], PURCHASE).round_of(Times())
        acting([likeness], ADJUST).round_of(Times())

    assert [one.id for one in stores[:1]] == [store.id]
    assert len({one.id for one in stores}) == len({one.secret_token for one in stores}) == 4
    counts = sql(
        "select store_id, count(*) from orders where store_id = any(%s::uuid[]) group by 1",
        [str(one.id) for one in stores],
    )
    assert {row["store_id"]: row["count"] for row in counts} == {one.id: 1 for one in stores}
    for likeness in stores:
        on_hand = sum(likeness.stock(sku)["on_hand"] for sku in likeness.variants)
        assert on_hand == 2 * PLENTY - 1 + 1
        assert likeness.merchant.get("/inventory/reconciliation").json()["drift"] == []


def test_a_crew_over_http_measures_what_happened(database: Database, sql: Sql) -> None:
    store = a_stocked_store()
    core_database.dispose()

    with gateways([shop_of(store)], url=database.app_url, processes=2, database_cpu=lambda: 0.0) as running:
        bought = running.bear(PURCHASE, clients=3, processes=2, seconds=60, most=7)
        canceled = running.bear(CANCEL, clients=2, processes=2, seconds=0.2, preparing=0.2)
        empty = running.bear(EMPTY, clients=1, processes=1, seconds=0.1)

    ((counted,),) = (row.values() for row in sql(ORDERS, str(store.id), "storefront"))
    assert (len(bought.walls), counted, bought.refusals) == (7, 7, Counter())
    assert bought.per_second > 0
    assert bought.p50 <= bought.p95
    assert 0 < empty.gateway_cpu_ms < bought.gateway_cpu_ms
    assert len(canceled.walls) >= 2


def test_a_slow_network_takes_its_time_for_each_round_trip_and_loses_nothing(database: Database) -> None:
    there = urlsplit(database.app_url)

    with child("delay", port=there.port, seconds=0.02) as network:
        by_it = there._replace(netloc=there.netloc.rpartition(":")[0] + f":{network.hear()}").geturl()
        with driver.connect_to(by_it) as near, driver.connect_to(by_it) as far:
            began = time.perf_counter()
            for connection in (near, far, near):
                cursor = connection.cursor()
                cursor.execute("select repeat('a', 3000000) || %s", ("b" * 2_000_000,))
                ((told,),) = cursor.fetchall()
                assert told == "a" * 3_000_000 + "b" * 2_000_000
            took = time.perf_counter() - began

    assert took > 3 * 0.02


def test_units_that_were_sold_past_the_books_are_noticed(database: Database, sql: Sql) -> None:
    store = a_store(stock={"MUG": 3})
    for _ in range(2):
        acting([store], PURCHASE).round_of(Times())
    assert sold_and_left(database.superuser_url, store, "MUG") == (2, 1)

    sql("update stock_levels set on_hand = on_hand + 1 where store_id = %s::uuid", str(store.id))

    with pytest.raises(AssertionError, match="its movements come to 1"):
        sold_and_left(database.superuser_url, store, "MUG")


def test_no_round_is_repeated_twice_by_pgbench() -> None:
    rounds = 2 * sum(over_http.recorded(1.0).values())
    told = [Told(str(number), ()) for number in range(rounds)]
    recording = over_http.Recording(told, rounds, over_http.recorded(1.0))

    parts = [recording.part(clients, delayed=delayed) for delayed in (False, True) for clients in (1, 16)]

    assert [one for part in parts for one in part] == told
    assert [len(part) for part in parts] == [*over_http.recorded(1.0).values()] * 2


def test_the_memory_of_the_running_system_is_told_by_its_parts(capsys: pytest.CaptureFixture[str]) -> None:
    memory.show_memory_after(0.2)

    told = capsys.readouterr().out
    for part in ("gateway, queue pump, scheduler", "PostgreSQL", "emulated AWS (moto)", "all"):
        assert part in told
    assert "Refused" not in told
