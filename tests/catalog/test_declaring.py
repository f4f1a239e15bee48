"""Declaring whole products: which product is meant, what changes of it, and what stays."""

from time import perf_counter
from typing import Any

import pytest

from shared.core import ids
from shared.inventory import declaring
from tests.application import Watch
from tests.catalog.declared import actions, declare, defined, document, mug, read
from tests.catalog.shelf import audited, told
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store
from tests.figures import Figures

pytestmark = pytest.mark.usefixtures("watch")

SHIRT: dict[str, Any] = {
    "external_id": "shirt-1",
    "slug": "shirt",
    "title": "Shirt",
    "description": "<p>Cotton</p>",
    "status": "active",
    "vendor": "Weavers",
    "product_type": "Shirts",
    "tags": ["Summer", "summer", "cotton"],
    "seo_title": "A shirt",
    "seo_description": "Made of cotton",
    "options": ["Colour", "Size"],
    "variants": [
        {
            "external_id": "shirt-1-red-l",
            "sku": "S-RED-L",
            "option_values": ["Red", "L"],
            "price": 1500,
            "compare_at": 2000,
            "cost": 700,
            "barcode": "4006381333931",
            "weight_grams": 250,
            "weight_unit": "kg",
            "tax_code": "P01",
            "on_hand": 3,
            "allow_backorder": True,
            "safety_stock": 1,
            "low_stock_threshold": None,
        },
        {"option_values": ["Red", "M"], "price": 1500, "taxable": False, "requires_shipping": False},
    ],
}


def traces(sql: Sql, store: StoreUnderTest) -> dict[str, Any]:
    """Count what changes leave behind."""
    return sql(
        """select (select count(*) from domain_events where store_id = s.id) as events,
                  (select count(*) from audit_entries where store_id = s.id) as entries,
                  (select count(*) from inventory_adjustments where store_id = s.id) as adjustments,
                  (select sum(version) from products where store_id = s.id) as products,
                  (select sum(version) from variants where store_id = s.id) as variants,
                  (select sum(version) from stock_levels where store_id = s.id) as levels
           from stores s where s.id = %s""",
        store.id,
    )[0]


def test_a_new_product_is_made_with_all_that_is_said_of_it(sql: Sql) -> None:
    store = a_store()

    [outcome] = declare(store, SHIRT)

    shirt = read(store, "shirt")
    assert (str(outcome.action), outcome.product_id) == ("created", ids.decode("prod", shirt["id"]))
    assert {name: shirt[name] for name in SHIRT if name != "variants"} == {
        **{name: value for name, value in SHIRT.items() if name != "variants"},
        "tags": ["Summer", "cotton"],
    }
    red, medium = shirt["variants"]
    assert (red["title"], red["position"], medium["title"], medium["position"]) == ("Red / L", 1, "Red / M", 2)
    assert (red["cost"], red["compare_at"]["amount"], red["weight_grams"], red["weight_unit"]) == (
        {"amount": 700, "currency": "BDT"},
        2000,
        250,
        "kg",
    )
    assert (medium["sku"], medium["taxable"], medium["requires_shipping"]) == ("", False, False)
    level = store.merchant.get(f"/inventory/{red['id']}").json()
    assert (level["on_hand"], level["allow_backorder"], level["safety_stock"], level["low_stock_threshold"]) == (
        3,
        True,
        1,
        None,
    )
    assert store.merchant.get(f"/inventory/{medium['id']}").json()["low_stock_threshold"] == 5
    assert told(sql, store, "product.") == [("product.created", 1)]
    assert told(sql, store, "variant.") == [("variant.created", 1), ("variant.created", 1)]
    assert told(sql, store, "stock.") == [("stock.adjusted", 1)]
    kinds = sql("select kind, delta from inventory_adjustments where store_id = %s", store.id)
    assert kinds == [{"kind": "import", "delta": 3}]


def test_the_same_document_again_changes_nothing_and_leaves_no_trace(sql: Sql) -> None:
    store = a_store()
    declare(store, SHIRT, mug(1))
    before = traces(sql, store)

    outcomes = declare(store, SHIRT, mug(1))

    assert actions(outcomes) == ["unchanged", "unchanged"]
    assert traces(sql, store) == before


def test_what_a_document_does_not_speak_of_stays(sql: Sql) -> None:
    store = a_store()
    declare(store, SHIRT)
    before = read(store, "shirt")

    outcomes = declare(store, {"slug": "shirt", "vendor": "Others"})

    after = read(store, "shirt")
    assert actions(outcomes) == ["updated"]
    assert after == before | {"vendor": "Others", "version": 2, "updated_at": after["updated_at"]}
    assert audited(sql, store, "product.updated") == [({"vendor": "Weavers"}, {"vendor": "Others"})]
    events = sql("select payload from domain_events where store_id = %s and type = 'product.updated'", store.id)
    assert [event["payload"]["changed"] for event in events] == [["vendor"]]


