"""What shoppers see of lists, pages, categories, brands and labels."""

from typing import Any

import pytest

from tests.application import Watch
from tests.catalog.shelf import code, make
from tests.factories import a_store
from tests.search.shopfront import CATEGORIES, a_shop, made_of, relay, slugs, titles

pytestmark = pytest.mark.usefixtures("watch")


def test_shoppers_see_what_is_active_with_prices_and_what_can_be_had() -> None:
    store = a_store()
    make(
        store,
        title="Shown",
        status="active",
        description="<p onclick='steal()'>Fine<script>steal()</script> <a href='javascript:x'>cup</a></p>",
        options=["Colour"],
        variants=[
            {"sku": "THERE", "option_values": ["Red"], "price": 900, "compare_at": 1000, "stock": 1},
            {"sku": "GONE", "option_values": ["Blue"], "price": 1900},
            {"sku": "UNCOUNTED", "option_values": ["Download"], "price": 1000, "tracks_stock": False},
            {"sku": "LATER", "option_values": ["Green"], "price": 900, "allow_backorder": True},
            {"sku": "KEPT", "option_values": ["Grey"], "price": 900, "stock": 2, "safety_stock": 2},
        ],
    )
    make(store, "DRAFT", title="Draft")
    make(store, "OLD", title="Old", status="archived")
    store.show()

    listed = store.shopper.get("/storefront/products").json()["data"]
    page = store.shopper.get("/storefront/products/shown").json()

    assert [product["title"] for product in listed] == ["Shown"]
    assert {one["sku"]: one["in_stock"] for one in page["variants"]} == {
        "THERE": True,
        "GONE": False,
        "UNCOUNTED": True,
        "LATER": True,
        "KEPT": False,
    }
    assert listed[0]["variants"][0] | {"id": "", "title": ""} == {
        "id": "",
        "sku": "THERE",
        "title": "",
        "price": {"amount": 900, "currency": "BDT"},
        "compare_at": {"amount": 1000, "currency": "BDT"},
        "in_stock": True,
    }
    assert (listed[0]["price"]["amount"], listed[0]["highest_price"]["amount"]) == (900, 1900)
    assert page["options"] == [{"name": "Colour", "values": ["Red", "Blue", "Download", "Green", "Grey"]}]
    assert page["description"] == '<p>Fine <a rel="noopener noreferrer nofollow">cup</a></p>'
    assert {"id", "slug", "price", "in_stock", "labels"} <= listed[0].keys() & page.keys()


def test_a_page_says_everything_that_the_merchant_shows_and_nothing_that_they_keep() -> None:
    shop = a_shop()
    merchant = shop.store.merchant
    for key, shown in (("care", True), ("margin", False)):
        field = {"entity": "product", "key": key, "name": key.title(), "kind": "text", "shown_to_shoppers": shown}
        made_of(merchant.post("/custom-fields", json=field))
    make(
        shop.store,
        title="Lamp",
        status="active",
        brand="deshi",
        categories=["kitchen", "bath"],
        labels=["sale"],
        vendor="Maker",
        product_type="Light",
        tags=["warm"],
        seo_title="A lamp",
        attributes={"color": ["red", "blue"], "waterproof": True, "weight": 2.5, "care": "By hand"},
        custom_fields={"care": "Dry", "margin": "40 %"},
        variants=[{"sku": "LAMP", "price": 100, "cost": 77_777, "barcode": "123", "stock": 4242}],
    )
    shop.store.show()

    answer = shop.store.shopper.get("/storefront/products/lamp")

    page = answer.json()
    assert (page["brand"]["name"], [one["slug"] for one in page["categories"]]) == ("Deshi", ["kitchen", "bath"])
    assert [(one["code"], one["values"]) for one in page["attributes"]] == [
        ("color", ["Red", "Blue"]),
        ("waterproof", [True]),
        ("weight", ["2.5"]),
        ("care", ["By hand"]),
    ]
    assert page["custom_fields"] == [{"key": "care", "name": "Care", "value": "Dry"}]
    assert (page["seo"]["title"], page["vendor"], page["tags"]) == ("A lamp", "Maker", ["warm"])
    assert [word for word in ("77777", "4242", "40 %", "margin") if word in answer.text] == []


