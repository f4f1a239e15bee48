"""Putting many products into categories, and labelling them, at once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.core import ids
from tests.application import Watch
from tests.catalog.shelf import audited, make, told
from tests.catalog.tree import category, plant
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("watch")


def products(store: StoreUnderTest, count: int) -> list[str]:
    return [make(store, f"SKU{number}", title=f"Product {number}")["id"] for number in range(count)]


def label(store: StoreUnderTest, name: str = "SALE") -> dict[str, Any]:
    made: dict[str, Any] = store.merchant.post("/labels", json={"name": name}).json()
    return made


def members(sql: Sql, store: StoreUnderTest, table: str, column: str, group: str) -> set[str]:
    rows = sql(
        f"select product_id from {table} where store_id = %s and {column} = %s",
        store.id,
        ids.decode(group.rpartition("_")[0], group),
    )
    return {ids.encode("prod", row["product_id"]) for row in rows}


def test_products_go_into_a_category_and_out_and_only_those_that_change_are_told(sql: Sql) -> None:
    store = a_store()
    cups, (one, two, three) = category(store, "Cups"), products(store, 3)
    where = f"/categories/{cups['id']}/products"

    added = store.merchant.post(where, json={"add": [one, two, two]})
    changed = store.merchant.post(where, json={"add": [two, three], "remove": [one]})
    nothing = store.merchant.post(where, json={"add": [two], "remove": [one]})

    assert added.json() == {"added": 2, "removed": 0}
    assert changed.json() == {"added": 1, "removed": 1}
    assert nothing.json() == {"added": 0, "removed": 0}
    assert members(sql, store, "product_categories", "category_id", cups["id"]) == {two, three}
    versions = [store.merchant.get(f"/products/{product}").json()["version"] for product in (one, two, three)]
    assert versions == [3, 2, 2]
    assert sorted(told(sql, store, "product.updated")) == [("product.updated", version) for version in (2, 2, 2, 3)]
    payloads = sql("select payload from domain_events where store_id = %s and type = 'product.updated'", store.id)
    assert {tuple(row["payload"]["changed"]) for row in payloads} == {("categories",)}
    told_of = str(ids.decode("cat", cups["id"]))
    assert sorted(audited(sql, store, "product.updated"), key=str) == sorted(
        [({"categories": []}, {"categories": [told_of]})] * 3 + [({"categories": [told_of]}, {"categories": []})],
        key=str,
    )


def test_products_are_labelled_and_lose_the_label_with_it(sql: Sql) -> None:
    store = a_store()
    sale, (one, two) = label(store), products(store, 2)

    labelled = store.merchant.post(f"/labels/{sale['id']}/products", json={"add": [one, two]})
    taken = store.merchant.post(f"/labels/{sale['id']}/products", json={"remove": [two]})
    had = members(sql, store, "product_labels", "label_id", sale["id"])
    store.merchant.delete(f"/labels/{sale['id']}")

    assert (labelled.json(), taken.json()) == ({"added": 2, "removed": 0}, {"added": 0, "removed": 1})
    assert had == {one}
    assert members(sql, store, "product_labels", "label_id", sale["id"]) == set()


def test_one_product_that_is_not_there_and_nothing_is_changed(sql: Sql) -> None:
    mine, theirs = a_store(), a_store()
    cups, (one, gone) = category(mine, "Cups"), products(mine, 2)
    foreign = products(theirs, 1)[0]
    mine.merchant.delete(f"/products/{gone}")
    where = f"/categories/{cups['id']}/products"

    refused = mine.merchant.post(where, json={"add": [one, foreign], "remove": [gone]})

    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/add/1", "/remove/0"]
    assert members(sql, mine, "product_categories", "category_id", cups["id"]) == set()
    assert told(sql, mine, "product.updated") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"add": ["prod_01h455vb4pex5vsknk084sn02q"], "remove": ["prod_01h455vb4pex5vsknk084sn02q"]},
        {"add": ["cat_01h455vb4pex5vsknk084sn02q"]},
        {"add": [ids.encode("prod", ids.new_id()) for _ in range(201)]},
        {
            "add": [ids.encode("prod", ids.new_id()) for _ in range(101)],
            "remove": [ids.encode("prod", ids.new_id()) for _ in range(100)],
        },
    ],
)
def test_too_many_none_or_contradicting_products_are_refused(wrong: dict[str, Any]) -> None:
    store = a_store()

    refused = store.merchant.post(f"/categories/{category(store, 'Cups')['id']}/products", json=wrong)

    assert refused.status_code == 422


def test_a_product_is_in_a_hundred_categories_at_most(sql: Sql) -> None:
    store = a_store()
    cups, (one, two) = category(store, "Cups"), products(store, 2)
    plant(sql, store, cups, width=100, depth=1)
    sql(
        "insert into product_categories (store_id, id, product_id, category_id) "
        "select store_id, gen_random_uuid(), %s, id from categories where store_id = %s and parent_id is not null",
        ids.decode("prod", two),
        store.id,
    )

    refused = store.merchant.post(f"/categories/{cups['id']}/products", json={"add": [one, two]})

    assert [(error["pointer"], error["code"]) for error in refused.json()["errors"]] == [("/add/1", "too_many")]
    assert members(sql, store, "product_categories", "category_id", cups["id"]) == set()


def test_of_a_removal_and_a_labelling_at_once_nobody_is_told_of_a_bug() -> None:
    store, statuses = a_store(), set()
    one = products(store, 1)
    for number in range(10):
        where = f"/labels/{label(store, f'Label {number}')['id']}"
        with ThreadPoolExecutor(2) as merchants:
            labelled = merchants.submit(store.merchant.post, f"{where}/products", json={"add": one})
            removed = merchants.submit(store.merchant.delete, where)
            statuses.add((labelled.result().status_code, removed.result().status_code))

    assert statuses <= {(200, 200), (404, 200)}


def test_two_hundred_products_cost_the_statements_of_two(watch: Watch) -> None:
    store = a_store()
    cups, found = category(store, "Cups"), products(store, 200)
    where, counts = f"/categories/{cups['id']}/products", []

    for some in (found[:2], found[2:]):
        mark = len(watch.statements)
        answer = store.merchant.post(where, json={"add": some})
        assert answer.json() == {"added": len(some), "removed": 0}
        counts.append(watch.count_since(mark))

    assert counts[0] == counts[1]


def test_many_at_once_put_each_product_in_once(sql: Sql) -> None:
    store = a_store()
    cups, found = category(store, "Cups"), products(store, 10)
    where = f"/categories/{cups['id']}/products"

    with ThreadPoolExecutor(5) as merchants:
        orders = [found, found[::-1], found[5:] + found[:5], found[::2] + found[1::2], found]
        answers = list(merchants.map(lambda some: store.merchant.post(where, json={"add": some}), orders))

    assert [answer.status_code for answer in answers] == [200] * 5
    assert sum(answer.json()["added"] for answer in answers) == 10
    assert members(sql, store, "product_categories", "category_id", cups["id"]) == set(found)
    assert len(told(sql, store, "product.updated")) == 10
