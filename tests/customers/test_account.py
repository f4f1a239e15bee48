"""A customer's own account: name and language, contacts, password, and its end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.core import clock
from tests.client import Answer
from tests.customers.shoppers import (
    GOOD_PASSWORD,
    Customer,
    a_phone,
    an_email,
    ask,
    audited,
    code_of,
    customer_of,
    messages,
    refused,
    register,
    sign_in,
    told,
    wrong,
)
from tests.database import Sql
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
STEP_UP = (403, "step_up_required")
OTHER_PASSWORD = "nine boats on a river"


def change(customer: Customer, **contact: str) -> Answer:
    """Change a contact, with the code that comes to the new one."""
    asked = customer.client.post("/storefront/account/contacts", json=contact)
    if asked.status_code != 202:
        return asked
    return customer.client.post("/storefront/account/contacts/confirm", json=code_of(customer.store, asked))


def set_password(customer: Customer, **facts: str) -> Answer:
    return customer.client.put("/storefront/account/password", json=facts)


def test_name_and_language_change_and_an_empty_edit_changes_nothing(sql: Sql) -> None:
    store = a_store()
    customer = register(store, phone=a_phone(), name="Rahima")

    edited = customer.client.patch("/storefront/account", json={"name": "Rahima Khatun", "locale": "bn-BD"})
    same = customer.client.patch("/storefront/account", json={"name": "Rahima Khatun"})
    gone = customer.client.patch("/storefront/account", json={"name": None})
    stale = customer.client.patch("/storefront/account", json={"name": "X"}, headers={"If-Match": '"1"'})

    assert (edited.json()["name"], edited.json()["locale"], edited.json()["version"]) == ("Rahima Khatun", "bn-BD", 2)
    assert (same.json()["version"], same.headers["etag"]) == (2, '"2"')
    assert (gone.json()["name"], gone.json()["version"]) == (None, 3)
    assert refused(stale) == (412, "stale_version")
    assert told(sql, store) == [("customer.registered", 1), ("customer.updated", 2), ("customer.updated", 3)]
    first, second = audited(sql, store, "customer.updated")
    assert (first["before"], first["after"]) == (
        {"name": "R***(6)", "locale": None},
        {"name": "R***(13)", "locale": "bn-BD"},
    )
    assert (first["actor_kind"], first["actor_id"]) == ("customer", str(customer.uuid))
    assert second["after"] == {"name": None}


@pytest.mark.parametrize(
    "stray",
    [
        {"id": "cust_01h455vb4pex5vsknk084sn02q"},
        {"status": "active"},
        {"email": "new@mail.test"},
        {"phone": "+8801712345678"},
        {"email_verified_at": "2026-01-01T00:00:00Z"},
        {"password": GOOD_PASSWORD},
        {"version": 9},
        {"store_id": "x"},
    ],
)
def test_an_edit_takes_name_and_language_and_nothing_else(stray: dict[str, Any]) -> None:
    customer = register(a_store(), phone=a_phone(), name="Rahima")

    answer = customer.client.patch("/storefront/account", json={"name": "New", **stray})

    account = customer.client.get("/storefront/account").json()
    assert refused(answer) == (422, "validation_failed")
    assert account == customer.told["account"]


def test_another_contact_takes_the_place_of_the_old_one_once_it_is_proven_and_the_old_one_is_told(sql: Sql) -> None:
    store = a_store()
    old, new = a_phone(), a_phone()
    customer = sign_in(store, phone=old)

    asked = customer.client.post("/storefront/account/contacts", json={"phone": new})
    meanwhile = customer.client.get("/storefront/account").json()["phone"]
    confirmed = customer.client.post("/storefront/account/contacts/confirm", json=code_of(store, asked))

    assert (meanwhile, confirmed.status_code, confirmed.json()["phone"]) == (old, 200, new)
    [(channel, to, text)] = messages(store, "customer_contact_changed")
    assert (channel, to) == ("sms", old)
    assert f"***{new[-3:]}" in text
    assert new not in text
    assert sign_in(store, phone=new).id == customer.id
    assert sign_in(store, phone=old).id != customer.id
    [entry] = audited(sql, store, "customer.updated")
    assert (entry["before"], entry["after"]) == ({"phone": "+***(14)"}, {"phone": "+***(14) (another)"})


def test_a_first_email_address_is_told_to_the_phone(sql: Sql) -> None:
    store = a_store()
    phone, email = a_phone(), an_email()
    customer = sign_in(store, phone=phone)

    added = change(customer, email=email)

    assert (added.json()["email"], added.json()["phone"]) == (email, phone)
    assert [to for _, to, _ in messages(store, "customer_contact_changed")] == [phone]
    assert sign_in(store, email=email).id == sign_in(store, phone=phone).id == customer.id
    assert told(sql, store)[-1] == ("customer.updated", 2)


def test_a_contact_changes_only_within_five_minutes_of_a_sign_in() -> None:
    store = a_store()
    phone = a_phone()
    with clock.frozen(NOON) as time:
        customer = register(store, phone=phone, password=GOOD_PASSWORD)
        time.tick(timedelta(minutes=5))
        late = customer.client.post("/storefront/account/contacts", json={"phone": a_phone()})
        body = {"phone": phone, "password": GOOD_PASSWORD}
        fresh = customer_of(store, customer.client.post("/storefront/sessions", json=body))
        time.tick(timedelta(minutes=4, seconds=59))
        in_time = fresh.client.post("/storefront/account/contacts", json={"phone": a_phone()})

    assert refused(late) == STEP_UP
    assert in_time.status_code == 202


def test_a_contact_of_another_account_can_not_be_taken_and_asking_does_not_tell_that_it_is_one() -> None:
    store = a_store()
    theirs, free = a_phone(), a_phone()
    me = sign_in(store, phone=a_phone())
    somebody = sign_in(store, phone=theirs)

    asked = [me.client.post("/storefront/account/contacts", json={"phone": phone}) for phone in (theirs, free)]
    taken = me.client.post("/storefront/account/contacts/confirm", json=code_of(store, asked[0]))

    assert [{k: v for k, v in one.json().items() if k == "channel"} for one in asked] == [{"channel": "sms"}] * 2
    assert refused(taken) == (409, "contact_taken")
    assert me.client.get("/storefront/account").json() == me.told["account"]
    assert sign_in(store, phone=theirs).id == somebody.id


def test_a_code_for_a_contact_is_one_customers_and_signs_nobody_in() -> None:
    store = a_store()
    me, somebody = sign_in(store, phone=a_phone()), sign_in(store, phone=a_phone())
    shown = code_of(store, me.client.post("/storefront/account/contacts", json={"phone": a_phone()}))
    to_sign_in = code_of(store, ask(store, phone=a_phone()))

    by_somebody = somebody.client.post("/storefront/account/contacts/confirm", json=shown)
    as_sign_in = store.shopper.post("/storefront/sessions", json=shown)
    crossed = me.client.post("/storefront/account/contacts/confirm", json=to_sign_in)
    guessed = me.client.post("/storefront/account/contacts/confirm", json={**shown, "code": wrong(shown["code"])})
    right = me.client.post("/storefront/account/contacts/confirm", json=shown)
    again = me.client.post("/storefront/account/contacts/confirm", json=shown)

    assert {refused(one) for one in (by_somebody, as_sign_in, crossed, guessed, again)} == {(422, "code_refused")}
    assert right.status_code == 200


def test_a_first_password_is_set_after_a_code_and_signs_in() -> None:
    store = a_store()
    phone = a_phone()
    customer = sign_in(store, phone=phone)

    done = set_password(customer, password=GOOD_PASSWORD)

    entered = store.shopper.post("/storefront/sessions", json={"phone": phone, "password": GOOD_PASSWORD})
    assert (done.status_code, done.json()["has_password"], entered.status_code) == (200, True, 201)
    [(channel, to, text)] = messages(store, "customer_password_changed")
    assert (channel, to) == ("sms", phone)
    assert GOOD_PASSWORD not in text


def test_a_password_changes_with_the_present_one_and_ends_every_other_session(sql: Sql) -> None:
    store = a_store()
    phone = a_phone()
    with clock.frozen(NOON) as time:
        here = register(store, phone=phone, password=GOOD_PASSWORD)
        there = sign_in(store, phone=phone)
        time.tick(timedelta(minutes=6))
        without = set_password(here, password=OTHER_PASSWORD)
        guessed = set_password(here, password=OTHER_PASSWORD, current_password="not my words")
        done = set_password(here, password=OTHER_PASSWORD, current_password=GOOD_PASSWORD)
        seen = [one.client.get("/storefront/account").status_code for one in (here, there)]

    assert {refused(one) for one in (without, guessed)} == {(422, "current_password_refused")}
    assert (done.status_code, seen) == (200, [200, 401])
    assert [
        store.shopper.post("/storefront/sessions", json={"phone": phone, "password": password}).status_code
        for password in (GOOD_PASSWORD, OTHER_PASSWORD)
    ] == [401, 201]
    [entry] = audited(sql, store, "customer.updated")
    assert entry["before"].keys() == entry["after"].keys() == {"password_changed_at"}
    assert told(sql, store)[-1] == ("customer.updated", 2)


def test_a_forgotten_password_is_reset_by_a_code() -> None:
    store = a_store()
    phone = a_phone()
    with clock.frozen(NOON) as time:
        register(store, phone=phone, password=GOOD_PASSWORD)
        time.tick(timedelta(days=30))
        customer = sign_in(store, phone=phone)
        done = set_password(customer, password=OTHER_PASSWORD)
        time.tick(timedelta(minutes=5))
        late = set_password(customer, password="yet another good one")

    assert done.status_code == 200
    assert refused(late) == (422, "current_password_refused")


def test_who_signed_in_by_password_must_give_it_again_to_change_it() -> None:
    store = a_store()
    phone = a_phone()
    register(store, phone=phone, password=GOOD_PASSWORD)
    body = {"phone": phone, "password": GOOD_PASSWORD}
    customer = customer_of(store, store.shopper.post("/storefront/sessions", json=body))

    assert refused(set_password(customer, password=OTHER_PASSWORD)) == (422, "current_password_refused")


def test_a_first_password_asks_for_a_fresh_proof() -> None:
    store = a_store()
    with clock.frozen(NOON) as time:
        customer = sign_in(store, phone=a_phone())
        time.tick(timedelta(minutes=5))
        late = set_password(customer, password=GOOD_PASSWORD)

    assert refused(late) == STEP_UP
    assert customer.told["account"]["has_password"] is False


def test_guesses_at_the_present_password_are_throttled() -> None:
    store = a_store()
    with clock.frozen(NOON) as time:
        customer = register(store, phone=a_phone(), password=GOOD_PASSWORD)
        time.tick(timedelta(minutes=6))
        guesses = [
            refused(set_password(customer, password=OTHER_PASSWORD, current_password=f"guess {number}"))
            for number in range(11)
        ]

    assert guesses == [(422, "current_password_refused")] * 10 + [(429, "too_many_requests")]


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "too_short"),
        ("x" * 129, "too_long"),
        ("password123", "too_common"),
        (GOOD_PASSWORD, "used_before"),
        ("jahanara", "about_you"),
    ],
)
def test_a_password_that_could_be_guessed_is_refused(password: str, reason: str) -> None:
    customer = register(a_store(), phone=a_phone(), name="Jahanara", password=GOOD_PASSWORD)

    answer = set_password(customer, password=password)

    assert refused(answer) == (422, "password_refused")
    assert answer.json()["reason"] == reason
    assert customer.client.get("/storefront/account").json()["version"] == 1


def test_a_deleted_account_is_over_at_once_and_its_contact_is_free(sql: Sql) -> None:
    store = a_store()
    phone = a_phone()
    customer, elsewhere = register(store, phone=phone, name="Rahima"), sign_in(store, phone=phone)

    gone = customer.client.delete("/storefront/account")
    seen = [one.client.get("/storefront/account").status_code for one in (customer, elsewhere)]
    again = sign_in(store, phone=phone)

    assert (gone.status_code, seen) == (200, [401, 401])
    assert (again.told["is_new"], again.told["account"]["name"]) == (True, None)
    assert again.id != customer.id
    assert told(sql, store) == [("customer.registered", 1), ("customer.deleted", 2), ("customer.registered", 1)]
    [entry] = audited(sql, store, "customer.deleted")
    assert entry["before"] == {"deleted_at": None}


def test_an_account_is_deleted_only_within_five_minutes_of_a_sign_in() -> None:
    store = a_store()
    with clock.frozen(NOON) as time:
        customer = sign_in(store, phone=a_phone())
        time.tick(timedelta(minutes=5))
        refusal = customer.client.delete("/storefront/account")
        there = customer.client.get("/storefront/account")

    assert (refused(refusal), there.status_code) == (STEP_UP, 200)


def test_without_an_access_token_there_is_no_account() -> None:
    store = a_store()

    answers = [store.shopper.get(f"/storefront/{path}") for path in ("account", "sessions", "account/orders")]

    assert {refused(one) for one in answers} == {(401, "unauthenticated")}


def test_what_the_edge_keeps_is_the_same_for_a_customer_and_for_everybody() -> None:
    store = a_store(stock={"MUG": 5})
    store.show()
    customer = sign_in(store, phone=a_phone())
    paths = ("/storefront/products", "/storefront/store")

    for path in paths:
        plain, as_customer = store.shopper.get(path), customer.client.get(path)
        made_up = store.shopper.get(path, headers={"Authorization": "Bearer ca_nonsense"})
        assert plain.status_code == 200
        assert "public" in plain.headers["cache-control"]
        for other in (as_customer, made_up):
            assert other.body == plain.body
            assert [other.headers.get(name) for name in ("cache-control", "etag", "vary")] == [
                plain.headers.get(name) for name in ("cache-control", "etag", "vary")
            ]
    assert customer.client.get("/storefront/account").headers["cache-control"] == "no-store"
