"""Who is refused leaves a trace in the audit log, and nothing else; and no more of them than the log can bear."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from shared.core import clock, refusals
from shared.core.idempotency import PLATFORM_STORE
from tests.client import Client
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("application")


@pytest.fixture(autouse=True)
def new_minute() -> Iterator[None]:
    refusals.forget()
    yield
    refusals.forget()


def refusals_of(sql: Sql, tenant_id: object) -> list[dict[str, Any]]:
    return sql(
        "select actor_kind, actor_id, entity, after, severity from audit_entries "
        "where store_id = %s and action = 'access.refused' order by id",
        tenant_id,
    )


def reader(store: StoreUnderTest) -> Client:
    return store.token("product.read")


def test_a_missing_permission_is_noted_in_the_stores_log_with_who_and_where(sql: Sql) -> None:
    store = a_store(stock={"MUG": 1})
    token = reader(store)

    answer = token.patch("/store", json={"name": "Mine now"})

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    [noted] = refusals_of(sql, store.id)
    assert noted["actor_kind"] == "api_token"
    assert noted["actor_id"] != ""
    assert noted["after"] == {"route": "stores-edit-store", "code": "forbidden", "status": 403}
    assert noted["severity"] == "notice"
    assert store.merchant.get("/store").json()["name"] != "Mine now"


def test_the_same_refusal_is_noted_once_a_minute_and_another_route_on_its_own(sql: Sql) -> None:
    store = a_store()
    token = reader(store)

    answers = [token.patch("/store", json={"name": "Mine"}).status_code for _ in range(3)]
    answers.append(token.get("/credentials").status_code)
    before = refusals_of(sql, store.id)
    with clock.frozen(clock.now() + timedelta(minutes=1)):
        token.patch("/store", json={"name": "Mine"})

    assert answers == [403, 403, 403, 403]
    assert [one["after"]["route"] for one in before] == ["stores-edit-store", "identity-list-credentials"]
    assert len(refusals_of(sql, store.id)) == 3


def test_another_stores_id_is_noted_where_the_asker_belongs_and_never_at_the_owners(sql: Sql) -> None:
    mine, theirs = a_store(), a_store(stock={"MUG": 1})

    answer = mine.merchant.get(f"/inventory/{theirs.variants['MUG']}")

    assert answer.status_code == 404
    assert [one["after"]["code"] for one in refusals_of(sql, mine.id)] == ["not_found"]
    assert refusals_of(sql, theirs.id) == []


def test_an_unknown_credential_is_noted_in_the_platforms_own_log(sql: Sql) -> None:
    store = a_store()
    before = len(refusals_of(sql, PLATFORM_STORE))
    revoked = store.merchant.post("/credentials", json={"name": "Old", "scopes": ["product.read"]}).json()
    store.merchant.delete(f"/credentials/{revoked['credential']['id']}")

    answer = Client({"Authorization": f"Bearer {revoked['token']}"}).get("/products")

    assert answer.status_code == 401
    noted = refusals_of(sql, PLATFORM_STORE)[before:]
    assert [one["after"]["code"] for one in noted] == ["unauthenticated"]
    assert revoked["token"] not in str(noted)


def test_a_flood_of_refusals_fills_no_more_than_its_measure(sql: Sql, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MOST", 3)
    store = a_store()
    tokens = [reader(store) for _ in range(5)]

    answers = [token.patch("/store", json={"name": "Mine"}).status_code for token in tokens]

    assert answers == [403] * 5
    assert len(refusals_of(sql, store.id)) == 3


def test_a_shopper_who_asks_for_what_is_not_there_leaves_no_trace(sql: Sql) -> None:
    store = a_store()

    answer = store.shopper.get("/storefront/products/never-was")

    assert answer.status_code == 404
    assert refusals_of(sql, store.id) == []
