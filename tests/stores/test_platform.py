"""Opening stores over HTTP: by platform operators, with their own tokens."""

import pytest

from shared.core import credentials, ids
from tests.client import Answer, Client
from tests.database import Sql
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")


@pytest.fixture
def operator(sql: Sql) -> Client:
    """Return a platform operator."""
    token = credentials.generate(credentials.PLATFORM)
    sql(
        "insert into platform_tokens (id, name, digest, scopes, created_at) values (%s, 'Test', %s, %s, now())",
        ids.new_id(),
        credentials.digest(token),
        ["admin.superuser"],
    )
    return Client({"Authorization": f"Bearer {token}"})


def test_an_operator_opens_a_store_whose_keys_work_at_once(operator: Client) -> None:
    opened = opens(operator, "rupali-platform")

    assert opened.status_code == 201
    merchant = Client({"Authorization": f"Bearer {opened.json()['secret_token']}"})
    shopper = Client({"X-Publishable-Key": opened.json()["publishable_key"]})
    assert merchant.get("/store").json()["id"] == opened.json()["store"]["id"]
    assert shopper.get("/storefront/store").json()["slug"] == "rupali-platform"


def test_a_store_opened_twice_under_one_key_is_one_store_with_the_same_keys(operator: Client, sql: Sql) -> None:
    first = opens(operator, "rupali-again", key="open-rupali-again")
    again = opens(operator, "rupali-again", key="open-rupali-again")

    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert len(sql("select 1 from stores where slug = 'rupali-again'")) == 1


def test_a_slug_that_is_taken_is_refused_and_opens_nothing(operator: Client, sql: Sql) -> None:
    opens(operator, "rupali-taken")
    before = sql("select count(*) as n from organizations")

    refused = opens(operator, "rupali-taken")

    assert (refused.status_code, refused.json()["code"]) == (409, "store_slug_taken")
    assert sql("select count(*) as n from organizations") == before


def test_an_organization_may_own_several_stores_and_one_that_is_not_there_owns_none(operator: Client, sql: Sql) -> None:
    opens(operator, "rupali-first")
    owner = sql("select organization_id from stores where slug = 'rupali-first'")[0]["organization_id"]

    second = opens(operator, "rupali-second", organization_id=ids.encode("org", owner))
    nowhere = opens(operator, "rupali-third", organization_id=ids.encode("org", ids.new_id()))

    assert second.status_code == 201
    assert len(sql("select 1 from stores where organization_id = %s", owner)) == 2
    assert (nowhere.status_code, nowhere.json()["errors"][0]["pointer"]) == (422, "/organization_id")
    assert sql("select 1 from stores where slug = 'rupali-third'") == []


def test_a_merchant_cannot_open_stores() -> None:
    refused = opens(a_store().merchant, "rupali-merchant")

    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")


def test_the_owners_address_is_kept_encrypted_and_masked(operator: Client, sql: Sql) -> None:
    opened = opens(operator, "rupali-secret")

    store = ids.decode("store", opened.json()["store"]["id"])
    rows = sql("select s::text as row from stores s where id = %s", store)
    entries = sql("select a::text as row from audit_entries a where store_id = %s", store)
    assert not any("owner@rupali.example" in row["row"] for row in rows + entries)


def opens(client: Client, slug: str, *, key: str | bool = False, **facts: object) -> Answer:
    body = {"name": "Rupali", "slug": slug, "owner_email": "owner@rupali.example", **facts}
    return client.post("/platform/stores", json=body, key=key)
