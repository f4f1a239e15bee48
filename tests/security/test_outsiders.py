"""Spoofing, tampering and disclosure: what is tried from outside of a store, or with somebody else's credential."""

from datetime import timedelta
from typing import Any

import pytest

from shared.core import browsers, clock, credentials, ids
from tests.client import Client
from tests.customers import shoppers
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store
from tests.identity.people import a_browser, a_person
from tests.security.siege import Siege, refusal
from tests.staff import Person

pytestmark = pytest.mark.usefixtures("application")


@pytest.fixture
def siege(sql: Sql) -> Siege:
    return Siege(sql)


def product_of(store: StoreUnderTest) -> dict[str, Any]:
    product: dict[str, Any] = store.merchant.get("/products").json()["data"][0]
    return product


def test_a_store_that_a_request_names_is_not_the_store_that_it_reaches(siege: Siege) -> None:
    mine, theirs = a_store(stock={"MUG": 1}), a_store(stock={"MUG": 1})
    their_id = ids.encode("store", theirs.id)

    with siege.of(theirs.id):
        made = mine.merchant.post(
            f"/products?store_id={their_id}",
            json={"title": "Teapot", "variants": [{"sku": "POT", "price": 100}]},
            headers={"X-Store-Id": their_id, "X-Tenant": their_id},
        )
        smuggled = mine.merchant.post("/products", json={"title": "Teacup", "store_id": their_id})
        read = mine.merchant.get("/store", headers={"X-Store-Id": their_id})

    assert made.status_code == 201
    assert refusal(smuggled) == (422, "validation_failed")
    assert len(siege.noted(mine.id, "unknown_field")) == 1
    assert mine.merchant.get(f"/products/{made.json()['id']}").status_code == 200
    assert read.json()["id"] == ids.encode("store", mine.id)


def test_an_id_of_another_store_names_nothing_and_who_tries_it_is_noted(siege: Siege) -> None:
    mine, theirs = a_store(stock={"MUG": 1}), a_store(stock={"MUG": 1})
    foreign = product_of(theirs)["id"]

    with siege.of(mine.id, theirs.id):
        answers = [
            mine.merchant.get(f"/products/{foreign}"),
            mine.merchant.patch(f"/products/{foreign}", json={"title": "Mine"}),
            mine.merchant.delete(f"/products/{foreign}"),
        ]

    assert [refusal(answer) for answer in answers] == [(404, "not_found")] * 3
    assert {one["after"]["route"] for one in siege.noted(mine.id, "not_found")} == {
        "catalog-get-product",
        "catalog-edit-product",
        "catalog-delete-product",
    }
    assert siege.noted(theirs.id, "not_found") == []


def expired(store: StoreUnderTest, sql: Sql) -> str:
    issued = store.merchant.post("/credentials", json={"name": "Old", "scopes": ["product.write"]}).json()
    credential_id = ids.decode("cred", issued["credential"]["id"])
    sql("update credentials set expires_at = %s where id = %s", clock.now(), credential_id)
    return str(issued["token"])


def revoked(store: StoreUnderTest, _sql: Sql) -> str:
    issued = store.merchant.post("/credentials", json={"name": "Old", "scopes": ["product.write"]}).json()
    store.merchant.delete(f"/credentials/{issued['credential']['id']}")
    return str(issued["token"])


def truncated(store: StoreUnderTest, _sql: Sql) -> str:
    return store.secret_token[:-1]


def bit_flipped(store: StoreUnderTest, _sql: Sql) -> str:
    middle = len(store.secret_token) // 2
    return store.secret_token[:middle] + chr(ord(store.secret_token[middle]) ^ 1) + store.secret_token[middle + 1 :]


def guessed(_store: StoreUnderTest, _sql: Sql) -> str:
    return credentials.generate(credentials.SECRET)


def publishable(store: StoreUnderTest, _sql: Sql) -> str:
    return store.publishable_key


@pytest.mark.parametrize("forged", [expired, revoked, truncated, bit_flipped, guessed, publishable])
def test_a_token_that_is_none_any_more_or_never_was_opens_nothing(forged: Any, siege: Siege, sql: Sql) -> None:
    store = a_store(stock={"MUG": 1})
    product, token = product_of(store), forged(store, sql)
    before = len(siege.noted(None, "unauthenticated"))

    with siege.of(store.id):
        answer = StoreUnderTest.bearer(token).patch(f"/products/{product['id']}", json={"title": "Mine"})

    assert refusal(answer) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert len(siege.noted(None, "unauthenticated")) == before + 1


def test_a_token_of_another_store_opens_that_store_alone(siege: Siege) -> None:
    mine, theirs = a_store(stock={"MUG": 1}), a_store(stock={"MUG": 1})

    with siege.of(mine.id, theirs.id):
        answer = theirs.merchant.patch(f"/products/{product_of(mine)['id']}", json={"title": "Mine"})

    assert refusal(answer) == (404, "not_found")
    assert len(siege.noted(theirs.id, "not_found")) == 1


def test_a_session_that_was_planted_in_a_browser_is_nobodys_after_a_sign_in(siege: Siege) -> None:
    person, planted = a_person(), credentials.generate(credentials.SESSION)
    browser = a_browser(planted)
    before = len(siege.noted(None, "unauthenticated"))

    with siege.of(person.id):
        refused = browser.get("/session")
    signed_in = person.sign_in(browser)

    assert refusal(refused) == (401, "unauthenticated")
    assert signed_in.status_code == 200
    assert browser.token != planted
    assert a_browser(planted).get("/session").status_code == 401
    assert len(siege.noted(None, "unauthenticated")) > before


