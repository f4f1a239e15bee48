"""The variants of a product, over HTTP."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.catalog import schemas, variants
from tests.catalog.shelf import audited, code, make, told
from tests.database import Sql
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")


def test_a_variant_is_added_last_with_its_stock_and_makes_its_product_a_new_version(sql: Sql) -> None:
    store = a_store()
    path = f"/products/{make(store, 'RED', 'BLUE')['id']}"

    added = store.merchant.post(f"{path}/variants", json={"sku": "GREEN", "price": 1200, "stock": 4})

    assert (added.status_code, added.headers["etag"], added.json()["position"]) == (201, '"1"', 3)
    listed = store.merchant.get(f"{path}/variants").json()["data"]
    assert [variant["sku"] for variant in listed] == ["RED", "BLUE", "GREEN"]
    assert listed[2] == added.json() == store.merchant.get(f"/variants/{added.json()['id']}").json()
    assert store.merchant.get(f"/inventory/{added.json()['id']}").json()["on_hand"] == 4
    assert store.merchant.get(path).json()["version"] == 2
    assert told(sql, store, "variant.")[2:] == [("variant.created", 1)]


def test_an_edit_changes_what_it_names_and_says_so(sql: Sql) -> None:
    store = a_store()
    make(store, "MUG")
    path = f"/variants/{store.variant('MUG')}"
    before = store.merchant.get(path).json()

    edited = store.merchant.patch(path, json={"price": 900, "compare_at": 1000, "title": "Mug"})
    without = store.merchant.patch(path, json={"compare_at": None})

    assert edited.json() == before | {
        "price": {"amount": 900, "currency": "BDT"},
        "compare_at": {"amount": 1000, "currency": "BDT"},
        "version": 2,
        "updated_at": edited.json()["updated_at"],
    }
    assert (without.json()["compare_at"], without.json()["version"]) == (None, 3)
    assert audited(sql, store, "variant.updated") == [
        ({"price": 1000, "compare_at": None}, {"price": 900, "compare_at": 1000}),
        ({"compare_at": 1000}, {"compare_at": None}),
    ]
    events = sql(
        "select payload from domain_events where store_id = %s and type = 'variant.updated' order by id", store.id
    )
    assert [event["payload"]["changed"] for event in events] == [["price", "compare_at"], ["compare_at"]]


def test_a_price_that_would_reach_the_price_before_is_refused() -> None:
    store = a_store()
    make(store, "MUG")
    path = f"/variants/{store.variant('MUG')}"
    store.merchant.patch(path, json={"compare_at": 1500})

    refused = store.merchant.patch(path, json={"price": 1500})

    assert (code(refused), refused.json()["errors"][0]["pointer"]) == ((422, "validation_failed"), "/compare_at")
    assert store.merchant.get(path).json()["price"]["amount"] == 1000


def test_an_edit_based_on_an_old_version_is_refused_with_the_present_one() -> None:
    store = a_store()
    make(store, "MUG", "CUP")
    path = f"/variants/{store.variant('MUG')}"
    store.merchant.patch(path, json={"price": 900}, headers={"If-Match": '"1"'})

    refused = store.merchant.patch(path, json={"price": 800}, headers={"If-Match": '"1"'})
    not_deleted = store.merchant.delete(path, headers={"If-Match": '"1"'})

    assert (code(refused), refused.json()["current_version"]) == ((412, "stale_version"), 2)
    assert (code(not_deleted), store.merchant.get(path).json()["price"]["amount"]) == ((412, "stale_version"), 900)


def test_a_sku_of_another_variant_is_refused() -> None:
    store = a_store()
    make(store, "MUG", "CUP")

    refused = store.merchant.patch(f"/variants/{store.variant('CUP')}", json={"sku": "MUG"})

    assert (code(refused), refused.json()["skus"]) == ((409, "sku_taken"), ["MUG"])
    assert store.merchant.get(f"/variants/{store.variant('CUP')}").json()["sku"] == "CUP"


def test_edits_of_one_product_at_once_are_all_kept() -> None:
    store = a_store()
    path = f"/products/{make(store, 'A', 'B', 'C', 'D')['id']}"
    edits = [(f"/variants/{store.variant(sku)}", {"price": price}) for sku in "ABCD" for price in (1, 2, 3)]

    with ThreadPoolExecutor(6) as merchants:
        answers = list(merchants.map(lambda edit: store.merchant.patch(edit[0], json=edit[1]), edits))

    assert [answer.status_code for answer in answers] == [200] * 12
    assert store.merchant.get(path).json()["version"] == 13
    assert [one["version"] for one in store.merchant.get(path).json()["variants"]] == [4, 4, 4, 4]


def test_a_product_that_is_full_takes_no_variant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variants, "MAX_VARIANTS", 2)
    store = a_store()
    path = f"/products/{make(store, 'A', 'B')['id']}/variants"

    refused = store.merchant.post(path, json={"sku": "C", "price": 1})

    assert (code(refused), len(store.merchant.get(path).json()["data"])) == ((409, "too_many_variants"), 2)
    assert schemas.MAX_VARIANTS == 250
