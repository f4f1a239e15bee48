"""Replaying history: it always comes to the level, and where somebody changed the level past us, we say so."""

import json
import random
from collections import Counter
from typing import Any

import pytest

from functions.inventory import reconcile, sweep_stock
from infra.local import events
from shared.core import ids, queues
from shared.inventory import reconciliation, stock
from shared.inventory.models import AdjustmentKind
from shared.inventory.reservations import OutOfStock
from shared.inventory.stock import StockIsReserved
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store
from tests.inventory.stockroom import consume, history, hold, release, restock, sell, told

pytestmark = pytest.mark.usefixtures("watch")

SKUS = ("MUG", "TEE", "CAP")


@pytest.mark.parametrize("seed", range(5))
def test_whatever_happens_the_replay_comes_to_the_level(sql: Sql, seed: int) -> None:
    store = a_store(stock={"MUG": 20, "TEE": 10, "CAP": 5})
    outcomes = live_through(store, random.Random(seed), steps=60)

    with store.session() as session:
        replayed = {one.variant_id: one for one in reconciliation.replay(session)}

    assert len(replayed) == 3
    assert [one for one in replayed.values() if one.drifted] == []
    for sku in SKUS:
        on_hand = 0
        for _, delta, after in history(sql, store, sku):  # each adjustment says what was there after it
            on_hand += delta
            assert on_hand == after
        assert on_hand == replayed[store.variant_id(sku)].on_hand == store.stock(sku)["on_hand"]
    assert outcomes["done"] > 20, outcomes  # most of it happened, rather than being refused


def test_drift_is_reported_and_corrected_by_nobody(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5, "TEE": 5, "CAP": 5})
    hold(store, ids.new_id(), TEE=2)
    tamper(sql, store, "MUG", "on_hand = 7")
    tamper(sql, store, "TEE", "reserved = 3")

    report = store.merchant.get("/inventory/reconciliation").json()
    failed = deliver(store)

    drift = sorted((one["variant_id"], one["on_hand"], one["on_hand_replayed"]) for one in report["drift"])
    assert (report["levels"], drift) == (3, [(store.variant("MUG"), 7, 5), (store.variant("TEE"), 5, 5)])
    assert failed == []
    events_of = {one["variant_id"]: one for one in told(sql, store, "inventory.drifted")}
    assert events_of[store.variant("MUG")]["on_hand_replayed"] == 5
    assert (events_of[store.variant("TEE")]["reserved"], events_of[store.variant("TEE")]["reserved_replayed"]) == (3, 2)
    assert (store.stock("MUG")["on_hand"], store.stock("TEE")["reserved"]) == (7, 3)


def test_where_all_is_well_the_night_tells_nothing(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})

    deliver(store)

    assert told(sql, store, "inventory.drifted") == []


def test_a_replay_goes_through_more_levels_than_one_statement_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciliation, "BATCH", 2)
    store = a_store(stock=dict.fromkeys(("A", "B", "C", "D"), 1))

    with store.session() as session:
        replayed = list(reconciliation.replay(session))

    assert sorted(one.variant_id for one in replayed) == sorted(store.variant_id(sku) for sku in store.variants)


def test_every_night_each_store_with_stock_gets_its_message_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_stock, "STORES_A_LOOK", 2)
    stores, empty = [a_store(stock={"MUG": 1}) for _ in range(5)], a_store()
    sent: list[tuple[str, str]] = []
    monkeypatch.setattr(queues, "send", lambda queue, bodies: sent.extend((queue, body["store_id"]) for body in bodies))

    sweep_stock.sweep()

    assert [sent.count(("stock-reconciliation", str(store.id))) for store in stores] == [1, 1, 1, 1, 1]
    assert ("stock-reconciliation", str(empty.id)) not in sent


def live_through(store: StoreUnderTest, chance: random.Random, *, steps: int) -> Counter[str]:
    """Do at random what shops do; refusals are part of it."""
    holders, orders, outcomes = [], [], Counter[str]()
    for _ in range(steps):
        act = chance.choice(("hold", "hold", "consume", "release", "sell", "restock", "adjust"))
        wanted = {sku: chance.randint(1, 4) for sku in chance.sample(SKUS, chance.randint(1, 3))}
        try:
            match act:
                case "hold":
                    holders.append(ids.new_id())
                    hold(store, holders[-1], minutes=chance.choice((15, -1)), **wanted)
                case "consume" if holders:
                    orders.append(consume(store, chance.choice(holders), **wanted))
                case "release" if holders:
                    release(store, chance.choice(holders))
                case "sell":
                    orders.append(sell(store, **wanted))
                case "restock" if orders:
                    restock(store, chance.choice(orders), **wanted)
                case _:
                    adjust(store, chance.choice(SKUS), chance.choice((-3, 2, 9)))
            outcomes["done"] += 1
        except (OutOfStock, StockIsReserved):
            outcomes["refused"] += 1
    return outcomes


def adjust(store: StoreUnderTest, sku: str, delta: int) -> None:
    with store.session() as session:
        stock.adjust(session, store.variant_id(sku), delta=delta, kind=AdjustmentKind.MANUAL)


def tamper(sql: Sql, store: StoreUnderTest, sku: str, change: str) -> None:
    variant_id = store.variant_id(sku)
    sql(f"update stock_levels set {change} where store_id = %s and variant_id = %s", store.id, variant_id)


def deliver(store: StoreUnderTest) -> list[Any]:
    event = events.sqs_event("stock-reconciliation", [json.dumps({"store_id": str(store.id)})])
    failed: list[Any] = reconcile.handler(event, events.context("x"))["batchItemFailures"]
    return failed