@pytest.mark.parametrize(
    "told",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://other.shop.test"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
    ids=str,
)
def test_another_sites_page_does_nothing_with_a_persons_cookie(told: dict[str, str], siege: Siege) -> None:
    store = a_store(stock={"MUG": 1})
    staff = store.staff("admin")
    product = product_of(store)

    with siege.of(store.id, staff.user_id, store.organization_id):
        answers = [
            staff.patch(f"/products/{product['id']}", json={"title": "Mine"}, headers=told),
            staff.post("/credentials", json={"name": "Mine", "scopes": ["product.read"]}, headers=told),
            staff.delete("/sessions", headers=told),
        ]

    assert [refusal(answer) for answer in answers] == [(403, "cross_site_request")] * 3
    assert len(siege.noted(None, "cross_site_request")) >= 1
    own = staff.patch(f"/products/{product['id']}", json={"title": "Teapot"}, headers={"Sec-Fetch-Site": "same-origin"})
    assert own.status_code == 200


def test_a_page_of_another_site_signs_nobody_in(siege: Siege) -> None:
    person = a_person()

    with siege.of(person.id):
        answer = a_browser().post(
            "/session",
            json={"email": person.email, "password": person.password},
            headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        )

    assert refusal(answer) == (403, "cross_site_request")
    assert answer.cookies == ()


def test_a_one_time_code_of_a_customer_is_good_once(siege: Siege) -> None:
    store = a_store()
    shown = shoppers.code_of(store, shoppers.ask(store, phone=shoppers.a_phone()))
    first = store.shopper.post("/storefront/sessions", json=shown)

    with siege.of(store.id):
        replayed = store.shopper.post("/storefront/sessions", json=shown)

    assert first.status_code == 201
    assert refusal(replayed) == (422, "code_refused")
    assert len(siege.noted(store.id, "code_refused")) == 1


def test_a_customer_of_one_store_is_nobody_in_another(siege: Siege) -> None:
    mine, theirs = a_store(), a_store()
    customer = shoppers.sign_in(mine, phone=shoppers.a_phone())
    before = len(siege.noted(None, "unauthenticated"))

    with siege.of(mine.id, theirs.id):
        answer = shoppers.signed_in(theirs, customer.access).get("/storefront/account")

    assert refusal(answer) == (401, "unauthenticated")
    assert len(siege.noted(None, "unauthenticated")) == before + 1


def test_a_stolen_refresh_token_that_was_used_ends_the_session_of_both(sql: Sql) -> None:
    store = a_store()
    customer = shoppers.sign_in(store, phone=shoppers.a_phone())
    renewed = store.shopper.post("/storefront/sessions/refresh", json={"refresh_token": customer.refresh})
    assert renewed.status_code == 200

    with clock.frozen(clock.now() + timedelta(minutes=5)):
        again = store.shopper.post(
            "/storefront/sessions/refresh", json={"refresh_token": renewed.json()["refresh_token"]}
        )
    with clock.frozen(clock.now() + timedelta(minutes=10)):
        thief = store.shopper.post("/storefront/sessions/refresh", json={"refresh_token": customer.refresh})
        owner = store.shopper.post(
            "/storefront/sessions/refresh", json={"refresh_token": again.json()["refresh_token"]}
        )

    assert again.status_code == 200
    assert [answer.status_code for answer in (thief, owner)] == [401, 401]
    noted = sql("select action from audit_entries where store_id = %s and severity = 'critical'", store.id)
    assert any("reuse" in one["action"] or "session" in one["action"] for one in noted)


def test_a_cookie_can_not_be_set_for_this_host_by_another(siege: Siege) -> None:
    person = a_person()
    browser = person.signed_in()
    token = browser.token

    with siege.of(person.id):
        answers = [Client({"Cookie": f"{name}={token}"}).get("/session") for name in ("stormcom", "__Secure-stormcom")]

    assert browsers.SESSION_COOKIE.startswith("__Host-")
    assert [refusal(answer) for answer in answers] == [(401, "unauthenticated")] * 2


def test_what_went_wrong_is_told_without_anything_of_our_insides(siege: Siege) -> None:
    store = a_store(stock={"MUG": 1})
    token = store.secret_token

    with siege.of(store.id):
        answers = [
            store.merchant.get("/products/prod_' or 1=1 --"),
            store.merchant.get("/products", params={"sort": "title; drop table products"}),
            store.merchant.post("/products", body=b"{", headers={"Content-Type": "application/json"}),
            StoreUnderTest.bearer(token[:-1]).get("/store"),
        ]

    assert [answer.status_code for answer in answers] == [404, 400, 400, 401]
    for answer in answers:
        assert not any(word in answer.text.lower() for word in ("traceback", "select ", "psycopg", "pg8000", token))


def a_colleague(store: StoreUnderTest) -> Person:
    return store.staff("viewer")


def test_personal_data_is_in_nobodys_row_in_clear(sql: Sql) -> None:
    store = a_store(stock={"MUG": 1})
    colleague = a_colleague(store)
    customer = shoppers.sign_in(store, phone=(phone := shoppers.a_phone()))

    rows = sql("select u::text as whole from users u where id = %s", colleague.user_id)
    rows += sql("select c::text as whole from customers c where id = %s", customer.uuid)

    assert len(rows) == 2
    assert not any(secret in row["whole"] for row in rows for secret in (colleague.email, phone, phone[1:]))
