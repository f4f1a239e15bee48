"""The demo stores: two shops that one can buy in, made once, whatever happens in between."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import migrations.operators
from infra.local import demo, operators
from infra.local.state import DemoStore
from shared.core import settings as core_settings
from tests.client import Client
from tests.database import Database, FreshDatabases

pytestmark = pytest.mark.usefixtures("shop")


@pytest.fixture
def shop(application: None, state: Path, fresh_database: FreshDatabases) -> Iterator[Database]:  # noqa: ARG001 -- the environment
    """Give the test a database without stores, which has let the local operator in."""
    fresh = fresh_database.migrated()
    migrations.operators.ensure_operator(fresh.owner_url, operators.token(state))
    with core_settings.use_settings(database_url=fresh.app_url):
        yield fresh


def test_two_shops_open_with_prices_in_taka_and_texts_in_two_languages() -> None:
    stores = demo.seed()

    products = everything(stores[0], "/storefront/products")
    variants = [variant for product in products for variant in product["variants"]]
    assert [store.slug for store in stores] == ["rupali", "banani-books"]
    assert len(products) >= 40
    assert {variant["price"]["currency"] for variant in variants} == {"BDT"}
    assert all(10_00 <= variant["price"]["amount"] <= 10_000_00 for variant in variants)
    assert all(any("\u0980" <= letter <= "\u09ff" for letter in product["title"]) for product in products)
    assert sum(variant["compare_at"] is not None for variant in variants) >= 5


def test_some_things_are_sold_out_and_some_nearly() -> None:
    merchant = merchant_of(demo.seed()[0])

    levels = everything(merchant, "/inventory")
    nearly = [level for level in levels if 0 < level["available"] <= 5]

    assert len([level for level in levels if level["available"] == 0]) >= 2
    assert len(nearly) >= 2
    assert all(level["low"] for level in nearly)


def test_the_second_shop_is_small_and_sees_nothing_of_the_first() -> None:
    first, second = demo.seed()

    products = everything(second, "/storefront/products")
    foreign = merchant_of(second).get(f"/products/{everything(merchant_of(first), '/products')[0]['id']}")

    assert len(products) == 5
    assert foreign.status_code == 404


def test_each_shop_has_an_owner_who_signs_in_with_the_password_that_was_told() -> None:
    for store in demo.seed():
        entered = Client().post("/session", json={"email": store.owner_email, "password": store.owner_password})
        wrong = Client().post("/session", json={"email": store.owner_email, "password": store.secret_token})

        assert (entered.status_code, wrong.status_code) == (200, 401)
        owner = Client({"Cookie": entered.cookies[0].split(";")[0]})
        assert owner.get("/store").json()["id"] == store.id


def test_seeding_again_finds_the_same_stores_and_makes_nothing_twice() -> None:
    first = demo.seed()
    number = len(everything(first[0], "/storefront/products"))

    second = demo.seed()

    assert second == first
    assert len(everything(second[0], "/storefront/products")) == number


def test_what_a_crash_interrupted_is_completed_by_the_next_start(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as crash:
        crash.setattr(demo._Api, "post", crashing_after(7, demo._Api.post))
        with pytest.raises(KeyboardInterrupt):
            demo.seed()

    stores = demo.seed()

    assert [store.slug for store in stores] == ["rupali", "banani-books"]
    assert len(everything(stores[0], "/storefront/products")) == wanted("demo_rupali.json")
    assert len(everything(stores[1], "/storefront/products")) == wanted("demo_banani_books.json")


def test_where_the_name_is_taken_by_a_store_that_nobody_knows_the_demo_takes_the_next(
    shop: Database, state: Path
) -> None:
    strangers = demo.seed()
    (state / "operator.json").unlink()
    migrations.operators.ensure_operator(shop.owner_url, operators.token(state))

    ours = demo.seed()

    assert [store.slug for store in ours] == ["rupali-2", "banani-books-2"]
    assert {store.id for store in ours}.isdisjoint(store.id for store in strangers)


def test_an_operator_who_was_not_let_in_seeds_nothing(state: Path) -> None:
    (state / "operator.json").unlink()

    with pytest.raises(demo.NotSeeded, match="401"):
        demo.seed()


def wanted(file: str) -> int:
    """Return how many products a demo store shall have."""
    return len(json.loads(Path(demo.__file__).with_name(file).read_text("utf-8"))["products"])


def merchant_of(store: DemoStore) -> Client:
    """Return a caller with the store's secret token."""
    return Client({"Authorization": f"Bearer {store.secret_token}"})


def everything(store: DemoStore | Client, path: str) -> list[dict[str, Any]]:
    """Read a whole list, as a shopper of the store or as the given caller."""
    caller = store if isinstance(store, Client) else Client({"X-Publishable-Key": store.publishable_key})
    found: list[dict[str, Any]] = []
    params: dict[str, Any] = {"limit": 100}
    while True:
        answer = caller.get(path, params=params)
        assert answer.status_code == 200, answer.text
        found += answer.json()["data"]
        if not answer.json()["page"]["has_more"]:
            return found
        params["cursor"] = answer.json()["page"]["next_cursor"]


def crashing_after(number: int, post: Any) -> Any:
    """Return a `post` that ends the process, as far as it can tell, after so many answers."""
    calls = iter(range(number))

    def crash(api: demo._Api, *arguments: Any, **named: Any) -> Any:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return post(api, *arguments, **named)

    return crash
