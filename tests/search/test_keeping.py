"""What shoppers see follows what happens, by its events: late, twice, in any order, in batches."""

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from shared.core import ids
from shared.search import keeping, selling
from tests.application import Watch
from tests.catalog.shelf import make
from tests.checkout.purchases import a_cart
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store
from tests.inventory.stockroom import hold, release, sell
from tests.search.shopfront import a_shop, deliver, made_of, relay, slugs
from tests.tenancy.living import queues_kept

pytestmark = pytest.mark.usefixtures("watch")

type Act = Callable[[StoreUnderTest, str], object]


def seen(store: StoreUnderTest) -> dict[str, Any]:
    """Return what shoppers see of the tea mug, by its own page; nothing where they see none."""
    answer = store.shopper.get("/storefront/products/tea-mug")
    shown: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
    listed = slugs(store.shopper.get("/storefront/products"))
    assert ("tea-mug" in listed) == bool(shown)
    return shown


def _edit(**fields: Any) -> Act:
    return lambda store, product: made_of(store.merchant.patch(f"/products/{product}", json=fields))


def _variant(**fields: Any) -> Act:
    return lambda store, _: made_of(store.merchant.patch(f"/variants/{store.variant('RED')}", json=fields))


def _another_variant(store: StoreUnderTest, product: str) -> None:
    wanted = {"sku": "NEW", "title": "New", "price": 500, "option_values": ["New"]}
    made_of(store.merchant.post(f"/products/{product}/variants", json=wanted))


STEPS: list[tuple[str, Act, Callable[[dict[str, Any]], Any], Any]] = [
    ("drafted", _edit(status="draft"), bool, False),
    ("archived", _edit(status="archived"), bool, False),
    ("published again", _edit(status="active"), bool, True),
    ("deleted", lambda store, product: made_of(store.merchant.delete(f"/products/{product}")), bool, False),
    ("restored", lambda store, product: made_of(store.merchant.post(f"/products/{product}/restore")), bool, True),
    ("renamed", _edit(title="Mug of tea"), lambda page: page["title"], "Mug of tea"),
    ("described", _edit(description="<b>Fine</b>"), lambda page: page["description"], "<b>Fine</b>"),
    ("priced", _variant(price=4321), lambda page: page["highest_price"]["amount"], 4321),
    (
        "given a variant",
        _another_variant,
        lambda page: [one["sku"] for one in page["variants"]],
        ["RED", "BLUE", "NEW"],
    ),
    (
        "robbed of a variant",
        lambda store, _: made_of(store.merchant.delete(f"/variants/{store.variant('RED')}")),
        lambda page: [one["sku"] for one in page["variants"]],
        ["BLUE", "NEW"],
    ),
    (
        "given it back",
        lambda store, _: made_of(store.merchant.post(f"/variants/{store.variant('RED')}/restore")),
        lambda page: len(page["variants"]),
        3,
    ),
]


def test_each_change_of_a_product_shows_by_its_event_and_not_before() -> None:
    store = a_store()
    product = a_mug(store)
    relay(store)

    for name, act, read, expected in STEPS:
        before = seen(store)
        act(store, product)
        assert seen(store) == before, name
        relay(store)
        assert read(seen(store)) == expected, name


def test_events_that_come_late_twice_and_in_any_order_come_to_the_same(sql: Sql) -> None:
    store = a_store()
    product = a_mug(store)
    for _, act, *_ in STEPS:
        act(store, product)
    told = messages(store)
    chance = random.Random(1)
    orders = []
    for _ in range(4):
        chance.shuffle(told)
        sql("delete from consumed_events where store_id = %s and consumer = 'product-summaries'", store.id)
        for body in (*told, *told):
            assert deliver("product-summaries", [body]) == []
        orders.append(seen(store))

    assert orders[0]["title"] == "Mug of tea"
    assert orders == [orders[0]] * 4


