"""Requests that come through the edge, around it, and without one."""

import pytest

from shared.core import ids
from shared.core.encryption import decrypt
from shared.core.settings import use_settings
from tests.client import Client
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("watch")

SECRET = {"X-Origin-Secret": "between-us"}


def test_a_request_around_the_edge_is_refused() -> None:
    store = a_store()

    with use_settings(origin_secret="before between-us"):
        around = store.merchant.get("/store")
        guessed = store.merchant.get("/store", headers={"X-Origin-Secret": "guess"})
        through = store.merchant.get("/store", headers=SECRET)

    assert [answer.status_code for answer in (around, guessed, through)] == [403, 403, 200]


def test_the_edge_says_which_host_the_viewer_asked_for() -> None:
    store = a_store()
    asked = {"Host": "api.internal", "X-Forwarded-Host": f"{store.slug}.shops.test"}

    without_edge = Client(asked).get("/storefront/store")
    with use_settings(origin_secret="between-us"):
        through = Client(asked | SECRET).get("/storefront/store")

    assert without_edge.status_code == 401
    assert through.json()["slug"] == store.slug


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:DB8::1", "2001:db8::1"),
        ("?", "127.0.0.1"),
    ],
)
def test_the_viewers_address_is_the_edges_word_and_nobody_elses(told: str, address: str, sql: Sql) -> None:
    store = a_store()

    rename(store, {"X-Viewer-Address": told})
    forged = last_address(sql, store)
    with use_settings(origin_secret="between-us"):
        rename(store, SECRET | {"X-Viewer-Address": told})

    assert (forged, last_address(sql, store)) == ("127.0.0.1", address)


def rename(store: StoreUnderTest, headers: dict[str, str]) -> None:
    answer = store.merchant.patch("/store", json={"name": f"Rupali {ids.new_id()}"}, headers=headers)
    assert answer.status_code == 200


def last_address(sql: Sql, store: StoreUnderTest) -> str:
    rows = sql("select ip from audit_entries where store_id = %s order by id desc limit 1", store.id)
    return decrypt(store.id, "audit_entries.ip", bytes(rows[0]["ip"])).decode()
