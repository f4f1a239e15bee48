"""Lists of products: the merchant's, and what shoppers see."""

import pytest

from shared.core import ids
from tests.application import Watch
from tests.catalog.shelf import code, make
from tests.factories import a_store
from tests.inventory.stockroom import hold

pytestmark = pytest.mark.usefixtures("watch")


def test_products_are_listed_the_newest_first_page_by_page_without_gaps() -> None:
    store = a_store()
    for number in range(5):
        make(store, f"SKU-{number}", title=f"Product {number}")

    first = store.merchant.get("/products", params={"limit": 2, "include": "total"}).json()
    make(store, "NEW", title="Comes meanwhile")
    second = store.merchant.get("/products", params={"limit": 3, "cursor": first["page"]["next_cursor"]}).json()

    titles = [product["title"] for product in first["data"] + second["data"]]
    assert titles == ["Product 4", "Product 3", "Product 2", "Product 1", "Product 0"]
    assert (first["total"], second["page"]) == (5, {"next_cursor": None, "has_more": False})


def test_products_are_filtered_sorted_and_searched() -> None:
    store = a_store()
    make(store, "MUG-1", title="Blue mug", status="active")
    make(store, "CUP-1", title="Amber cup", status="active")
    make(store, "TEE-1", title="100% cotton tee")

    def titles(**params: str) -> list[str]:
        return [one["title"] for one in store.merchant.get("/products", params=params).json()["data"]]

    assert titles(status="active", sort="title") == ["Amber cup", "Blue mug"]
    assert titles(**{"status[ne]": "active"}) == ["100% cotton tee"]
    assert titles(sort="-title") == ["Blue mug", "Amber cup", "100% cotton tee"]
    assert titles(q="MUG") == ["Blue mug"]
    assert titles(q="cup-") == ["Amber cup"]
    assert titles(q="100%") == ["100% cotton tee"]
    assert titles(q="%") == ["100% cotton tee"]
    assert titles(**{"created_at[gte]": "2999-01-01T00:00:00Z"}) == []


def test_a_filter_that_does_not_exist_is_refused_with_those_that_do() -> None:
    refused = a_store().merchant.get("/products", params={"colour": "red"})

    assert code(refused) == (400, "invalid_listing")
    assert sorted(refused.json()["allowed"]["filters"]) == ["created_at", "deleted_at", "slug", "status", "updated_at"]


def test_shoppers_see_what_is_active_with_prices_and_what_can_be_had() -> None:
    store = a_store()
    make(
        store,
        title="Shown",
        status="active",
        variants=[
            {"sku": "THERE", "title": "Red", "price": 900, "compare_at": 1000, "stock": 1},
            {"sku": "GONE", "title": "Blue", "price": 900},
            {"sku": "UNCOUNTED", "title": "Download", "price": 100, "tracks_stock": False},
            {"sku": "LATER", "title": "Green", "price": 900, "allow_backorder": True},
            {"sku": "KEPT", "title": "Grey", "price": 900, "stock": 2, "safety_stock": 2},
        ],
    )
    make(store, "DRAFT", title="Draft")
    make(store, "OLD", title="Old", status="archived")

    listed = store.shopper.get("/storefront/products").json()["data"]
    detail = store.shopper.get("/storefront/products/shown")

    assert [product["title"] for product in listed] == ["Shown"]
    assert detail.json() == listed[0]
    assert {one["sku"]: one["in_stock"] for one in listed[0]["variants"]} == {
        "THERE": True,
        "GONE": False,
        "UNCOUNTED": True,
        "LATER": True,
        "KEPT": False,
    }
    assert listed[0]["variants"][0] | {"id": ""} == {
        "id": "",
        "sku": "THERE",
        "title": "Red",
        "price": {"amount": 900, "currency": "BDT"},
        "compare_at": {"amount": 1000, "currency": "BDT"},
        "in_stock": True,
    }


def test_what_another_shopper_holds_is_not_in_stock() -> None:
    store = a_store(stock={"MUG": 1})

    hold(store, ids.new_id(), MUG=1)

    seen = store.shopper.get("/storefront/products/product-mug").json()
    assert (seen["in_stock"], seen["variants"][0]["in_stock"]) == (False, False)


@pytest.mark.parametrize("slug", ["draft", "old", "nothing"])
def test_what_is_not_on_sale_does_not_exist_for_shoppers(slug: str) -> None:
    store = a_store()
    make(store, "DRAFT", title="Draft")
    make(store, "OLD", title="Old", status="archived")

    assert code(store.shopper.get(f"/storefront/products/{slug}")) == (404, "not_found")


def test_shoppers_search_and_sort_what_is_on_sale() -> None:
    store = a_store(stock={"MUG": 1, "CUP": 1, "TEE": 1})

    by_title = store.shopper.get("/storefront/products", params={"sort": "title"}).json()["data"]
    found = store.shopper.get("/storefront/products", params={"q": "cup"}).json()["data"]

    assert [product["title"] for product in by_title] == ["Product CUP", "Product MUG", "Product TEE"]
    assert [product["title"] for product in found] == ["Product CUP"]


def test_a_page_of_the_shop_costs_two_statements_besides_authentication(watch: Watch) -> None:
    store = a_store(stock={"MUG": 1, "CUP": 1, "TEE": 1})
    mark = len(watch.statements)

    store.shopper.get("/storefront/products")
    listed = watch.count_since(mark)
    store.shopper.get("/storefront/products/product-mug")

    assert (listed, watch.count_since(mark)) == (3, 6)