def test_a_burst_of_events_of_one_product_costs_one_refresh(watch: Watch) -> None:
    store = a_store()
    product = a_mug(store)
    relay(store)
    for number in range(10):
        _edit(title=f"Mug {number}")(store, product)
    told = messages(store)[-10:]
    mark = len(watch.statements)

    failed = deliver("product-summaries", told)
    cost = watch.count_since(mark)
    mark = len(watch.statements)
    deliver("product-summaries", told)
    again = watch.count_since(mark)

    assert (failed, seen(store)["title"]) == ([], "Mug 9")
    assert cost <= 9
    assert again == 1  # the mark alone: they were consumed before


def test_a_change_that_shoppers_do_not_see_writes_nothing(sql: Sql) -> None:
    store = a_store()
    product = a_mug(store)
    relay(store)
    before = row(sql, store)

    _variant(cost=123)(store, product)
    relay(store)

    assert row(sql, store) == before


def test_one_poisoned_message_keeps_no_other_waiting() -> None:
    store = a_store()
    product = a_mug(store)
    relay(store)
    _edit(title="Still fine")(store, product)
    told = messages(store)[-1]
    poison = {**told, "event": {**told["event"], "id": str(ids.new_id()), "payload": {"product_id": "nonsense"}}}
    foreign = {"store_id": "no store"}

    failed = deliver("product-summaries", [poison, foreign, {}, told, foreign])

    assert len(failed) == 4
    assert seen(store)["title"] == "Still fine"


def test_a_batch_of_several_stores_is_each_ones_own() -> None:
    mine, theirs = a_store(), a_store()
    for store in (mine, theirs):
        product = a_mug(store)
        _edit(title="Mine" if store is mine else "Theirs")(store, product)
    told = [body for pair in zip(messages(mine), messages(theirs), strict=True) for body in pair]

    failed = deliver("product-summaries", told)

    assert (failed, seen(mine)["title"], seen(theirs)["title"]) == ([], "Mine", "Theirs")


def test_stock_shows_when_it_ends_and_when_it_comes_back() -> None:
    store = a_store(stock={"MUG": 2})
    store.show()

    def in_stock() -> tuple[bool, bool]:
        relay(store)
        shown = store.shopper.get("/storefront/products/product-mug").json()
        assert slugs(store.shopper.get("/storefront/products?in_stock=true")) == (
            ["product-mug"] if shown["in_stock"] else []
        )
        return shown["in_stock"], shown["variants"][0]["in_stock"]

    sell(store, MUG=1)
    some_left = in_stock()
    sell(store, MUG=1)
    none_left = in_stock()
    path = f"/inventory/{store.variant('MUG')}"
    made_of(store.merchant.post(f"{path}/adjustments", json={"delta": 1}, key=True))
    back = in_stock()
    made_of(store.merchant.patch(path, json={"safety_stock": 1}))
    kept = in_stock()
    made_of(store.merchant.patch(path, json={"allow_backorder": True}))
    owed = in_stock()

    assert (some_left, none_left, back, kept, owed) == (
        (True, True),
        (False, False),
        (True, True),
        (False, False),
        (True, True),
    )


def test_what_checkouts_hold_shows_as_gone_and_comes_back_when_it_is_released() -> None:
    store, holder, other = a_store(stock={"MUG": 2}), ids.new_id(), ids.new_id()
    store.show()

    def in_stock() -> bool:
        relay(store)
        shown: bool = store.shopper.get("/storefront/products/product-mug").json()["in_stock"]
        return shown

    steps = []
    hold(store, holder, MUG=1)
    steps.append(in_stock())
    hold(store, other, MUG=1)
    steps.append(in_stock())
    release(store, holder)
    steps.append(in_stock())
    hold(store, other, MUG=2)
    steps.append(in_stock())
    hold(store, other, MUG=1)
    steps.append(in_stock())

    assert steps == [True, False, True, False, True]