def test_a_list_is_meant_whole_so_variants_that_it_leaves_out_go(sql: Sql) -> None:
    store = a_store()
    declare(store, SHIRT)
    red, medium = read(store, "shirt")["variants"]
    variants = [
        {"option_values": ["Blue", "L"], "price": 1600},
        {"option_values": ["Red", "M"], "price": 1400},
    ]

    outcomes = declare(store, {"slug": "shirt", "variants": variants})

    shirt = read(store, "shirt")
    assert actions(outcomes) == ["updated"]
    assert [(one["title"], one["price"]["amount"], one["position"]) for one in shirt["variants"]] == [
        ("Blue / L", 1600, 1),
        ("Red / M", 1400, 2),
    ]
    assert (shirt["variants"][1]["id"], shirt["variants"][1]["taxable"]) == (medium["id"], False)
    assert shirt["version"] == 2
    assert sorted(told(sql, store, "variant.")[2:]) == [
        ("variant.created", 1),
        ("variant.deleted", 2),
        ("variant.updated", 2),
    ]
    assert told(sql, store, "product.") == [("product.created", 1)]
    assert audited(sql, store, "variant.updated") == [({"price": 1500}, {"price": 1400})]
    assert store.merchant.post(f"/variants/{red['id']}/restore").json()["sku"] == "S-RED-L"


def test_a_product_is_found_by_id_then_external_id_then_slug() -> None:
    store = a_store()
    declare(store, mug(1), mug(2, external_id="two"))
    first, second = read(store, "mug-1"), read(store, "mug-2")

    outcomes = declare(
        store,
        {"id": first["id"], "slug": "first", "title": "First"},
        {"external_id": "two", "slug": "second", "title": "Second"},
    )
    adopted = declare(store, {"slug": "first", "external_id": "one", "vendor": "V"})
    unknown = declare(
        store,
        {"id": ids.encode("prod", ids.new_id()), "title": "Nobody"},
        {"external_id": "three", "slug": "second", "title": "Third", "variants": [{"price": 1}]},
    )

    assert actions(outcomes) == ["updated", "updated"]
    assert (read(store, "first")["id"], read(store, "second")["id"]) == (first["id"], second["id"])
    assert (actions(adopted), read(store, "first")["external_id"]) == (["updated"], "one")
    assert actions(unknown) == ["not_found", "slug_taken"]


def test_variants_are_found_by_id_external_id_sku_and_options() -> None:
    store = a_store()
    variants = [
        {"option_values": ["A"], "price": 1},
        {"option_values": ["B"], "price": 1, "external_id": "b"},
        {"option_values": ["C"], "price": 1, "sku": "C"},
        {"option_values": ["D"], "price": 1},
    ]
    declare(store, mug(1, options=["Kind"], variants=variants))
    before = {one["title"]: one["id"] for one in read(store, "mug-1")["variants"]}
    renamed = [
        {"option_values": ["D"], "price": 4},
        {"option_values": ["C2"], "price": 3, "sku": "C"},
        {"option_values": ["B2"], "price": 2, "external_id": "b"},
        {"option_values": ["A2"], "price": 1, "id": before["A"]},
    ]

    outcomes = declare(store, {"slug": "mug-1", "variants": renamed})

    after = {one["title"]: one["id"] for one in read(store, "mug-1")["variants"]}
    assert actions(outcomes) == ["updated"]
    assert after == {"D": before["D"], "C2": before["C"], "B2": before["B"], "A2": before["A"]}


def test_a_single_variant_without_options_stays_itself_under_another_sku() -> None:
    store = a_store()
    declare(store, mug(1))
    before = read(store, "mug-1")["variants"]

    declare(store, {"slug": "mug-1", "variants": [{"sku": "OTHER"}]})

    [after] = read(store, "mug-1")["variants"]
    assert (after["id"], after["sku"], after["price"]["amount"]) == (before[0]["id"], "OTHER", 1001)


