"""Brands over HTTP."""

from datetime import timedelta

import pytest

from shared.core import clock, ids
from tests.catalog.shelf import audited, code, told
from tests.database import Sql
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")


def test_a_brand_is_made_edited_deleted_and_restored_and_each_is_told(sql: Sql) -> None:
    store = a_store()

    made = store.merchant.post("/brands", json={"name": " Aarong ", "description": "Since 1978"})
    brand = made.json()
    where = f"/brands/{brand['id']}"
    edited = store.merchant.patch(where, json={"name": "Aarong Ltd", "slug": None}, headers={"If-Match": '"1"'})
    deleted = store.merchant.delete(where, headers={"If-Match": '"2"'})
    gone = [store.merchant.get(where).status_code, store.merchant.delete(where).status_code]
    restored = store.merchant.post(f"{where}/restore")

    assert (made.status_code, made.headers["etag"], brand["name"], brand["slug"]) == (201, '"1"', "Aarong", "aarong")
    assert (edited.json()["name"], edited.json()["version"]) == ("Aarong Ltd", 2)
    assert (deleted.json()["version"], gone) == (3, [404, 404])
    assert store.merchant.get(where).json() == restored.json()
    assert told(sql, store, "brand.") == [
        ("brand.created", 1),
        ("brand.updated", 2),
        ("brand.deleted", 3),
        ("brand.restored", 4),
    ]
    assert audited(sql, store, "brand.created") == [(None, {"name": "Aarong", "slug": "aarong"})]
    assert audited(sql, store, "brand.updated") == [({"name": "Aarong"}, {"name": "Aarong Ltd"})]
    assert audited(sql, store, "brand.deleted") == [({"deleted": False}, {"deleted": True})]


def test_brands_are_listed_by_name_searched_and_paged() -> None:
    store = a_store()
    for name in ("Walton", "Aarong", "Bata", "আড়ং"):
        store.merchant.post("/brands", json={"name": name})

    whole = store.merchant.get("/brands").json()["data"]
    first = store.merchant.get("/brands?limit=3&include=total").json()
    rest = store.merchant.get("/brands", params={"limit": 3, "cursor": first["page"]["next_cursor"]}).json()
    found = store.merchant.get("/brands?q=aTa").json()["data"]
    newest = store.merchant.get("/brands?sort=-created_at&limit=1").json()["data"]
    by_slug = store.merchant.get("/brands?slug=walton").json()["data"]

    assert [one["name"] for one in whole] == ["Aarong", "Bata", "Walton", "আড়ং"]
    assert (first["data"] + rest["data"], first["total"]) == (whole, 4)
    assert [[one["name"] for one in some] for some in (found, newest, by_slug)] == [["Bata"], ["আড়ং"], ["Walton"]]


def test_a_slug_is_unique_among_what_is_not_deleted() -> None:
    store = a_store()
    first = store.merchant.post("/brands", json={"name": "Bata"}).json()

    refused = store.merchant.post("/brands", json={"name": "Other", "slug": "bata"})
    store.merchant.delete(f"/brands/{first['id']}")
    second = store.merchant.post("/brands", json={"name": "Bata"}).json()
    not_restored = store.merchant.post(f"/brands/{first['id']}/restore")

    assert (code(refused), second["slug"]) == ((409, "slug_taken"), "bata")
    assert code(not_restored) == (409, "slug_taken")
    assert [one["id"] for one in store.merchant.get("/brands").json()["data"]] == [second["id"]]


def test_a_deleted_brand_can_be_restored_for_ninety_days_and_stays_on_its_products(sql: Sql) -> None:
    store = a_store(stock={"MUG": 1})
    brand_id = store.merchant.post("/brands", json={"name": "Bata"}).json()["id"]
    sql("update products set brand_id = %s where store_id = %s", ids.decode("brand", brand_id), store.id)
    with clock.frozen(clock.now()) as time:
        store.merchant.delete(f"/brands/{brand_id}")
        time.tick(timedelta(days=90))
        too_late = store.merchant.post(f"/brands/{brand_id}/restore").status_code
        time.tick(-timedelta(seconds=1))
        kept = sql("select brand_id from products where store_id = %s", store.id)
        in_time = store.merchant.post(f"/brands/{brand_id}/restore").status_code

    assert (too_late, in_time) == (404, 200)
    assert kept == [{"brand_id": ids.decode("brand", brand_id)}]


def test_an_edit_based_on_an_old_version_is_refused_and_one_that_changes_nothing_is_none(sql: Sql) -> None:
    store = a_store()
    brand = store.merchant.post("/brands", json={"name": "Bata"}).json()
    where = f"/brands/{brand['id']}"

    nothing = store.merchant.patch(where, json={"name": "Bata"})
    store.merchant.patch(where, json={"name": "Bata BD"})
    refused = store.merchant.patch(where, json={"name": "X"}, headers={"If-Match": '"1"'})

    assert nothing.json() == brand
    assert (code(refused), refused.json()["current_version"]) == ((412, "stale_version"), 2)
    assert told(sql, store, "brand.") == [("brand.created", 1), ("brand.updated", 2)]


def test_another_stores_brand_does_not_exist() -> None:
    mine, theirs = a_store(), a_store()
    brand = theirs.merchant.post("/brands", json={"name": "Bata"}).json()
    where = f"/brands/{brand['id']}"

    answers = [
        mine.merchant.get(where),
        mine.merchant.patch(where, json={"name": "Mine"}),
        mine.merchant.delete(where),
        mine.merchant.post(f"{where}/restore"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert theirs.merchant.get(where).json() == brand


def test_only_who_may_write_products_makes_brands() -> None:
    store = a_store()

    refused = store.token("product.read").post("/brands", json={"name": "Bata"})

    assert code(refused) == (403, "forbidden")
    assert store.merchant.get("/brands").json()["data"] == []
