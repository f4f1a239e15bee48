"""Registering: a contact that was proven makes an account, and nothing tells who has one."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from shared.core import clock
from tests.application import Watch
from tests.customers.shoppers import (
    GOOD_PASSWORD,
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


def test_a_phone_and_the_code_that_came_to_it_make_an_account(sql: Sql) -> None:
    store = a_store()
    phone = a_phone()

    asked = store.shopper.post("/storefront/customers", json={"phone": "0" + phone[4:], "name": "রহিমা খাতুন"})
    before = sql("select count(*) as n from customers where store_id = %s", store.id)[0]["n"]
    made = store.shopper.post("/storefront/sessions", json=code_of(store, asked))

    account = made.json()["account"]
    assert (asked.status_code, asked.json()["channel"], before, made.status_code) == (202, "sms", 0, 201)
    assert (made.json()["is_new"], account["name"], account["phone"]) == (True, "রহিমা খাতুন", phone)
    assert (account["email"], account["has_password"], account["version"]) == (None, False, 1)
    assert told(sql, store) == [("customer.registered", 1)]
    [entry] = audited(sql, store, "customer.registered")
    assert entry["after"] == {"name": "র***(11)", "email": None, "phone": "+***(14)"}


def test_the_code_comes_in_the_language_of_the_shop_or_in_the_one_that_was_asked_for() -> None:
    store = a_store()
    phone = a_phone()

    ask(store, phone=phone)
    ask(store, phone=phone, locale="en")

    (channel, to, bengali), (_, _, english) = messages(store)
    assert (channel, to) == ("sms", phone)
    assert "আপনার কোড" in bengali
    assert "is your code for Test store" in english
    assert len(bengali) <= 70 + len("Test store 1234")


def test_an_email_address_is_found_again_whatever_its_capitals() -> None:
    store = a_store()
    email = an_email()

    first = register(store, email=email.upper().replace("@MAIL.TEST", "@mail.test"), name="Rahim")
    again = sign_in(store, email=email)

    assert (first.told["is_new"], again.told["is_new"]) == (True, False)
    assert again.id == first.id


def test_nothing_personal_stands_in_the_rows_in_clear(sql: Sql) -> None:
    store = a_store()
    phone = a_phone()
    customer = register(store, phone=phone, name="Jahanara Secret")
    customer.client.post("/storefront/account/addresses", json={"line1": "House Secret", "city": "Dhaka"})

    tables = ("customers", "customer_addresses", "customer_codes", "customer_sessions", "customer_tokens")
    rows = [
        row["row"]
        for table in (*tables, "outgoing_messages", "audit_entries", "domain_events")
        for row in sql(f"select to_jsonb(t)::text as row from {table} t where store_id = %s", store.id)
    ]

    assert len(rows) > 8
    for secret in (phone, phone[4:], "Jahanara", "Secret", customer.access, customer.refresh):
        assert not [row for row in rows if secret in row]


def test_whether_a_contact_has_an_account_is_told_neither_by_the_answer_nor_by_the_statements(watch: Watch) -> None:
    store = a_store()
    known, unknown = a_phone(), a_phone()
    register(store, phone=known, name="Rahima", password=GOOD_PASSWORD)
    wanted = {"name": "Somebody", "password": "another good pass phrase"}
    seen = []
    for path, facts in (("/customers", wanted), ("/sessions/codes", {})):
        for phone in (known, unknown, a_phone()):  # the first fills what is remembered
            mark = len(watch.statements)
            answer = store.shopper.post(f"/storefront{path}", json={"phone": phone, **facts})
            told_of = {name: value for name, value in answer.json().items() if name not in ("id", "expires_at")}
            seen.append((path, answer.status_code, told_of, watch.statements[mark:]))

    assert seen[0] == seen[1] == seen[2]
    assert seen[3] == seen[4] == seen[5]
    assert seen[0][1] == 202


def test_an_account_that_is_there_keeps_its_name_and_password_when_its_contact_registers_again() -> None:
    store = a_store()
    phone = a_phone()
    first = register(store, phone=phone, name="Rahima", password=GOOD_PASSWORD)

    again = register(store, phone=phone, name="Somebody else", password="another good pass phrase")

    by_old = store.shopper.post("/storefront/sessions", json={"phone": phone, "password": GOOD_PASSWORD})
    by_new = store.shopper.post("/storefront/sessions", json={"phone": phone, "password": "another good pass phrase"})
    assert (again.id, again.told["is_new"], again.told["account"]["name"]) == (first.id, False, "Rahima")
    assert (by_old.status_code, refused(by_new)) == (201, (401, "sign_in_refused"))


def test_an_address_that_nobody_has_proven_is_in_nobodys_way_and_its_password_opens_nothing() -> None:
    store = a_store()
    email = an_email()
    squatted = store.shopper.post("/storefront/customers", json={"email": email, "password": GOOD_PASSWORD})

    owner = register(store, email=email, name="Owner", password="the owner's own words")

    by_squatter = store.shopper.post("/storefront/sessions", json={"email": email, "password": GOOD_PASSWORD})
    assert squatted.status_code == 202
    assert (owner.told["is_new"], owner.told["account"]["name"]) == (True, "Owner")
    assert refused(by_squatter) == (401, "sign_in_refused")


def test_the_owners_code_does_not_complete_what_a_squatter_began() -> None:
    store = a_store()
    phone = a_phone()
    squatted = store.shopper.post("/storefront/customers", json={"phone": phone, "password": GOOD_PASSWORD})
    own = code_of(store, ask(store, phone=phone))

    crossed = store.shopper.post("/storefront/sessions", json={**own, "code_id": squatted.json()["id"]})
    signed_in = store.shopper.post("/storefront/sessions", json=own)

    assert refused(crossed) == (422, "code_refused")
    assert signed_in.json()["account"]["has_password"] is False


def test_of_two_registrations_of_one_phone_at_once_one_makes_the_account_and_both_are_in_it(sql: Sql) -> None:
    store = a_store()
    phone = a_phone()
    codes = [
        code_of(store, store.shopper.post("/storefront/customers", json={"phone": phone, "name": name}))
        for name in ("One", "Two")
    ]

    with ThreadPoolExecutor(2) as tabs:
        answers = list(tabs.map(lambda shown: store.shopper.post("/storefront/sessions", json=shown), codes))

    customers = [customer_of(store, answer) for answer in answers]
    assert sorted(one.told["is_new"] for one in customers) == [False, True]
    assert len({one.id for one in customers}) == 1
    assert sql("select count(*) as n from customers where store_id = %s", store.id)[0]["n"] == 1
    assert told(sql, store) == [("customer.registered", 1)]


def test_one_code_signs_in_once_however_many_show_it_at_once() -> None:
    store = a_store()
    shown = code_of(store, ask(store, phone=a_phone()))

    with ThreadPoolExecutor(4) as tabs:
        answers = list(tabs.map(lambda _: store.shopper.post("/storefront/sessions", json=shown), range(4)))

    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422]
    assert {refused(one) for one in answers if one.status_code != 201} == {(422, "code_refused")}


def test_a_code_that_was_used_is_refused_unless_it_is_the_same_request() -> None:
    store = a_store()
    shown = code_of(store, ask(store, phone=a_phone()))

    first = store.shopper.post("/storefront/sessions", json=shown, key="one")
    again = store.shopper.post("/storefront/sessions", json=shown, key="one")
    replayed = store.shopper.post("/storefront/sessions", json=shown)

    assert (again.status_code, again.body, again.headers["idempotent-replayed"]) == (201, first.body, "true")
    assert refused(replayed) == (422, "code_refused")


def test_after_five_wrong_tries_the_right_code_is_refused_too(sql: Sql) -> None:
    store = a_store()
    shown = code_of(store, ask(store, phone=a_phone()))
    guess = {**shown, "code": wrong(shown["code"])}

    answers = [store.shopper.post("/storefront/sessions", json=guess) for _ in range(5)]
    late = store.shopper.post("/storefront/sessions", json=shown)

    assert {refused(one) for one in [*answers, late]} == {(422, "code_refused")}
    assert sql("select tries, used_at from customer_codes where store_id = %s", store.id) == [
        {"tries": 5, "used_at": None}
    ]
    assert sql("select count(*) as n from customers where store_id = %s", store.id)[0]["n"] == 0


def test_of_twenty_guesses_at_once_five_are_compared(sql: Sql) -> None:
    store = a_store()
    shown = code_of(store, ask(store, phone=a_phone()))
    guess = {**shown, "code": wrong(shown["code"])}

    with ThreadPoolExecutor(10) as tabs:
        answers = list(tabs.map(lambda _: store.shopper.post("/storefront/sessions", json=guess), range(20)))

    assert {refused(one) for one in answers} == {(422, "code_refused")}
    assert sql("select tries from customer_codes where store_id = %s", store.id) == [{"tries": 5}]


def test_a_code_is_over_after_ten_minutes() -> None:
    store = a_store()
    with clock.frozen(datetime(2027, 1, 1, tzinfo=UTC)) as time:
        late, in_time = (code_of(store, ask(store, phone=a_phone())) for _ in range(2))
        time.tick(timedelta(minutes=9, seconds=59))
        before = store.shopper.post("/storefront/sessions", json=in_time)
        time.tick(timedelta(seconds=1))
        after = store.shopper.post("/storefront/sessions", json=late)

    assert (before.status_code, refused(after)) == (201, (422, "code_refused"))


def test_a_code_of_another_store_is_none() -> None:
    mine, theirs = a_store(), a_store()
    phone = a_phone()
    shown = code_of(theirs, ask(theirs, phone=phone))

    assert refused(mine.shopper.post("/storefront/sessions", json=shown)) == (422, "code_refused")
    assert theirs.shopper.post("/storefront/sessions", json=shown).status_code == 201


def test_codes_to_one_contact_are_throttled_alike_for_known_and_unknown_ones() -> None:
    store = a_store()
    known, unknown = an_email(), an_email()
    register(store, email=known)  # one of the five

    answers = [
        [ask(store, email=spelling) for spelling in (email, email.upper(), email, email)] for email in (known, unknown)
    ]
    last = ask(store, email=unknown)
    over = [ask(store, email=known), ask(store, email=unknown)]

    assert {answer.status_code for group in answers for answer in group} == {202}
    assert last.status_code == 202
    assert {refused(one) for one in over} == {(429, "too_many_requests")}
    assert all(int(one.headers["retry-after"]) > 600 for one in over)
    assert ask(store, phone=a_phone()).status_code == 202


def test_codes_from_one_network_are_throttled_whatever_the_contacts() -> None:
    store = a_store()
    store.shopper.source_ip = "203.0.113.7"

    answers = [ask(store, phone=a_phone()).status_code for _ in range(61)]
    store.shopper.source_ip = "203.0.113.8"
    elsewhere = ask(store, phone=a_phone()).status_code

    assert (answers[:60], answers[60], elsewhere) == ([202] * 60, 429, 202)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"phone": "+8801712345678", "email": "both@mail.test"},
        {"phone": "12"},
        {"email": "nobody"},
        {"phone": "+8801712345678", "password": "short"},
        {"phone": "+8801712345678", "password": "password123"},
        {"phone": "+8801712345678", "status": "active"},
        {"phone": "+8801712345678", "phone_verified_at": "2026-01-01T00:00:00Z"},
    ],
)
def test_what_cannot_be_an_account_is_refused_and_nothing_is_sent(body: dict[str, str]) -> None:
    store = a_store()

    answer = store.shopper.post("/storefront/customers", json=body)

    assert answer.status_code == 422
    assert messages(store) == []