def test_a_hold_that_leaves_something_and_one_that_is_repeated_tell_nobody(sql: Sql) -> None:
    store, holder = a_store(stock={"MUG": 3}), ids.new_id()

    hold(store, holder, MUG=2)
    hold(store, holder, MUG=3)
    hold(store, holder, MUG=3)
    release(store, holder)

    found = sql(
        "select payload -> 'available' as available from domain_events "
        "where store_id = %s and type = 'stock.availability_changed' order by id",
        store.id,
    )
    assert [row["available"] for row in found] == [False, True]


def test_names_of_brands_categories_and_labels_show_on_every_product_that_has_them() -> None:
    shop = a_shop()
    store = shop.store
    make(store, "MUG", title="Tea mug", status="active", brand="deshi", categories=["mugs"], labels=["hot"])
    relay(store)
    for kind, slug in (("brands", "deshi"), ("categories", "mugs"), ("labels", "hot")):
        found = [one for one in store.merchant.get(f"/{kind}?limit=100").json()["data"] if one["slug"] == slug]
        made_of(store.merchant.patch(f"/{kind}/{found[0]['id']}", json={"name": "Other", "slug": "other"}))
    relay(store)
    renamed = seen(store)
    by_new_names = slugs(store.shopper.get("/storefront/products?category=other&brand=other&label=other"))
    brand_id, label_id = renamed["brand"]["id"], renamed["labels"][0]["id"]
    made_of(store.merchant.delete(f"/brands/{brand_id}"))
    made_of(store.merchant.delete(f"/labels/{label_id}"))
    relay(store)
    without = seen(store)
    made_of(store.merchant.post(f"/brands/{brand_id}/restore"))
    relay(store)

    names = (renamed["brand"]["name"], renamed["categories"][0]["name"], renamed["labels"][0]["name"])
    assert names == ("Other", "Other", "Other")
    assert by_new_names == ["tea-mug"]
    assert (without["brand"], without["labels"]) == (None, [])
    assert seen(store)["brand"]["name"] == "Other"


def test_attributes_and_fields_show_as_they_are_defined_now() -> None:
    shop = a_shop()
    store = shop.store
    wanted = {"entity": "product", "key": "care", "name": "Care", "kind": "text", "shown_to_shoppers": True}
    field = made_of(store.merchant.post("/custom-fields", json=wanted))
    custom = {"care": "Dry"}
    make(store, "MUG", title="Tea mug", status="active", attributes={"color": ["red"]}, custom_fields=custom)
    relay(store)
    attributes = {one["code"]: one for one in store.merchant.get("/attributes").json()["data"]}
    red = next(one for one in attributes["color"]["choices"] if one["slug"] == "red")
    path = f"/attributes/{attributes['color']['id']}"
    made_of(store.merchant.patch(path, json={"name": "Colour"}))
    made_of(store.merchant.patch(f"{path}/choices/{red['id']}", json={"name": "Crimson", "slug": "crimson"}))
    made_of(store.merchant.patch(f"/custom-fields/{field['id']}", json={"shown_to_shoppers": False}))
    relay(store)

    page = seen(store)
    assert [(one["name"], one["values"]) for one in page["attributes"]] == [("Colour", ["Crimson"])]
    assert page["custom_fields"] == []
    assert slugs(store.shopper.get("/storefront/products?attribute[color]=crimson")) == ["tea-mug"]


def test_many_products_are_gone_through_chunk_by_chunk_each_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.search.summaries.CHUNK", 3)
    shop = a_shop()
    store = shop.store
    for number in range(8):
        make(store, f"SKU{number}", title=f"Thing {number}", status="active", brand="deshi")
    relay(store)
    brand = next(one for one in store.merchant.get("/brands").json()["data"] if one["slug"] == "deshi")

    made_of(store.merchant.patch(f"/brands/{brand['id']}", json={"name": "Desh"}))
    taken = relay(store)

    shown = store.shopper.get("/storefront/products").json()["data"]
    assert {one["brand"]["name"] for one in shown} == {"Desh"}
    assert taken.count("summaries-of-groups") + taken.count(keeping.QUEUE) == 3


