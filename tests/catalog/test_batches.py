"""Whole products over HTTP: one by PUT, up to 200 by a batch with an outcome for each."""

from typing import Any

import pytest

from shared.core import ids
from tests.catalog.declared import mug
from tests.catalog.shelf import code, make
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("watch")


def outcomes(store: StoreUnderTest, body: dict[str, Any], kind: str = "products") -> list[tuple[int, str]]:
    """Send a batch and return status and action of each item."""
    answer = store.merchant.post("/products/batch", json=body)
    assert answer.status_code == 200, answer.text
    return [(one["status"], one["action"]) for one in answer.json()[kind]]


def test_put_makes_a_product_and_put_again_finds_it_as_it_is() -> None:
    store = a_store()

    made = store.merchant.put("/products", json=mug(1))
    again = store.merchant.put("/products", json=mug(1))
    edited = store.merchant.put("/products", json={"slug": "mug-1", "variants": [{"sku": "MUG-1", "on_hand": 9}]})

    assert (made.status_code, again.json(), edited.json()) == (200, made.json(), made.json())
    store.variants["MUG-1"] = made.json()["variants"][0]["id"]
    assert store.stock("MUG-1")["on_hand"] == 9


def test_counts_by_hand_are_an_opening_and_then_corrections(sql: Sql) -> None:
    store = a_store()

    for on_hand in (5, 7):
        store.merchant.put("/products", json=mug(1, variants=[{"sku": "MUG-1", "price": 1, "on_hand": on_hand}]))

    made = sql("select kind, delta, actor_kind from inventory_adjustments where store_id = %s order by id", store.id)
    assert made == [
        {"kind": "initial", "delta": 5, "actor_kind": "api_token"},
        {"kind": "correction", "delta": 2, "actor_kind": "api_token"},
    ]


def test_what_is_wrong_with_a_put_is_said_as_by_any_edit() -> None:
    store = a_store()
    make(store, "CUP")

    answers = [
        store.merchant.put("/products", json=mug(1, variants=[{"sku": "CUP", "price": 1}])),
        store.merchant.put("/products", json=mug(1, slug="No Slug")),
        store.merchant.put("/products", json={"slug": "new"}),
        store.merchant.put("/products", json={"id": ids.encode("prod", ids.new_id()), "vendor": "V"}),
        store.merchant.put("/products", json=mug(1, attributes={"\ud800": "x"})),
    ]

    assert [code(answer) for answer in answers] == [
        (409, "sku_taken"),
        (422, "validation_failed"),
        (422, "validation_failed"),
        (404, "not_found"),
        (422, "validation_failed"),
    ]
    assert len(store.merchant.get("/products").json()["data"]) == 1


def test_each_item_of_a_batch_has_its_own_outcome() -> None:
    store = a_store()
    make(store, "CUP", slug="cup")
    gone = make(store, "TEE", slug="tee")["id"]
    nobody = ids.encode("prod", ids.new_id())

    answer = store.merchant.post(
        "/products/batch",
        json={
            "products": [
                mug(1),
                {"slug": "cup", "status": "archived"},
                {"slug": "cup "},
                mug(2, variants=[{"sku": "CUP", "price": 1}]),
                "no product",
                mug(3),
            ],
            "delete": [gone, nobody],
        },
    ).json()

    assert [(one["index"], one["status"], one["action"]) for one in answer["products"]] == [
        (0, 201, "created"),
        (1, 200, "updated"),
        (2, 422, "failed"),
        (3, 409, "failed"),
        (4, 422, "failed"),
        (5, 201, "created"),
    ]
    assert [one["problem"]["code"] for one in answer["products"] if one["problem"]] == [
        "validation_failed",
        "sku_taken",
        "validation_failed",
    ]
    assert answer["products"][2]["problem"]["errors"][0]["pointer"] == "/slug"
    assert [(one["status"], one["action"]) for one in answer["deleted"]] == [(200, "deleted"), (404, "failed")]
    listed = {one["slug"]: one["status"] for one in store.merchant.get("/products").json()["data"]}
    assert listed == {"mug-1": "active", "cup": "archived", "mug-3": "active"}
    assert store.merchant.post(f"/products/{gone}/restore").json()["variants"][0]["sku"] == "TEE"


def test_a_batch_sent_again_with_its_key_is_answered_as_before_and_without_it_changes_nothing() -> None:
    store, key = a_store(), str(ids.new_id())
    body = {"products": [mug(1), mug(2)]}

    first, again = (store.merchant.post("/products/batch", json=body, key=key) for _ in range(2))

    assert (first.status_code, again.body, again.headers["idempotent-replayed"]) == (200, first.body, "true")
    assert outcomes(store, body) == [(200, "unchanged")] * 2


def test_a_batch_has_limits_and_says_them() -> None:
    store = a_store()
    many = [{"price": 1, "option_values": [str(number)]} for number in range(1400)]

    too_many = store.merchant.post("/products/batch", json={"products": [{"title": "X"}] * 201})
    too_large = store.merchant.post(
        "/products/batch",
        json={"products": [mug(number, options=["N"], variants=many) for number in range(3)]},
    )

    assert [answer.json()["errors"][0]["pointer"] for answer in (too_many, too_large)] == ["/products", "/products"]
    assert outcomes(store, {}) == []


def test_another_stores_products_are_not_there_for_a_batch() -> None:
    mine, theirs = a_store(), a_store()
    product = make(theirs, "MUG", slug="mug-1")
    variant = {"id": theirs.variant("MUG"), "price": 1}

    told = outcomes(
        mine, {"products": [{"id": product["id"], "vendor": "V"}, mug(2, variants=[variant]), mug(1)], "delete": []}
    )
    gone = outcomes(mine, {"delete": [product["id"]]}, kind="deleted")

    assert (told, gone) == ([(404, "failed"), (422, "failed"), (201, "created")], [(404, "failed")])
    assert theirs.merchant.get(f"/products/{product['id']}").json() == product