@pytest.mark.parametrize("slug", ["draft", "old", "nothing"])
def test_what_is_not_on_sale_does_not_exist_for_shoppers(slug: str) -> None:
    store = a_store()
    make(store, "DRAFT", title="Draft")
    make(store, "OLD", title="Old", status="archived")
    store.show()

    assert code(store.shopper.get(f"/storefront/products/{slug}")) == (404, "not_found")


def test_a_slug_of_former_days_leads_to_the_product_as_long_as_it_is_on_sale() -> None:
    store = a_store()
    product = make(store, "MUG", title="Tea mug", status="active")
    for slug in ("mug", "big-mug"):
        made_of(store.merchant.patch(f"/products/{product['id']}", json={"slug": slug}))
    relay(store)

    moved = store.shopper.get("/storefront/products/tea-mug")
    there = store.shopper.get("/storefront/products/big-mug")
    made_of(store.merchant.patch(f"/products/{product['id']}", json={"status": "draft"}))
    relay(store)
    gone = store.shopper.get("/storefront/products/tea-mug")

    assert (moved.status_code, moved.headers["location"]) == (301, "/api/v1/storefront/products/big-mug")
    assert (there.status_code, gone.status_code) == (200, 404)


def test_pages_of_a_list_stay_in_step_while_products_come_and_change() -> None:
    store = a_store(stock={f"SKU{number}": 1 for number in range(5)})
    store.show()

    first = store.shopper.get("/storefront/products", params={"limit": 2}).json()
    made_of(store.merchant.patch(f"/variants/{store.variant('SKU1')}", json={"price": 77}))
    make(store, "NEW", title="Comes meanwhile", status="active")
    store.show()
    cursor = first["page"]["next_cursor"]
    second = store.shopper.get("/storefront/products", params={"limit": 9, "cursor": cursor}).json()

    found = [one["title"] for one in first["data"] + second["data"]]
    assert found == [f"Product SKU{number}" for number in (4, 3, 2, 1, 0)]
    assert second["page"] == {"next_cursor": None, "has_more": False}


def test_what_lies_in_a_category_moves_with_it_at_once() -> None:
    shop = a_shop()
    make(shop.store, "MUG", title="Tea mug", status="active", categories=["mugs"])
    shop.store.show()
    tree = shop.store.merchant.get("/category-tree").json()["data"]
    ids = {one["slug"]: one["id"] for one in tree}
    path = f"/categories/{ids['kitchen']}/move"

    before = [len(slugs(_of(shop.store, category))) for category in ("mugs", "home", "clothes")]
    made_of(shop.store.merchant.post(path, json={"parent_id": ids["clothes"]}))
    after = [len(slugs(_of(shop.store, category))) for category in ("mugs", "home", "clothes")]
    by_id = len(slugs(_of(shop.store, ids["clothes"])))

    assert (before, after, by_id) == ([1, 1, 0], [1, 0, 1], 1)