def test_two_products_of_a_batch_swap_their_slugs_and_former_slugs_follow(sql: Sql) -> None:
    store = a_store()
    declare(store, mug(1, external_id="one"), mug(2, external_id="two"), mug(3, external_id="three"))

    swapped = declare(
        store,
        {"external_id": "one", "slug": "mug-2"},
        {"external_id": "two", "slug": "mug-1"},
        {"external_id": "three", "slug": "mug-4"},
    )
    back = sql("select slug from former_slugs where store_id = %s", store.id)
    declare(store, mug(3, external_id="new", variants=[{"price": 1}]))

    assert actions(swapped) == ["updated"] * 3
    assert (read(store, "mug-1")["external_id"], read(store, "mug-2")["external_id"]) == ("two", "one")
    assert back == [{"slug": "mug-3"}]
    assert sql("select slug from former_slugs where store_id = %s", store.id) == []


def test_skus_move_between_variants_and_products_of_a_batch() -> None:
    store = a_store()
    two = [{"sku": "A", "option_values": ["1"], "price": 1}, {"sku": "B", "option_values": ["2"], "price": 2}]
    declare(store, mug(1, options=["N"], variants=two), mug(2, variants=[{"sku": "C", "price": 3}]))
    before = read(store, "mug-1")["variants"]

    swapped = [
        {"id": before[0]["id"], "sku": "B", "option_values": ["2"]},
        {"id": before[1]["id"], "sku": "C", "option_values": ["1"]},
    ]
    outcomes = declare(store, {"slug": "mug-1", "variants": swapped}, {"slug": "mug-2", "variants": [{"sku": "A"}]})

    after = read(store, "mug-1")["variants"]
    assert actions(outcomes) == ["updated", "updated"]
    assert [(one["id"], one["sku"], one["title"]) for one in after] == [
        (before[0]["id"], "B", "2"),
        (before[1]["id"], "C", "1"),
    ]
    assert read(store, "mug-2")["variants"][0]["sku"] == "A"


def test_titles_give_new_products_slugs_of_their_own() -> None:
    store = a_store()
    titles = ["Cup", "Cup", "Cup", "চায়ের কাপ", "চায়ের কাপ"]

    declare(store, *({"title": title, "variants": [{"price": 1}]} for title in titles))

    listed = store.merchant.get("/products", params={"sort": "created_at"}).json()["data"]
    assert sorted(one["slug"] for one in listed) == ["cup", "cup-2", "cup-3", "product", "product-2"]


def test_a_batch_costs_as_many_statements_as_one_product(watch: Watch) -> None:
    store = a_store()
    defined(store)

    def cost(*documents: dict[str, Any]) -> tuple[int, set[str]]:
        mark = len(watch.statements)
        outcomes = declare(store, *documents)
        return watch.count_since(mark), set(actions(outcomes))

    made = [cost(*(mug(number) for number in numbers)) for numbers in ((0,), range(1, 201))]
    same = [cost(*(mug(number) for number in numbers)) for numbers in ((0,), range(1, 201))]
    whole = [cost(*(_whole(number) for number in numbers)) for numbers in ((0,), range(1, 201))]

    assert made == [(8, {"created"})] * 2
    assert same == [(4, {"unchanged"})] * 2
    # One for the store, the read and the lock of what there is, media, definitions (3); then each kind of row.
    assert whole == [(15, {"updated"})] * 2


def _whole(number: int) -> dict[str, Any]:
    """Change all that there is of a product."""
    offers = [
        {"sku": f"TEA-{number}", "option_values": ["L"], "price": 5, "on_hand": 7, "custom_fields": {"shade": "Teal"}},
        {"sku": f"CUP-{number}", "option_values": ["M"], "price": 6, "image": {"url": f"https://x.test/{number}.jpg"}},
    ]
    return {
        **mug(number, external_id=f"e-{number}", options=["Size"], variants=offers),
        "tags": ["tea"],
        "brand": "weavers",
        "categories": ["cups", "gifts"],
        "labels": ["new"],
        "attributes": {"material": "clay", "uses": ["hot", "cold"], "height": "9.5", "glazed": True, "care": "By hand"},
        "custom_fields": {"origin": "Dhaka"},
        "images": [{"url": f"https://x.test/front/{number}.jpg", "alt": "Front"}],
    }


def test_the_pace_of_a_batch_is_printed(figures: Figures) -> None:
    store = a_store()
    batches = [[document(**mug(turn * 200 + number)) for number in range(200)] for turn in range(3)]
    paces = []

    for batch in batches:
        start = perf_counter()
        with store.session() as session:
            declaring.declare_products(session, batch, by=None)
        paces.append(int(len(batch) / (perf_counter() - start)))

    # With their events, audit entries and levels, in one process. Nothing is asserted: the machine is not ours alone.
    figures.add("products declared 200 at a time", fastest_a_second=max(paces), slowest_a_second=min(paces))
    listed = store.merchant.get("/products", params={"include": "total"})
    assert listed.status_code == 200, listed.text
    assert listed.json()["total"] == 600
