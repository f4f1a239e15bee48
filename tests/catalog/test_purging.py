"""What was deleted is purged after 90 days, and nothing else."""

import json
from datetime import timedelta
from typing import Any

import pytest

from functions.stores import keep_up
from infra.local import events
from shared.core import clock, ids
from shared.core.clock import FrozenClock
from tests.catalog.shelf import audited, make
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store
from tests.inventory.stockroom import hold, sell

pytestmark = pytest.mark.usefixtures("watch")


def test_ninety_days_later_a_deleted_product_is_gone_with_its_stock_but_not_its_history(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})
    make(store, "CUP", "POT", title="Stays")
    sell(store, MUG=1)
    hold(store, ids.new_id(), MUG=1)
    product = store.merchant.get("/products?q=mug").json()["data"][0]["id"]
    with clock.frozen(clock.now()) as time:
        store.merchant.delete(f"/products/{product}")
        store.merchant.delete(f"/variants/{store.variant('POT')}")
        a_day_before = after(time, timedelta(days=89), store)
        purged = after(time, timedelta(days=1), store)

    assert (a_day_before, purged) == ([], [])
    assert rows(sql, store) == {"products": 1, "variants": 1, "stock_levels": 1, "stock_reservations": 0}
    assert store.merchant.get("/products").json()["data"][0]["variants"][0]["sku"] == "CUP"
    history = store.merchant.get("/inventory/adjustments", params={"variant_id": store.variant("MUG")}).json()["data"]
    assert [one["kind"] for one in history] == ["sale", "initial"]
    removed = {"products": 1, "variants": 2, "stock_levels": 2, "stock_reservations": 1}
    assert audited(sql, store, "store.purged")[-1] == (None, {"rows": removed})


def after(time: FrozenClock, days: timedelta, store: StoreUnderTest) -> list[Any]:
    time.tick(days)
    event = events.sqs_event("store-upkeep", [json.dumps({"store_id": str(store.id)})])
    failed: list[Any] = keep_up.handler(event, events.context("stores-keep-up"))["batchItemFailures"]
    return failed


def rows(sql: Sql, store: StoreUnderTest) -> dict[str, int]:
    tables = ("products", "variants", "stock_levels", "stock_reservations")
    return {
        table: sql(f"select count(*) as rows from {table} where store_id = %s", store.id)[0]["rows"] for table in tables
    }
