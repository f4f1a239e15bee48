"""Editing a store: versions, settings, and which browsers' pages may call it."""

import pytest

from tests.client import Client
from tests.database import Sql
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")


def test_an_edit_changes_what_it_names_and_tells_who_changed_what(sql: Sql) -> None:
    store = a_store()
    before = store.merchant.get("/store").json()

    edited = store.merchant.patch("/store", json={"name": "Rupali Fashion"})

    assert edited.json() == before | {
        "name": "Rupali Fashion",
        "version": 2,
        "updated_at": edited.json()["updated_at"],
    }
    entry = sql("select before, after from audit_entries where store_id = %s and action = 'store.updated'", store.id)
    assert entry == [{"before": {"name": before["name"]}, "after": {"name": "Rupali Fashion"}}]


def test_an_edit_that_changes_nothing_leaves_version_and_history_as_they_are(sql: Sql) -> None:
    store = a_store()
    name = store.merchant.get("/store").json()["name"]

    edited = store.merchant.patch("/store", json={"name": name})

    assert (edited.status_code, edited.json()["version"]) == (200, 1)
    assert sql("select 1 from audit_entries where store_id = %s and action = 'store.updated'", store.id) == []


def test_an_edit_based_on_an_old_version_is_refused_with_the_present_one() -> None:
    store = a_store()
    store.merchant.patch("/store", json={"name": "First"}, headers={"If-Match": '"1"'})

    refused = store.merchant.patch("/store", json={"name": "Second"}, headers={"If-Match": '"1"'})

    assert (refused.status_code, refused.json()["current_version"]) == (412, 2)
    assert store.merchant.get("/store").json()["name"] == "First"


def test_a_time_zone_that_does_not_exist_is_refused() -> None:
    refused = a_store().merchant.patch("/store", json={"time_zone": "Asia/Atlantis"})

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/time_zone")


def test_only_a_page_of_an_allowed_origin_may_read_answers_refusals_included() -> None:
    store = a_store(allowed_origins=["https://rupali.example"])
    allowed, foreign = {"Origin": "https://rupali.example"}, {"Origin": "https://evil.example"}

    answers = [store.shopper.get("/storefront/store", headers=origin) for origin in (allowed, foreign)]
    preflights = [Client().request("OPTIONS", "/storefront/carts", headers=origin) for origin in (allowed, foreign)]

    assert [answer.headers.get("access-control-allow-origin") for answer in answers] == ["https://rupali.example", None]
    assert ["Origin" in answer.headers["vary"].split(",") for answer in answers] == [True, True]
    assert [one.headers.get("access-control-allow-origin") for one in preflights] == ["https://rupali.example", None]
    assert [one.status_code for one in preflights] == [204, 204]


def test_a_store_is_known_by_its_host_name() -> None:
    store = a_store()

    known = Client({"Host": f"{store.slug}.shops.test"}).get("/storefront/store")
    unknown = Client({"Host": "nobody.shops.test"}).get("/storefront/store")

    assert (known.status_code, known.json()["slug"]) == (200, store.slug)
    assert unknown.status_code == 401
