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
from tests.catalog.tree import category
from tests.catalog.tree import path as grown
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


def test_ninety_days_later_brands_and_categories_are_gone_and_their_products_stay(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})
    brand = store.merchant.post("/brands", json={"name": "Bata"}).json()["id"]
    sql("update products set brand_id = %s where store_id = %s", ids.decode("brand", brand), store.id)
    product = store.merchant.get("/products").json()["data"][0]["id"]
    kitchen, cups = grown(store, "Kitchen", "Cups")
    kept = category(store, "Garden")
    for one in (cups, kept):
        store.merchant.post(f"/categories/{one['id']}/products", json={"add": [product]})
    with clock.frozen(clock.now()) as time:
        for gone in (f"/brands/{brand}", f"/categories/{cups['id']}", f"/categories/{kitchen['id']}"):
            store.merchant.delete(gone)
        purged = after(time, timedelta(days=90), store)

    assert purged == []
    assert sql("select brand_id, deleted_at from products where store_id = %s", store.id) == [
        {"brand_id": None, "deleted_at": None},
    ]
    assert sql("select count(*) as rows from brands where store_id = %s", store.id) == [{"rows": 0}]
    assert sql("select name from categories where store_id = %s", store.id) == [{"name": "Garden"}]
    assert sql("select count(*) as rows from product_categories where store_id = %s", store.id) == [{"rows": 1}]


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