def test_a_rebuild_makes_everything_anew_however_often_its_messages_come(sql: Sql) -> None:
    shop = a_shop()
    shop.add_some(4)
    sql("delete from product_summaries where store_id = %s", shop.store.id)

    asked = shop.store.merchant.post("/search/rebuild")
    relay(shop.store)
    deliver(keeping.QUEUE, [{"store_id": str(shop.store.id)}])

    assert (asked.status_code, asked.json()) == (202, {"products": 0})
    assert len(slugs(shop.store.shopper.get("/storefront/products"))) == 4


def test_what_sells_climbs_and_what_is_canceled_falls(sql: Sql) -> None:
    store = a_store(stock={"MUG": 9, "CUP": 9})
    store.show()

    def order() -> list[str]:
        relay(store)
        return slugs(store.shopper.get("/storefront/products?sort=bestselling"))

    before = order()
    cart = a_cart(store)
    cart.add("MUG", 2)
    placed = cart.complete(cart.start().json()["id"]).json()
    after = order()
    sold = row(sql, store, "product-mug")["sold"]
    made_of(store.merchant.post(f"/orders/{placed['order']['id']}/cancel", json={}, key=True))
    relay(store)

    assert (before, after, sold) == (["product-cup", "product-mug"], ["product-mug", "product-cup"], 2)
    assert row(sql, store, "product-mug")["sold"] == 0


def test_a_recount_says_what_orders_say(sql: Sql) -> None:
    store = a_store(stock={"MUG": 9, "CUP": 9})
    store.show()
    for quantity in (2, 3):
        cart = a_cart(store)
        cart.add("MUG", quantity)
        cart.complete(cart.start().json()["id"])
    sql("update product_summaries set sold = 7 where store_id = %s", store.id)

    with store.session() as session:
        first = selling.recount(session)
        second = selling.recount(session)

    assert (first, second) == (2, 0)
    assert (row(sql, store, "product-mug")["sold"], row(sql, store, "product-cup")["sold"]) == (5, 0)


def test_a_recount_puts_the_bestsellers_in_front(sql: Sql, monkeypatch: pytest.MonkeyPatch) -> None:
    store = a_store(stock={"MUG": 9, "CUP": 9})
    store.show()
    begun = [row(sql, store, slug)["front"] for slug in ("product-mug", "product-cup")]
    cart = a_cart(store)
    cart.add("MUG", 1)
    cart.complete(cart.start().json()["id"])
    monkeypatch.setattr(selling, "FRONT", 1)

    with store.session() as session:
        selling.recount(session)

    assert begun == [True, True]
    assert [row(sql, store, slug)["front"] for slug in ("product-mug", "product-cup")] == [True, False]


def a_mug(store: StoreUnderTest) -> str:
    """Put the tea mug on sale; return its id."""
    product = make(
        store,
        status="active",
        options=["Colour"],
        variants=[
            {"sku": "RED", "option_values": ["Red"], "price": 1000, "stock": 2},
            {"sku": "BLUE", "option_values": ["Blue"], "price": 900},
        ],
    )
    product_id: str = product["id"]
    return product_id


def messages(store: StoreUnderTest) -> list[dict[str, Any]]:
    """Relay a store's events; return what they tell the summaries, and deliver nothing."""
    with queues_kept() as sent:
        deliver("outbox", [{"store_id": str(store.id)}])
        return [json.loads(json.dumps(body)) for queue, body in sent if queue == "product-summaries"]


def row(sql: Sql, store: StoreUnderTest, slug: str = "tea-mug") -> dict[str, Any]:
    """Return a summary as the database has it."""
    return sql("select * from product_summaries where store_id = %s and slug = %s", store.id, slug)[0]
