"""What is a customer's own asks for their access token: for a valid one, of this store, and of nobody else."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from shared.core import clock, credentials, ids, topology
from shared.customers import accounts
from tests.catalog import waiting
from tests.client import Client
from tests.customers.shoppers import a_phone, ask, code_of, refused, sign_in, signed_in
from tests.database import Sql
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")

OWN = [
    (one.method, one.path)
    for _, api in topology.apis()
    for one in api.endpoints
    if one.audience == "storefront" and one.signed_in is not None
]
PREFIXES = {"session_id": "csess", "address_id": "addr", "order_id": "ord"}


def test_there_are_such_routes() -> None:
    assert len(OWN) > 15
    assert {path.split("/")[4] for _, path in OWN} == {"account", "session", "sessions"}


@pytest.mark.parametrize(("method", "path"), OWN)
def test_a_route_of_a_customers_own_opens_to_no_stranger(method: str, path: str, sql: Sql) -> None:
    mine, theirs = a_store(), a_store()
    named = re.sub(r"\{(\w+)\}", lambda found: ids.encode(PREFIXES[found[1]], ids.new_id()), path)
    with clock.frozen(datetime(2027, 1, 1, tzinfo=UTC)) as time:
        ended, foreign, expired = (sign_in(store, phone=a_phone()) for store in (mine, theirs, mine))
        ended.client.delete("/storefront/session")
        time.tick(timedelta(minutes=15))
        key = {"X-Publishable-Key": mine.publishable_key}
        strangers = {
            "nobody": Client(),
            "a shopper": mine.shopper,
            "a merchant's token": signed_in(mine, mine.secret_token),
            "a made-up token": signed_in(mine, credentials.generate("ct")),
            "a refresh token": signed_in(mine, ended.refresh),
            "a scheme of another kind": Client(key | {"Authorization": f"Basic {ended.access}"}),
            "who has signed out": ended.client,
            "whose access has expired": expired.client,
            "a customer of another store": signed_in(mine, foreign.access),
            "an access token alone": Client({"Authorization": f"Bearer {expired.access}"}),
        }
        before = sql("select md5(string_agg(c::text, ',' order by id)) as rows from customers c")

        answers = {
            who: client.request(method, named.removeprefix("/api/v1"), json={} if method != "GET" else None)
            for who, client in strangers.items()
        }

    assert {who: answer.status_code for who, answer in answers.items() if answer.status_code != 401} == {}
    assert sql("select md5(string_agg(c::text, ',' order by id)) as rows from customers c") == before


def test_a_sign_in_that_meets_the_customers_end_waits_for_it_and_is_refused(sql: Sql) -> None:
    store = a_store()
    phone = a_phone()
    customer = sign_in(store, phone=phone)
    shown = code_of(store, ask(store, phone=phone))

    with ThreadPoolExecutor(1) as tab:
        with store.session() as session:
            accounts.disable(session, customer.uuid)
            session.flush()
            late = tab.submit(store.shopper.post, "/storefront/sessions", json=shown)
            waiting.for_waiters(sql)
        answer = late.result()

    alive = "select count(*) as n from customer_sessions where store_id = %s and ended_at is null"
    assert refused(answer) == (403, "account_disabled")
    assert sql(alive, store.id)[0]["n"] == 0


def test_a_refusal_for_haste_is_not_what_a_request_is_answered_for_ever() -> None:
    store = a_store()
    phone = a_phone()
    with clock.frozen(datetime(2027, 1, 1, tzinfo=UTC)) as time:
        for _ in range(5):
            ask(store, phone=phone)
        body = {"phone": phone}
        hasty = store.shopper.post("/storefront/sessions/codes", json=body, key="mine")
        time.tick(timedelta(minutes=12))
        later = store.shopper.post("/storefront/sessions/codes", json=body, key="mine")

    assert (hasty.status_code, later.status_code) == (429, 202)
