"""Products over HTTP, as merchants have them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.core import ids
from tests.catalog.shelf import audited, code, make, told
from tests.database import Sql
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")


def test_a_product_is_made_with_its_variants_as_a_draft_in_the_stores_currency(sql: Sql) -> None:
    store = a_store(currency="JPY")

    answer = store.merchant.post(
        "/products",
        json={
            "title": "  Tea mug ",
            "description": "Holds tea.",
            "variants": [
                {"sku": "MUG-R", "title": "Red", "price": 1299, "compare_at": 1500},
                {"sku": "MUG-B", "title": "Blue", "price": 1299, "taxable": False, "tracks_stock": False},
            ],
        },
    )

    product = answer.json()
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    assert (product["title"], product["slug"], product["status"]) == ("Tea mug", "tea-mug", "draft")
    red, blue = product["variants"]
    assert (red["price"], red["compare_at"]) == (
        {"amount": 1299, "currency": "JPY"},
        {"amount": 1500, "currency": "JPY"},
    )
    assert (red["position"], red["taxable"], red["tracks_stock"]) == (1, True, True)
    assert (blue["position"], blue["taxable"], blue["tracks_stock"], blue["compare_at"]) == (2, False, False, None)
    assert store.merchant.get(f"/products/{product['id']}").json() == product
    assert told(sql, store, "product.") == [("product.created", 1)]
    assert told(sql, store, "variant.") == [("variant.created", 1), ("variant.created", 1)]
    assert audited(sql, store, "product.created") == [
        (None, {"title": "Tea mug", "slug": "tea-mug", "status": "draft"}),
    ]


def test_slugs_are_made_of_titles_and_numbered_where_they_are_taken() -> None:
    store = a_store()

    slugs = [
        make(store, sku, title=title)["slug"]
        for sku, title in (("A", "Crème brûlée!"), ("B", "Creme Brulee"), ("C", "Creme brulee 2"), ("D", "চায়ের কাপ"))
    ]

    assert slugs == ["creme-brulee", "creme-brulee-2", "creme-brulee-2-2", "product"]


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"title": " "}, "/title"),
        ({"title": "x" * 256}, "/title"),
        ({"slug": "Tea Mug"}, "/slug"),
        ({"status": "sold"}, "/status"),
        ({"variants": []}, "/variants"),
        ({"variants": [{"sku": "A", "price": 1}, {"sku": "A", "price": 1}]}, "/variants"),
        ({"variants": [{"sku": "A", "price": -1}]}, "/variants/0/price"),
        ({"variants": [{"sku": "A", "price": 10**12 + 1}]}, "/variants/0/price"),
        ({"variants": [{"sku": "A", "price": 9.99}]}, "/variants/0/price"),
        ({"variants": [{"sku": "A", "price": "999"}]}, "/variants/0/price"),
        ({"variants": [{"sku": "x" * 256, "price": 1}]}, "/variants/0/sku"),
        ({"options": ["Size"], "variants": [{"price": 1}]}, "/variants/0/option_values"),
        ({"options": ["Size", "size"], "variants": [{"price": 1}]}, "/options"),
        ({"options": ["A", "B", "C", "D"]}, "/options"),
        ({"variants": [{"price": 1, "weight_grams": -1}]}, "/variants/0/weight_grams"),
        ({"variants": [{"price": 1, "weight_unit": "stone"}]}, "/variants/0/weight_unit"),
        ({"variants": [{"price": 1, "image": {}}]}, "/variants/0/image"),
        ({"images": [{"url": "ftp://x.test/a.jpg"}]}, "/images/0/url"),
        ({"variants": [{"sku": "A", "price": 10, "compare_at": 10}]}, "/variants/0"),
        ({"variants": [{"sku": "A", "price": 10, "stock": -1}]}, "/variants/0/stock"),
    ],
)
def test_what_is_no_product_is_refused_with_the_field_that_is_wrong(wrong: dict[str, Any], pointer: str) -> None:
    store = a_store()
    right = {"title": "Tea mug", "variants": [{"sku": "MUG", "price": 1000}]}

    refused = store.merchant.post("/products", json=right | wrong)

    assert (refused.status_code, [error["pointer"] for error in refused.json()["errors"]]) == (422, [pointer])
    assert store.merchant.get("/products").json()["data"] == []


def test_a_price_that_is_no_number_is_refused() -> None:
    store = a_store()

    body = b'{"title": "Mug", "variants": [{"sku": "MUG", "price": NaN}]}'
    refused = store.merchant.post("/products", body=body, headers={"Content-Type": "application/json"})

    assert refused.status_code in (400, 422)
    assert store.merchant.get("/products").json()["data"] == []


def test_a_slug_or_sku_of_another_product_is_refused_and_nothing_is_made(sql: Sql) -> None:
    store = a_store()
    make(store, "MUG", slug="tea-mug")

    same_slug = store.merchant.post(
        "/products", json={"title": "Other", "slug": "tea-mug", "variants": [{"sku": "CUP", "price": 1}]}
    )
    same_sku = store.merchant.post(
        "/products", json={"title": "Other", "variants": [{"sku": "CUP", "price": 1}, {"sku": "MUG", "price": 1}]}
    )

    assert (code(same_slug), same_slug.json()["slug"]) == ((409, "slug_taken"), "tea-mug")
    assert (code(same_sku), same_sku.json()["skus"]) == ((409, "sku_taken"), ["MUG"])
    assert sql("select count(*) as made from products where store_id = %s", store.id) == [{"made": 1}]
    assert sql("select count(*) as made from stock_levels where store_id = %s", store.id) == [{"made": 1}]


def test_a_name_that_is_taken_is_refused_and_kept_for_its_key(sql: Sql) -> None:
    store, key = a_store(), str(ids.new_id())
    make(store, "MUG", slug="tea-mug")
    body = {"title": "Other", "slug": "tea-mug", "variants": [{"sku": "CUP", "price": 1}]}

    refused, again = (store.merchant.post("/products", json=body, key=key) for _ in range(2))

    assert (code(refused), code(again)) == ((409, "slug_taken"), (409, "slug_taken"))
    assert (again.body, again.headers["idempotent-replayed"]) == (refused.body, "true")
    assert sql("select count(*) as made from products where store_id = %s", store.id) == [{"made": 1}]


def test_of_many_who_give_one_name_at_once_one_gets_it(sql: Sql) -> None:
    store = a_store()
    body = {"title": "Tea mug", "variants": [{"sku": "MUG", "price": 1}]}

    with ThreadPoolExecutor(6) as merchants:
        answers = list(merchants.map(lambda _: store.merchant.post("/products", json=body), range(6)))

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    assert {answer.json().get("code") for answer in answers} <= {None, "sku_taken", "slug_taken"}
    assert sql("select count(*) as made from variants where store_id = %s", store.id) == [{"made": 1}]


def test_two_stores_may_use_the_same_names() -> None:
    for store in (a_store(), a_store()):
        assert make(store, "MUG", slug="tea-mug")["slug"] == "tea-mug"


def test_an_edit_changes_what_it_names_and_says_so(sql: Sql) -> None:
    store = a_store()
    before = make(store, "MUG")

    edited = store.merchant.patch(
        f"/products/{before['id']}", json={"title": "Cup", "description": "", "status": "active"}
    )

    assert edited.headers["etag"] == '"2"'
    changes = {"title": "Cup", "status": "active", "version": 2, "updated_at": edited.json()["updated_at"]}
    assert edited.json() == before | changes
    assert audited(sql, store, "product.updated") == [
        ({"title": "Tea mug", "status": "draft"}, {"title": "Cup", "status": "active"}),
    ]
    events = sql("select payload from domain_events where store_id = %s and type = 'product.updated'", store.id)
    assert [event["payload"]["changed"] for event in events] == [["title", "status"]]


def test_an_edit_that_changes_nothing_leaves_version_and_history_as_they_are(sql: Sql) -> None:
    store = a_store()
    product = make(store, "MUG")

    edited = store.merchant.patch(f"/products/{product['id']}", json={"title": "Tea mug", "slug": None})

    assert (edited.status_code, edited.json()) == (200, product)
    assert told(sql, store, "product.") == [("product.created", 1)]


def test_an_edit_based_on_an_old_version_is_refused_with_the_present_one() -> None:
    store = a_store()
    path = f"/products/{make(store, 'MUG')['id']}"
    store.merchant.patch(path, json={"title": "First"}, headers={"If-Match": '"1"'})

    refused = store.merchant.patch(path, json={"title": "Second"}, headers={"If-Match": '"1"'})
    not_deleted = store.merchant.delete(path, headers={"If-Match": '"1"'})

    assert (code(refused), refused.json()["current_version"]) == ((412, "stale_version"), 2)
    assert (code(not_deleted), store.merchant.get(path).json()["title"]) == ((412, "stale_version"), "First")


def test_who_has_this_version_is_not_sent_it_again() -> None:
    store = a_store()
    path = f"/products/{make(store, 'MUG')['id']}"

    same = store.merchant.get(path, headers={"If-None-Match": '"1"'})
    store.merchant.patch(f"/variants/{store.variant('MUG')}", json={"price": 900})
    changed = store.merchant.get(path, headers={"If-None-Match": '"1"'})

    assert (same.status_code, same.body) == (304, b"")
    assert (changed.status_code, changed.json()["variants"][0]["price"]["amount"]) == (200, 900)


def test_only_who_may_publish_decides_what_shoppers_see() -> None:
    store = a_store()
    writer, product = store.token("product.read", "product.write"), make(store, "MUG")
    path = f"/products/{product['id']}"

    renamed = writer.patch(path, json={"title": "Cup", "status": "draft"})
    refused = [
        writer.patch(path, json={"status": "active"}),
        writer.post("/products", json={"title": "X", "status": "active", "variants": [{"sku": "X", "price": 1}]}),
        writer.post("/products", json={"title": "X", "variants": [{"sku": "X", "price": 1, "stock": 5}]}),
    ]

    assert renamed.status_code == 200
    assert [code(answer) for answer in refused] == [(403, "forbidden")] * 3
    assert [one["status"] for one in store.merchant.get("/products").json()["data"]] == ["draft"]


def test_another_stores_product_does_not_exist() -> None:
    mine, theirs = a_store(), a_store()
    product = make(theirs, "MUG", status="active")
    path, variant = f"/products/{product['id']}", f"/variants/{theirs.variant('MUG')}"

    answers = [
        mine.merchant.get(path),
        mine.merchant.patch(path, json={"title": "Mine"}),
        mine.merchant.delete(path),
        mine.merchant.post(path + "/restore"),
        mine.merchant.get(path + "/variants"),
        mine.merchant.post(path + "/variants", json={"sku": "CUP", "price": 1}),
        mine.merchant.get(variant),
        mine.merchant.patch(variant, json={"price": 1}),
        mine.merchant.delete(variant),
        mine.merchant.post(variant + "/restore"),
        mine.shopper.get(f"/storefront/products/{product['slug']}"),
        mine.merchant.get(f"/products/{ids.encode('prod', ids.new_id())}"),
        mine.merchant.get(f"/products/{theirs.variant('MUG')}"),
    ]

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert theirs.merchant.get(path).json() == product
