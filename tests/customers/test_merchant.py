"""Customers as their merchant sees them: found by contact, edited, locked out, deleted and brought back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.core import clock, tenant_life
from tests.application import Watch
from tests.client import Answer
from tests.customers.shoppers import (
    GOOD_PASSWORD,
    Customer,
    a_phone,
    an_email,
    ask,
    audited,
    code_of,
    refused,
    register,
    sign_in,
    told,
)
from tests.database import Sql
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")


def path(customer: Customer, action: str = "") -> str:
    return f"/customers/{customer.id}{action}"


def found(answer: Answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["data"]]


def test_a_customer_is_found_by_contact_in_any_spelling_and_by_nothing_like_it(watch: Watch) -> None:
    store = a_store()
    phone, email = a_phone(), an_email()
    rahima, rahim = register(store, phone=phone, name="Rahima"), register(store, email=email, name="Rahim")
    store.merchant.get("/customers")
    mark = len(watch.statements)

    by_phone = store.merchant.get("/customers", params={"phone": "0" + phone[4:]})

    assert watch.count_since(mark) <= 2  # who asks, and the list
    assert found(by_phone) == [rahima.id]
    assert found(store.merchant.get("/customers", params={"email": email.upper()})) == [rahim.id]
    assert found(store.merchant.get("/customers", params={"phone": a_phone()})) == []
    assert found(store.merchant.get("/customers")) == [rahim.id, rahima.id]
    assert refused(store.merchant.get("/customers", params={"name": "Rahima"})) == (400, "invalid_listing")


def test_the_list_goes_page_by_page() -> None:
    store = a_store()
    customers = [sign_in(store, phone=a_phone()).id for _ in range(3)]

    first = store.merchant.get("/customers", params={"limit": 2, "include": "total"}).json()
    second = store.merchant.get("/customers", params={"limit": 2, "cursor": first["page"]["next_cursor"]})

    assert [one["id"] for one in first["data"]] + found(second) == customers[::-1]
    assert first["total"] == 3


def test_the_merchant_reads_and_edits_name_and_language(sql: Sql) -> None:
    store = a_store()
    phone = a_phone()
    customer = register(store, phone=phone, name="Rahima")

    read = store.merchant.get(path(customer))
    edited = store.merchant.patch(path(customer), json={"name": "Begum Rahima"}, headers={"If-Match": '"1"'})
    stale = store.merchant.patch(path(customer), json={"name": "X"}, headers={"If-Match": '"1"'})

    told_of = read.json()
    assert (told_of["status"], told_of["phone"], told_of["email_verified_at"]) == ("active", phone, None)
    assert told_of["phone_verified_at"] is not None
    assert (edited.json()["name"], edited.json()["version"]) == ("Begum Rahima", 2)
    assert refused(stale) == (412, "stale_version")
    assert customer.client.get("/storefront/account").json()["name"] == "Begum Rahima"
    [entry] = audited(sql, store, "customer.updated")
    assert (entry["before"], entry["after"]) == ({"name": "R***(6)"}, {"name": "B***(12)"})


@pytest.mark.parametrize(
    "stray",
    [{"phone": "+8801712345678"}, {"email": "new@mail.test"}, {"status": "disabled"}, {"password": GOOD_PASSWORD}],
)
def test_the_merchant_cannot_give_a_customer_another_way_in(stray: dict[str, Any]) -> None:
    store = a_store()
    customer = register(store, phone=a_phone(), name="Rahima")
    before = store.merchant.get(path(customer)).json()

    answer = store.merchant.patch(path(customer), json={"name": "New", **stray})

    assert refused(answer) == (422, "validation_failed")
    assert store.merchant.get(path(customer)).json() == before


def test_a_disabled_customer_is_out_at_once_and_finds_no_other_way_in(sql: Sql) -> None:
    store = a_store()
    phone = a_phone()
    customer = register(store, phone=phone, password=GOOD_PASSWORD)
    before = customer.client.get("/storefront/account").status_code  # and so it is remembered

    disabled = store.merchant.post(path(customer, "/disable"))
    after = customer.client.get("/storefront/account").status_code
    refresh = store.shopper.post("/storefront/sessions/refresh", json={"refresh_token": customer.refresh})
    by_code = store.shopper.post("/storefront/sessions", json=code_of(store, ask(store, phone=phone)))
    by_password = store.shopper.post("/storefront/sessions", json={"phone": phone, "password": GOOD_PASSWORD})
    guess = store.shopper.post("/storefront/sessions", json={"phone": phone, "password": "not my words"})
    again = store.merchant.post(path(customer, "/disable"))

    assert (before, disabled.json()["status"], after) == (200, "disabled", 401)
    assert refused(refresh) == (401, "session_ended")
    assert refused(by_code) == refused(by_password) == (403, "account_disabled")
    assert refused(guess) == (401, "sign_in_refused")
    assert again.json()["version"] == disabled.json()["version"] == 2
    assert told(sql, store) == [("customer.registered", 1), ("customer.disabled", 2)]
    [entry] = audited(sql, store, "customer.disabled")
    assert (entry["before"], entry["after"]) == ({"status": "active"}, {"status": "disabled"})


def test_an_enabled_customer_signs_in_again_and_old_sessions_stay_ended() -> None:
    store = a_store()
    phone = a_phone()
    customer = sign_in(store, phone=phone)
    store.merchant.post(path(customer, "/disable"))

    enabled = store.merchant.post(path(customer, "/enable"))

    assert enabled.json()["status"] == "active"
    assert customer.client.get("/storefront/account").status_code == 401
    assert sign_in(store, phone=phone).id == customer.id


def test_a_deleted_customer_comes_back_as_they_were(sql: Sql) -> None:
    store = a_store()
    phone = a_phone()
    customer = register(store, phone=phone, name="Rahima")

    deleted = store.merchant.delete(path(customer))
    gone = [
        store.merchant.get(path(customer)).status_code,
        store.merchant.patch(path(customer), json={"name": "X"}).status_code,
        store.merchant.delete(path(customer)).status_code,
        store.merchant.post(path(customer, "/disable")).status_code,
        customer.client.get("/storefront/account").status_code,
        found(store.merchant.get("/customers")),
        found(store.merchant.get("/customers", params={"deleted_at[null]": "false"})),
    ]
    restored = store.merchant.post(path(customer, "/restore"))

    assert deleted.json()["deleted_at"] is not None
    assert gone == [404, 404, 404, 404, 401, [], [customer.id]]
    assert (restored.json()["deleted_at"], restored.json()["version"]) == (None, 3)
    assert store.merchant.post(path(customer, "/restore")).json() == restored.json()
    again = sign_in(store, phone=phone)
    assert (again.id, again.told["account"]["name"]) == (customer.id, "Rahima")
    assert told(sql, store) == [("customer.registered", 1), ("customer.deleted", 2), ("customer.restored", 3)]


def test_a_customer_whose_contact_is_somebody_elses_now_stays_deleted() -> None:
    store = a_store()
    phone = a_phone()
    first = sign_in(store, phone=phone)
    store.merchant.delete(path(first))
    second = sign_in(store, phone=phone)

    refusal = store.merchant.post(path(first, "/restore"))

    assert refused(refusal) == (409, "contact_taken")
    assert store.merchant.get(path(first)).status_code == 404
    assert sign_in(store, phone=phone).id == second.id


def test_ninety_days_after_the_deletion_a_customer_goes_for_good_with_all_that_is_theirs(sql: Sql) -> None:
    store = a_store()
    with clock.frozen(datetime(2027, 1, 1, tzinfo=UTC)) as time:
        customer = register(store, phone=a_phone(), name="Rahima")
        customer.client.post("/storefront/account/addresses", json={"line1": "House", "city": "Dhaka"})
        store.merchant.delete(path(customer))
        time.tick(timedelta(days=89, hours=23))
        with store.session() as session:
            early = tenant_life.purge(session, clock.now())
        time.tick(timedelta(hours=1))
        late = store.merchant.post(path(customer, "/restore"))
        with store.session() as session:
            removed = tenant_life.purge(session, clock.now())

    assert "customers" not in early
    assert refused(late) == (404, "not_found")
    assert (removed["customers"], removed["customer_addresses"]) == (1, 1)
    for table in ("customers", "customer_addresses", "customer_sessions", "customer_tokens"):
        assert sql(f"select count(*) as n from {table} where store_id = %s", store.id)[0]["n"] == 0


def test_reading_and_writing_customers_are_permissions_of_their_own() -> None:
    store = a_store()
    customer = sign_in(store, phone=a_phone())
    reader, nobody = store.token("customer.read"), store.token("order.read", "order.write")

    assert [client.get(path(customer)).status_code for client in (reader, nobody)] == [200, 403]
    assert [client.get("/customers").status_code for client in (reader, nobody)] == [200, 403]
    writes = [
        reader.patch(path(customer), json={"name": "X"}),
        reader.delete(path(customer)),
        *(reader.post(path(customer, f"/{action}")) for action in ("disable", "enable", "restore")),
    ]
    assert {refused(one) for one in writes} == {(403, "forbidden")}
    assert customer.client.get("/storefront/account").json()["version"] == 1


def test_a_customers_token_opens_nothing_of_the_merchants() -> None:
    store = a_store()
    customer = sign_in(store, phone=a_phone())

    answers = [customer.client.get("/customers"), customer.client.get(path(customer)), customer.client.get("/orders")]

    assert {refused(one) for one in answers} == {(401, "unauthenticated")}


def test_the_personal_columns_of_customers_are_known_to_whoever_erases_a_store() -> None:
    personal = {owned.name: {column.name for column in owned.personal} for owned in tenant_life.store_tables()}

    assert personal["customers"] == {"name", "email", "email_index", "phone", "phone_index", "password_digest"}
    assert personal["customer_addresses"] == personal["customer_codes"] == {"personal"}
    assert personal["customer_sessions"] == {"address"}


def test_a_closed_store_keeps_nothing_of_its_customers(sql: Sql) -> None:
    store = a_store()
    customer = register(store, phone=a_phone(), name="Rahima", password=GOOD_PASSWORD)
    customer.client.post("/storefront/account/addresses", json={"line1": "House", "city": "Dhaka"})

    with store.session() as session:
        done = tenant_life.erase(session)

    [row] = sql(
        "select name, email, phone, email_index, phone_index, password_digest from customers where store_id = %s",
        store.id,
    )
    assert done.finished
    assert set(row.values()) == {None}
    assert sql("select count(*) as n from customer_addresses where store_id = %s", store.id)[0]["n"] == 0
