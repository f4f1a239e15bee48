"""Former slugs: links to a product lead to it still, until another product has the slug."""

import pytest

from shared.catalog import summarizing
from tests.catalog.shelf import code, make
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("watch")


def led_to(store: StoreUnderTest, slug: str) -> str | None:
    """Return the slug that a former one leads to."""
    with store.session() as session:
        return summarizing.slug_now(session, slug)


def rename(store: StoreUnderTest, product_id: str, slug: str) -> None:
    """Give a product another slug."""
    answer = store.merchant.patch(f"/products/{product_id}", json={"slug": slug})
    assert answer.status_code == 200, answer.text


def test_every_slug_that_a_product_had_leads_to_it() -> None:
    store = a_store()
    product = make(store, "MUG", slug="first", status="active")["id"]

    for slug in ("second", "third"):
        rename(store, product, slug)

    assert [led_to(store, slug) for slug in ("first", "second", "third", "other")] == ["third", "third", None, None]
    assert led_to(a_store(), "first") is None


def test_a_slug_that_is_taken_back_or_by_another_is_no_former_one(sql: Sql) -> None:
    store = a_store()
    product = make(store, "MUG", slug="first", status="active")["id"]
    rename(store, product, "second")

    make(store, "CUP", slug="first", status="active")
    rename(store, product, "third")
    rename(store, product, "second")

    assert [led_to(store, slug) for slug in ("first", "second", "third")] == [None, None, "second"]
    assert sql("select slug from former_slugs where store_id = %s", store.id) == [{"slug": "third"}]


def test_the_latest_product_that_left_a_slug_has_it() -> None:
    store = a_store()
    for sku in ("A", "B"):
        rename(store, make(store, sku, slug="shared", status="active")["id"], f"now-{sku.lower()}")

    assert led_to(store, "shared") == "now-b"


def test_what_shoppers_do_not_see_is_led_to_by_nothing() -> None:
    store = a_store()
    product = make(store, "MUG", slug="first", status="active")["id"]
    rename(store, product, "second")

    store.merchant.delete(f"/products/{product}")
    gone = led_to(store, "first")
    taken = make(store, "CUP", slug="second")["id"]
    refused = store.merchant.post(f"/products/{product}/restore")
    store.merchant.delete(f"/products/{taken}")
    store.merchant.post(f"/products/{product}/restore")

    assert (gone, code(refused), led_to(store, "first")) == (None, (409, "slug_taken"), "second")
