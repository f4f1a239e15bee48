"""The merchant's list of products."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.core import database
from tests.application import Watch
from tests.catalog.declared import declare, defined, mug
from tests.catalog.shelf import code, make
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store

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
    assert sorted(refused.json()["allowed"]["filters"]) == [
        "brand_id",
        "category_id",
        "created_at",
        "deleted_at",
        "external_id",
        "label_id",
        "product_type",
        "sku",
        "slug",
        "status",
        "tag",
        "updated_at",
        "vendor",
    ]


def test_products_are_filtered_by_what_they_have() -> None:
    store = a_store()
    defined(store)
    ids = {path: store.merchant.get(path).json()["data"][0]["id"] for path in ("/brands", "/categories", "/labels")}
    whole = {"brand": "weavers", "categories": [ids["/categories"]], "labels": ["new"], "tags": ["Tea", "gift"]}
    declare(store, mug(1, vendor="Weavers", product_type="Cups", external_id="one", **whole), mug(2, vendor="Others"))

    def slugs(**params: str) -> list[str]:
        answer = store.merchant.get("/products", params={**params, "sort": "title"})
        assert answer.status_code == 200, answer.text
        return [one["slug"] for one in answer.json()["data"]]

    assert slugs(vendor="Weavers") == slugs(product_type="Cups") == slugs(external_id="one") == ["mug-1"]
    assert slugs(brand_id=ids["/brands"]) == slugs(label_id=ids["/labels"]) == ["mug-1"]
    assert slugs(category_id=ids["/categories"]) == ["mug-1"]
    assert slugs(**{"brand_id[null]": "true"}) == ["mug-2"]
    assert slugs(**{"sku[in]": "MUG-1,MUG-2,MUG-3"}) == slugs(**{"vendor[in]": "Weavers,Others"}) == ["mug-1", "mug-2"]
    assert slugs(sku="MUG-2") == ["mug-2"]
    assert slugs(sku="") == []
    assert [slugs(tag=tag) for tag in ("tea", "TEA", "Gift", "te")] == [["mug-1"], ["mug-1"], ["mug-1"], []]
    assert [slugs(q=words) for words in ("TEA", "mug-2", "mu", "ug 1", "2", "ug-2")] == [
        ["mug-1"],
        ["mug-2"],
        ["mug-1", "mug-2"],
        ["mug-1"],
        ["mug-2"],
        [],
    ]
    assert slugs(q="mug", vendor="Weavers", tag="gift", status="active") == ["mug-1"]


def test_a_page_costs_two_statements_besides_authentication_and_shows_the_first_variants(watch: Watch) -> None:
    store = a_store()
    offers = [{"option_values": [str(number)], "price": number} for number in range(60)]
    declare(store, mug(1, options=["Number"], variants=offers), mug(2))
    mark = len(watch.statements)

    listed = store.merchant.get("/products", params={"q": "mug", "tag": "none"}).json()["data"]
    searched = watch.count_since(mark)
    listed = store.merchant.get("/products", params={"sort": "title"}).json()["data"]

    assert (searched, watch.count_since(mark)) == (2, 5)  # authentication is one; an empty page has no variants
    assert [(len(one["variants"]), one["variant_count"]) for one in listed] == [(50, 60), (1, 1)]
    whole = store.merchant.get(f"/products/{listed[0]['id']}").json()
    assert [one["title"] for one in whole["variants"]] == [str(number) for number in range(60)]


def test_search_reads_indexes_and_no_other_store(sql: Sql) -> None:
    store, other = a_store(), a_store()
    for owner in (store, other):
        sql(
            """insert into products (store_id, id, title, slug, tags, created_at, updated_at)
               select %s, uuidv7(), 'Product ' || n || case when n %% 1000 = 7 then ' teapot' else '' end, 'p-' || n,
                      case when n %% 1000 = 8 then array['Rare'] else array['tag-' || n %% 50] end, now(), now()
               from generate_series(1, 10000) n""",
            owner.id,
        )
        sql(
            """insert into variants (store_id, id, product_id, sku, price, currency, created_at, updated_at)
               select store_id, uuidv7(), id, 'SKU-' || slug, 1, 'BDT', now(), now()
               from products where store_id = %s""",
            owner.id,
        )
    sql("vacuum analyze products")
    sql("vacuum analyze variants")

    def scans() -> dict[str, int]:
        sql("select pg_stat_force_next_flush()")
        rows = sql(
            """select indexrelname as name, idx_scan as times from pg_stat_user_indexes
               where indexrelname in ('products_by_likeness', 'variants_by_likeness', 'products_by_tags')
               union all select relname, seq_scan from pg_stat_user_tables where relname in ('products', 'variants')""",
        )
        return {row["name"]: row["times"] for row in rows}

    with database.transaction(store.id) as session:
        session.execute(text("select pg_stat_force_next_flush()"))
    before = scans()
    with database.transaction(store.id) as session:
        found = {
            words: session.execute(
                text("select count(*) from lookup.look_for_products(:store, :words, :tag)"), given
            ).scalar_one()
            for words, given in (
                ("teapot", {"store": store.id, "words": "teapot", "tag": None}),
                ("sku-p-77", {"store": store.id, "words": "sku-p-77", "tag": None}),
                ("te", {"store": store.id, "words": "te", "tag": None}),
                ("rare", {"store": store.id, "words": None, "tag": "rare"}),
            )
        }
        session.execute(text("select pg_stat_force_next_flush()"))
    after = scans()

    assert found == {"teapot": 10, "sku-p-77": 111, "te": 10, "rare": 10}
    assert {name: after[name] > before[name] for name in before} == {
        "products_by_likeness": True,
        "variants_by_likeness": True,
        "products_by_tags": True,
        "products": False,
        "variants": False,
    }
    with pytest.raises(DBAPIError, match="another store"):
        look(store, other)


def look(store: StoreUnderTest, into: StoreUnderTest) -> None:
    """Look for products of a store as another one."""
    with database.transaction(store.id) as session:
        session.execute(text("select * from lookup.look_for_products(:store, 'teapot', null)"), {"store": into.id})
