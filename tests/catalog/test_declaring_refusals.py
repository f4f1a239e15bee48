"""What is not to be declared: each document is refused for itself, and the others stand."""

from datetime import timedelta
from typing import Any

import pytest

from shared.core import clock, ids
from shared.core.principal import Principal
from tests.catalog.declared import actions, declare, mug, read
from tests.catalog.shelf import audited, told
from tests.checkout.purchases import a_cart
from tests.database import Sql
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")


@pytest.mark.parametrize(
    ("wrong", "code", "pointer"),
    [
        ({"title": None}, "missing", "/title"),
        ({"variants": []}, "too_short", "/variants"),
        ({"variants": [{"sku": "X"}]}, "missing", "/variants/0/price"),
        ({"options": ["Size"]}, "not_as_the_options", "/variants/0/option_values"),
        ({"variants": [{"price": 1, "option_values": ["L"]}]}, "not_as_the_options", "/variants/0/option_values"),
        (
            {"options": ["Size"], "variants": [{"price": 1, "option_values": ["L"]}] * 2},
            "given_twice",
            "/variants/1/option_values",
        ),
        ({"brand": "nobody"}, "unknown_brand", "/brand"),
        ({"categories": ["nowhere"]}, "unknown", "/categories/0"),
        ({"labels": ["none"]}, "unknown", "/labels/0"),
        ({"attributes": {"nothing": 1}}, "unknown_attribute", "/attributes/nothing"),
        ({"custom_fields": {"nothing": 1}}, "unknown_field", "/custom_fields/nothing"),
        ({"images": [{"media_id": ids.encode("media", ids.new_id())}]}, "unknown_media", "/images/0"),
        ({"variants": [{"price": 1, "custom_fields": {"no": 1}}]}, "unknown_field", "/variants/0/custom_fields/no"),
        ({"description": "half \0"}, "unstorable_text", ""),
        ({"external_id": "half \0"}, "unstorable_text", ""),
    ],
)
def test_what_is_wrong_with_one_document_stops_that_one_alone(
    wrong: dict[str, Any], code: str, pointer: str, sql: Sql
) -> None:
    store = a_store()

    first, bad, last = declare(store, mug(1), mug(2) | wrong, mug(3))

    assert [str(one.action) for one in (first, bad, last)] == ["created", "failed", "created"]
    assert bad.problem is not None
    assert [(error.code, error.pointer) for error in bad.problem.errors] == [(code, pointer)]
    assert (bad.index, bad.product_id) == (1, None)
    assert sql("select count(*) as made from variants where store_id = %s", store.id) == [{"made": 2}]


def test_text_that_only_looks_like_the_nul_character_is_kept() -> None:
    store = a_store()

    outcomes = declare(store, mug(1, description=r"C:\u0000 is \\u0000"))

    assert actions(outcomes) == ["created"]
    assert read(store, "mug-1")["description"] == r"C:\u0000 is \\u0000"


def test_names_that_others_have_are_refused_and_of_two_documents_the_later_yields() -> None:
    store = a_store()
    declare(store, mug(1, external_id="one"), mug(2))

    outcomes = declare(
        store,
        mug(3, variants=[{"sku": "MUG-1", "price": 1}]),
        mug(4),
        mug(5, variants=[{"sku": "MUG-4", "price": 1}]),
        {"external_id": "one", "slug": "mug-2"},
        mug(4, external_id="other"),
        mug(6, variants=[{"external_id": "v", "price": 1}]),
        mug(7, variants=[{"external_id": "v", "price": 1}]),
        {"slug": "mug-1"},
    )

    assert actions(outcomes) == [
        "sku_taken",
        "created",
        "sku_taken",
        "slug_taken",
        "slug_taken",
        "created",
        "external_id_taken",
        "declared_twice",
    ]


def test_only_who_may_publishes_and_says_what_is_on_the_shelf() -> None:
    store = a_store()
    declare(store, mug(1), mug(2, status="draft"))
    writer = Principal(kind="api_token", id="cred", scopes=frozenset({"product.write"}))

    outcomes = declare(
        store,
        mug(1, vendor="V"),
        {"slug": "mug-1", "status": "archived"},
        mug(2, status="draft", variants=[{"sku": "MUG-2", "on_hand": 6}]),
        mug(3, status="draft", variants=[{"price": 1, "on_hand": 1}]),
        mug(4, status="draft", variants=[{"price": 1, "on_hand": 0}]),
        mug(5, variants=[{"price": 1}]),
        by=writer,
    )

    assert actions(outcomes) == ["updated", "declared_twice", "forbidden", "forbidden", "created", "forbidden"]


def test_a_count_becomes_an_adjustment_and_never_takes_what_is_reserved(sql: Sql) -> None:
    store = a_store()
    declare(store, mug(1), mug(2))
    for number in (1, 2):
        store.variants[f"MUG-{number}"] = read(store, f"mug-{number}")["variants"][0]["id"]
    sql("update stock_levels set reserved = 3 where store_id = %s", store.id)

    outcomes = declare(
        store,
        mug(1, variants=[{"sku": "MUG-1", "on_hand": 3, "low_stock_threshold": 4}]),
        mug(2, vendor="V", variants=[{"sku": "MUG-2", "on_hand": 2}]),
    )

    assert actions(outcomes) == ["updated", "stock_is_reserved"]
    assert (store.stock("MUG-1")["on_hand"], store.stock("MUG-1")["low_stock_threshold"]) == (3, 4)
    assert (store.stock("MUG-2")["on_hand"], read(store, "mug-2")["vendor"]) == (5, "")
    adjusted = sql("select kind, delta from inventory_adjustments where store_id = %s order by id", store.id)
    assert adjusted[2:] == [{"kind": "import", "delta": -2}]
    assert told(sql, store, "stock.")[2:] == [("stock.adjusted", 2), ("stock.low", 2), ("stock.rules_changed", 2)]
    assert audited(sql, store, "stock.rules_changed") == [({"low_stock_threshold": 5}, {"low_stock_threshold": 4})]


def test_a_count_below_what_is_promised_is_refused_until_the_promise_has_expired(sql: Sql) -> None:
    store = a_store(stock={"MUG-1": 5})
    recounted = {"slug": "product-mug-1", "variants": [{"sku": "MUG-1", "on_hand": 2, "safety_stock": 1}]}
    with clock.frozen(clock.now()) as present:
        a_cart(store, {"MUG-1": 3}).started()
        refused = store.merchant.put("/products", json=recounted)
        there = store.stock("MUG-1")
        present.tick(timedelta(minutes=16))

        counted = store.merchant.put("/products", json=recounted)

    assert (refused.status_code, refused.json()["code"]) == (409, "stock_is_reserved")
    assert (there["on_hand"], there["reserved"]) == (5, 3)
    assert counted.status_code == 200, counted.text
    level = store.stock("MUG-1")
    assert (level["on_hand"], level["reserved"], level["available"]) == (2, 0, 1)
    assert sql("select 1 from stock_reservations where store_id = %s", store.id) == []
    assert store.merchant.get("/inventory/reconciliation").json()["drift"] == []
