"""Keys and tokens of a store: who may make them, what they may do, and when they end."""

from datetime import timedelta

import pytest

from shared.core import clock
from tests.client import Client
from tests.database import Sql
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")


def test_a_token_may_do_what_its_scopes_say_and_nothing_else(sql: Sql) -> None:
    store = a_store()
    reader = store.token("settings.manage")

    allowed = reader.get("/store")
    refused = reader.post("/credentials", json={"name": "More", "scopes": ["settings.manage"]})

    assert allowed.status_code == 200
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert len(sql("select 1 from credentials where store_id = %s", store.id)) == 3


def test_nobody_grants_what_they_lack(sql: Sql) -> None:
    store = a_store()
    staff = store.token("token.manage", "order.read")

    refused = staff.post("/credentials", json={"name": "More", "scopes": ["order.read", "order.refund"]})

    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert "order.refund" in refused.json()["detail"]
    assert len(sql("select 1 from credentials where store_id = %s", store.id)) == 3


def test_a_secret_is_shown_once_and_kept_only_as_its_hash(sql: Sql) -> None:
    store = a_store()

    issued = store.merchant.post("/credentials", json={"name": "Till", "scopes": ["order.read"]}).json()

    listed = store.merchant.get("/credentials")
    assert issued["token"] not in listed.text
    assert listed.json()["data"][0]["last_four"] == issued["token"][-4:]
    kept = sql("select c::text as row from credentials c where store_id = %s", store.id)
    assert not any(issued["token"] in row["row"] for row in kept)


def test_a_revoked_token_ends_with_the_next_request() -> None:
    store = a_store()
    till = store.token("settings.manage")
    credential = store.merchant.get("/credentials").json()["data"][0]["id"]

    revoked = store.merchant.delete(f"/credentials/{credential}")
    again = store.merchant.delete(f"/credentials/{credential}")

    assert (revoked.status_code, again.status_code) == (200, 200)
    assert revoked.json()["revoked_at"] == again.json()["revoked_at"]
    assert (till.get("/store").status_code, till.get("/store").json()["code"]) == (401, "unauthenticated")


def test_a_token_ends_when_it_said_it_would() -> None:
    store = a_store()
    with clock.frozen(clock.now()) as present:
        until = (clock.now() + timedelta(hours=1)).isoformat()
        body = {"name": "Till", "scopes": ["settings.manage"], "expires_at": until}
        issued = store.merchant.post("/credentials", json=body)
        till = Client({"Authorization": f"Bearer {issued.json()['token']}"})
        before = till.get("/store").status_code
        present.tick(timedelta(hours=1))
        after = till.get("/store").status_code

    assert (before, after) == (200, 401)


@pytest.mark.parametrize("spoil", ["truncate", "flip", "prefix", "publishable", "empty"])
def test_a_spoiled_token_is_refused(spoil: str) -> None:
    store = a_store()
    token = store.secret_token
    spoiled = {
        "truncate": token[:-1],
        "flip": token[:10] + ("A" if token[10] != "A" else "B") + token[11:],
        "prefix": "pk" + token[2:],
        "publishable": store.publishable_key,
        "empty": "",
    }[spoil]

    refused = Client({"Authorization": f"Bearer {spoiled}"}).get("/store")

    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert refused.headers["www-authenticate"].startswith("Bearer")


def test_a_publishable_key_opens_no_merchants_route_and_can_be_replaced() -> None:
    store = a_store()

    refused = Client({"Authorization": f"Bearer {store.publishable_key}"}).get("/store")
    second = store.merchant.post("/credentials/publishable").json()["publishable_key"]

    assert refused.status_code == 401
    assert Client({"X-Publishable-Key": second}).get("/storefront/store").json()["slug"] == store.slug


def test_anothers_credential_is_not_there() -> None:
    mine, theirs = a_store(), a_store()
    credential = theirs.merchant.get("/credentials").json()["data"][0]["id"]

    assert mine.merchant.delete(f"/credentials/{credential}").status_code == 404
    assert theirs.merchant.get("/credentials").json()["data"][0]["revoked_at"] is None
