"""The variants of a product, over HTTP."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.catalog import fields, variants
from tests.catalog.declared import defined
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
    assert fields.MAX_VARIANTS == 2000


def test_variants_without_a_sku_stand_beside_each_other(sql: Sql) -> None:
    store = a_store()
    body = {"title": "Tee", "options": ["Size"], "variants": [{"option_values": [size], "price": 1} for size in "SML"]}

    made = store.merchant.post("/products", json=body).json()
    added = store.merchant.post(f"/products/{made['id']}/variants", json={"option_values": ["XL"], "price": 2})
    emptied = store.merchant.patch(f"/variants/{made['variants'][0]['id']}", json={"sku": ""})

    assert [(one["sku"], one["title"]) for one in (*made["variants"], added.json())] == [
        ("", "S"),
        ("", "M"),
        ("", "L"),
        ("", "XL"),
    ]
    assert emptied.json()["version"] == 1
    deleted = store.merchant.delete(f"/products/{made['id']}").json()
    assert [one["title"] for one in deleted["variants"]] == ["S", "M", "L", "XL"]
    assert store.merchant.post(f"/products/{made['id']}/restore").json()["variant_count"] == 4
    assert sql("select count(*) as open from stock_levels where store_id = %s", store.id) == [{"open": 4}]


def test_option_values_make_the_title_and_tell_variants_apart() -> None:
    store = a_store()
    offers = [
        {"option_values": ["Red", "L"], "price": 1, "title": "ignored"},
        {"option_values": ["Red", "M"], "price": 1},
    ]
    made = store.merchant.post("/products", json={"title": "Tee", "options": ["Colour", "Size"], "variants": offers})
    path = f"/variants/{made.json()['variants'][1]['id']}"

    edited = store.merchant.patch(path, json={"option_values": ["Blue", "M"], "title": "ignored"})
    refused = [
        store.merchant.patch(path, json={"option_values": ["Red", "L"]}),
        store.merchant.patch(path, json={"option_values": ["Red"]}),
        store.merchant.post(
            f"/products/{made.json()['id']}/variants", json={"option_values": ["Red", "L"], "price": 1}
        ),
        store.merchant.patch(f"/products/{made.json()['id']}", json={"options": ["Colour"]}),
    ]
    renamed = store.merchant.patch(f"/products/{made.json()['id']}", json={"options": ["Shade", "Cut"]})

    assert [one["title"] for one in made.json()["variants"]] == ["Red / L", "Red / M"]
    assert (edited.json()["title"], edited.json()["option_values"]) == ("Blue / M", ["Blue", "M"])
    assert [(code(answer), answer.json()["errors"][0]["code"]) for answer in refused] == [
        ((422, "validation_failed"), "given_twice"),
        ((422, "validation_failed"), "not_as_the_options"),
        ((422, "validation_failed"), "given_twice"),
        ((422, "validation_failed"), "not_as_the_options"),
    ]
    assert renamed.json()["options"] == ["Shade", "Cut"]


def test_a_variant_takes_what_the_store_defines_and_gives_back_what_may_be_missing() -> None:
    store = a_store()
    defined(store)
    make(store, "MUG")
    path = f"/variants/{store.variant('MUG')}"
    whole = {"external_id": "m", "cost": 5, "weight_grams": 300, "barcode": "123", "custom_fields": {"shade": "Teal"}}

    told = store.merchant.patch(path, json=whole)
    without = store.merchant.patch(path, json={"external_id": None, "cost": None, "weight_grams": None})
    refused = store.merchant.patch(path, json={"custom_fields": {"size": 1}})
    foreign = store.merchant.patch(path, json={"image": {"url": "https://x.test/1.jpg"}})

    assert {name: told.json()[name] for name in whole} == whole | {"cost": {"amount": 5, "currency": "BDT"}}
    assert [without.json()[name] for name in ("external_id", "cost", "weight_grams", "barcode")] == [
        None,
        None,
        None,
        "123",
    ]
    assert [refused.json()["errors"][0]["pointer"], foreign.json()["errors"][0]["code"]] == [
        "/custom_fields/size",
        "unknown_media",
    ]


def test_a_deleted_variant_comes_back_only_if_it_still_fits_the_options() -> None:
    store = a_store()
    offers = [{"option_values": [size], "price": 1} for size in "SM"]
    made = store.merchant.post("/products", json={"title": "Tee", "options": ["Size"], "variants": offers}).json()
    gone = made["variants"][0]["id"]
    store.merchant.delete(f"/variants/{gone}")
    path = f"/products/{made['id']}/variants"

    store.merchant.post(path, json={"option_values": ["S"], "price": 2})
    taken = store.merchant.post(f"/variants/{gone}/restore")
    whole = [{"option_values": ["S", "Red"], "price": 1}]
    store.merchant.put("/products", json={"id": made["id"], "options": ["Size", "Colour"], "variants": whole})
    other = store.merchant.post(f"/variants/{gone}/restore")

    assert [code(answer) for answer in (taken, other)] == [(422, "validation_failed")] * 2
    assert len(store.merchant.get(path).json()["data"]) == 1
