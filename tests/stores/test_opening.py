"""Opening a store, and entering it: over the real HTTP stack, on a real PostgreSQL."""

import pytest

from shared.core import ids
from tests.application import Watch
from tests.client import Client
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")


def test_a_new_store_sells_in_taka_and_knows_its_merchant() -> None:
    store = a_store()

    read = store.merchant.get("/store")

    assert (read.status_code, read.json()["currency"], read.json()["slug"]) == (200, "BDT", store.slug)
    assert read.headers["etag"] == '"1"'


def test_a_shopper_sees_whose_shop_it_is_and_nothing_more(watch: Watch) -> None:
    store = a_store()
    mark = len(watch.statements)

    read = store.shopper.get("/storefront/store")

    assert read.json() == {
        "id": ids.encode("store", store.id),
        "slug": store.slug,
        "name": read.json()["name"],
        "currency": "BDT",
        "currency_exponent": 2,
        "locale": "bn-BD",
        "country": "BD",
        "time_zone": "Asia/Dhaka",
    }
    assert watch.count_since(mark) == 2


def test_a_request_without_a_credential_is_refused() -> None:
    refused = Client().get("/store")

    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert refused.headers["content-type"] == "application/problem+json"