def test_the_tree_brands_and_labels_are_shown_in_their_order() -> None:
    shop = a_shop()
    shopper = shop.store.shopper

    tree = shopper.get("/storefront/categories").json()["data"]
    mugs = shopper.get("/storefront/categories/mugs").json()
    home = shopper.get("/storefront/categories/home").json()

    assert _shape(tree) == {"home": {"kitchen": {"mugs": {}}, "bath": {}}, "clothes": {"shirts": {}}}
    assert [one["slug"] for one in mugs["path"]] == ["home", "kitchen"]
    assert [one["slug"] for one in home["children"]] == ["kitchen", "bath"]
    assert [one["slug"] for one in shopper.get("/storefront/brands").json()["data"]] == ["aarong", "deshi", "rupali"]
    assert [one["slug"] for one in shopper.get("/storefront/labels").json()["data"]] == ["new", "sale", "hot"]
    assert code(shopper.get("/storefront/categories/unknown")) == (404, "not_found")
    assert len(CATEGORIES) == 6


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("colour=red", "colour"),
        ("sort=age", "sort"),
        ("sort=--price", "sort"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("include=everything", "include"),
        ("in_stock=maybe", "in_stock"),
        ("price[gte]=-1", "price[gte]"),
        ("price[gte]=12.5", "price[gte]"),
        ("price=1", "price"),
        ("price[gte]=99999999999999999999", "price[gte]"),
        ("brand=", "brand"),
        ("brand=a&brand=b", "brand"),
        ("attribute[shape]=round", "attribute[shape]"),
        ("attribute[care]=dry", "attribute[care]"),
        ("attribute[weight]=1", "attribute[weight]"),
        ("attribute[color][gte]=1", "attribute[color]"),
        ("attribute[weight][gte]=heavy", "attribute[weight][gte]"),
        ("attribute[waterproof]=perhaps", "attribute[waterproof]"),
        ("attribute[Color]=red", "attribute[Color]"),
        ("attribute=red", "attribute"),
        ("cursor=nonsense", "cursor"),
        ("cursor=" + "A" * 9000, "cursor"),
    ],
)
def test_what_a_list_does_not_understand_is_refused_by_name(query: str, wrong: str) -> None:
    refused = a_shop().store.shopper.get(f"/storefront/products?{query}")

    assert code(refused) == (400, "invalid_listing")
    assert [error["pointer"] for error in refused.json()["errors"]] == [f"/query/{wrong}"]


def test_a_cursor_belongs_to_its_filters_and_its_order() -> None:
    store = a_store(stock={"MUG": 1, "CUP": 1, "TEE": 1})
    store.show()
    cursor = store.shopper.get("/storefront/products", params={"limit": 1}).json()["page"]["next_cursor"]

    for other in ({"sort": "price"}, {"in_stock": "true"}):
        refused = store.shopper.get("/storefront/products", params={"cursor": cursor, **other})
        assert code(refused) == (400, "invalid_listing")


def test_lists_sort_by_name_as_people_read_it() -> None:
    store = a_store()
    for number, title in enumerate(("banana", "Apple", "Zinc", "Émile", "apricot")):
        make(store, f"SKU{number}", title=title, status="active")
    store.show()

    sorted_so = titles(store.shopper.get("/storefront/products", params={"sort": "name"}))

    assert sorted_so == ["Apple", "apricot", "banana", "Émile", "Zinc"]


def test_every_read_costs_one_statement_or_two_besides_authentication(watch: Watch) -> None:
    shop = a_shop()
    shop.add_some(5)
    shop.store.show()
    costs = {}
    for path, most in (
        ("/storefront/products", 1),
        ("/storefront/products?sort=price&limit=2&include=total", 1),
        ("/storefront/products?in_stock=true&price[gte]=10&include=total", 1),
        ("/storefront/products?category=home&brand=deshi&attribute[color]=red", 2),
        ("/storefront/products?include=facets,total", 2),
        ("/storefront/products?category=home&include=facets", 2),
        ("/storefront/products/thing-1", 1),
        ("/storefront/categories", 1),
        ("/storefront/categories/mugs", 1),
        ("/storefront/brands", 1),
        ("/storefront/labels", 1),
    ):
        mark = len(watch.statements)
        made_of(shop.store.shopper.get(path))
        costs[path] = (len(watch.on_stores_tables_since(mark)), most)

    print(costs)  # noqa: T201 -- the figures are what one wants to see
    assert {path: cost for path, cost in costs.items() if cost[0] > cost[1]} == {}


def _of(store: Any, category: str) -> Any:
    return store.shopper.get("/storefront/products", params={"category": category})


def _shape(nodes: list[dict[str, Any]]) -> dict[str, Any]:
    return {one["slug"]: _shape(one["children"]) for one in nodes}
