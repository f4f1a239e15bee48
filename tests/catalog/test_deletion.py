"""Deleting, and bringing back within 90 days."""

from datetime import timedelta

import pytest

from shared.catalog import queries
from shared.core import clock
from tests.catalog.shelf import audited, code, make, told
from tests.database import Sql
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")


def test_a_deleted_product_is_nowhere_and_comes_back_as_it_was(sql: Sql) -> None:
    store = a_store()
    product = make(store, "RED", "BLUE", status="active")
    path = f"/products/{product['id']}"

    deleted = store.merchant.delete(path)
    gone = [
        store.merchant.get(path).status_code,
        store.merchant.get(f"/variants/{store.variant('RED')}").status_code,
        store.merchant.delete(path).status_code,
        store.shopper.get("/storefront/products/tea-mug").status_code,
        store.merchant.get("/products").json()["data"],
        [one["id"] for one in store.merchant.get("/products?deleted_at[null]=false").json()["data"]],
    ]
    restored = store.merchant.post(f"{path}/restore")

    assert (deleted.status_code, deleted.json()["version"], gone) == (200, 2, [404, 404, 404, 404, [], [product["id"]]])
    assert deleted.json()["deleted_at"] is not None
    assert restored.status_code == 200
    back = restored.json()
    assert (back["status"], back["version"], back["deleted_at"]) == ("active", 3, None)
    assert [(one["sku"], one["version"], one["deleted_at"]) for one in back["variants"]] == [
        ("RED", 3, None),
        ("BLUE", 3, None),
    ]
    assert store.merchant.get(path).json() == back
    assert told(sql, store, "product.") == [("product.created", 1), ("product.deleted", 2), ("product.restored", 3)]
    assert told(sql, store, "variant.")[2:] == [("variant.deleted", 2)] * 2 + [("variant.restored", 3)] * 2
    assert audited(sql, store, "product.deleted") == [({"deleted": False}, {"deleted": True})]


def test_a_variant_that_was_deleted_before_its_product_does_not_come_back_with_it() -> None:
    store = a_store()
    path = f"/products/{make(store, 'RED', 'BLUE')['id']}"
    store.merchant.delete(f"/variants/{store.variant('BLUE')}")
    store.merchant.delete(path)

    restored = store.merchant.post(f"{path}/restore").json()

    assert [one["sku"] for one in restored["variants"]] == ["RED"]


def test_what_was_deleted_can_be_restored_for_ninety_days() -> None:
    store = a_store()
    path, variant = f"/products/{make(store, 'RED', 'BLUE')['id']}", f"/variants/{store.variant('BLUE')}"
    with clock.frozen(clock.now()) as time:
        store.merchant.delete(variant)
        store.merchant.delete(path)
        time.tick(timedelta(days=90))
        too_late = store.merchant.post(f"{path}/restore").status_code
        time.tick(-timedelta(seconds=1))
        in_time = [store.merchant.post(f"{one}/restore").status_code for one in (path, variant)]

    assert (too_late, in_time) == (404, [200, 200])


def test_a_deleted_name_can_be_given_again_and_then_cannot_come_back() -> None:
    store = a_store()
    first = make(store, "MUG", slug="tea-mug")
    store.merchant.delete(f"/products/{first['id']}")
    second = make(store, "MUG", slug="tea-mug")

    sku_is_taken = store.merchant.post(f"/products/{first['id']}/restore")
    store.merchant.patch(f"/variants/{second['variants'][0]['id']}", json={"sku": "OTHER"})
    slug_is_taken = store.merchant.post(f"/products/{first['id']}/restore")
    store.merchant.patch(f"/products/{second['id']}", json={"slug": "other-mug"})
    restored = store.merchant.post(f"/products/{first['id']}/restore")

    assert (code(slug_is_taken), code(sku_is_taken)) == ((409, "slug_taken"), (409, "sku_taken"))
    assert (restored.status_code, restored.json()["version"]) == (200, 3)


def test_restoring_what_is_not_deleted_changes_nothing() -> None:
    store = a_store()
    product = make(store, "MUG")

    restored = store.merchant.post(f"/products/{product['id']}/restore")
    variant = store.merchant.post(f"/variants/{store.variant('MUG')}/restore")

    assert (restored.json(), variant.json()) == (product, product["variants"][0])


def test_a_deleted_variant_comes_back_alone(sql: Sql) -> None:
    store = a_store()
    path = f"/products/{make(store, 'RED', 'BLUE')['id']}"
    variant = f"/variants/{store.variant('BLUE')}"

    deleted = store.merchant.delete(variant)
    while_gone = (store.merchant.get(variant).status_code, len(store.merchant.get(path).json()["variants"]))
    restored = store.merchant.post(f"{variant}/restore")

    assert (deleted.status_code, while_gone, restored.status_code) == (200, (404, 1), 200)
    assert (restored.json()["version"], store.merchant.get(path).json()["version"]) == (3, 3)
    assert told(sql, store, "variant.")[2:] == [("variant.deleted", 2), ("variant.restored", 3)]


def test_a_product_keeps_its_last_variant() -> None:
    store = a_store()
    make(store, "RED", "BLUE")
    store.merchant.delete(f"/variants/{store.variant('BLUE')}")

    refused = store.merchant.delete(f"/variants/{store.variant('RED')}")

    assert (code(refused), store.merchant.get(f"/variants/{store.variant('RED')}").status_code) == (
        (409, "last_variant"),
        200,
    )


def test_the_variant_of_a_deleted_product_comes_back_only_with_it() -> None:
    store = a_store()
    path = f"/products/{make(store, 'MUG')['id']}"
    store.merchant.delete(path)

    refused = store.merchant.post(f"/variants/{store.variant('MUG')}/restore")

    assert refused.status_code == 404


def test_what_is_sellable_is_told_by_id_and_sku_and_what_is_deleted_is_not_on_sale() -> None:
    store = a_store()
    make(store, "RED", "BLUE", status="active")
    make(store, "DRAFT", title="Not yet")
    store.merchant.delete(f"/variants/{store.variant('BLUE')}")
    red, blue, draft = (store.variant_id(sku) for sku in ("RED", "BLUE", "DRAFT"))

    with store.session() as session:
        by_id = queries.sellable(session, [red, blue, draft, store.id])
        by_sku = queries.sellable(session, skus=["RED", "BLUE", "DRAFT", "NONE"])

    assert {one.sku: one.on_sale for one in by_id.values()} == {"RED": True, "BLUE": False, "DRAFT": False}
    assert set(by_sku) == {red, draft}
    found = by_sku[red]
    assert (found.product_title, found.variant_title, found.price, found.currency) == ("Tea mug", "Red", 1000, "BDT")
