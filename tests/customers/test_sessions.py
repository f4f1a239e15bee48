"""Sessions of customers: access that ends at once, refresh tokens that serve once, and how a thief is noticed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from shared.core import clock, credentials, database, ids, tenant_life
from shared.customers import sessions
from tests.application import Watch
from tests.client import Answer, Client
from tests.customers.shoppers import (
    GOOD_PASSWORD,
    a_phone,
    ask,
    audited,
    code_of,
    customer_of,
    refused,
    register,
    sign_in,
    signed_in,
)
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("watch")

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
ENDED = (401, "session_ended")


def renew(store: StoreUnderTest, token: str, key: str | bool = False) -> Answer:  # noqa: FBT001, FBT002 -- as the client has it
    return store.shopper.post("/storefront/sessions/refresh", json={"refresh_token": token}, key=key)


def reads(store: StoreUnderTest, access: str) -> int:
    return signed_in(store, access).get("/storefront/account").status_code


def test_access_lasts_a_quarter_of_an_hour_and_is_renewed_for_sixty_days() -> None:
    store = a_store()
    with clock.frozen(NOON) as time:
        customer = sign_in(store, phone=a_phone())
        told = (customer.told["access_expires_at"], customer.told["refresh_expires_at"])
        time.tick(timedelta(minutes=14, seconds=59))
        before = reads(store, customer.access)
        time.tick(timedelta(seconds=1))
        after = reads(store, customer.access)
        time.tick(timedelta(days=59))
        renewed = renew(store, customer.refresh)
        again = reads(store, renewed.json()["access_token"])
        time.tick(timedelta(days=60))
        late = renew(store, renewed.json()["refresh_token"])

    assert told == ("2027-01-01T12:15:00Z", "2027-03-02T12:00:00Z")
    assert (before, after, renewed.status_code, again) == (200, 401, 200, 200)
    assert refused(late) == ENDED


def test_a_session_is_over_after_a_year_however_often_it_was_renewed() -> None:
    store = a_store()
    with clock.frozen(NOON) as time:
        told = sign_in(store, phone=a_phone()).told
        for _ in range(7):
            time.tick(timedelta(days=52))
            told = renew(store, told["refresh_token"]).json()
        time.tick(timedelta(days=1))
        late = renew(store, told["refresh_token"])

    assert told["refresh_expires_at"] == "2028-01-01T12:00:00Z"
    assert refused(late) == ENDED


def test_a_renewal_gives_another_pair_and_the_old_access_lives_out_its_time() -> None:
    store = a_store()
    customer = sign_in(store, phone=a_phone())

    renewed = renew(store, customer.refresh).json()

    assert renewed["access_token"].startswith("ca_")
    assert renewed["refresh_token"].startswith("cr_")
    assert credentials.is_well_formed("ca", renewed["access_token"])
    assert credentials.is_well_formed("cr", renewed["refresh_token"])
    assert {renewed["access_token"], renewed["refresh_token"]}.isdisjoint({customer.access, customer.refresh})
    assert renewed["session_id"] == customer.told["session_id"]
    assert (reads(store, customer.access), reads(store, renewed["access_token"])) == (200, 200)


def test_a_client_that_lost_the_answer_asks_again_within_half_a_minute_and_gets_the_same_pair(sql: Sql) -> None:
    store = a_store()
    with clock.frozen(NOON) as time:
        customer = sign_in(store, phone=a_phone())
        first = renew(store, customer.refresh)
        time.tick(sessions.GRACE)
        again = renew(store, customer.refresh)
        goes_on = renew(store, again.json()["refresh_token"])

    assert (again.status_code, again.json()) == (200, first.json())
    assert goes_on.status_code == 200
    assert sql("select count(*) as n from customer_tokens where store_id = %s", store.id)[0]["n"] == 3


def test_the_same_request_by_its_idempotency_key_gets_its_answer_however_late() -> None:
    store = a_store()
    with clock.frozen(NOON) as time:
        customer = sign_in(store, phone=a_phone())
        first = renew(store, customer.refresh, key="lost on the way")
        time.tick(timedelta(hours=1))
        again = renew(store, customer.refresh, key="lost on the way")
        goes_on = renew(store, again.json()["refresh_token"])

    assert (again.body, again.headers["idempotent-replayed"]) == (first.body, "true")
    assert goes_on.status_code == 200


def test_a_refresh_token_that_comes_back_later_ends_the_whole_session_and_is_noted(sql: Sql) -> None:
    store = a_store()
    with clock.frozen(NOON) as time:
        customer = sign_in(store, phone=a_phone())
        renewed = renew(store, customer.refresh).json()
        time.tick(sessions.GRACE + timedelta(seconds=1))
        stolen = renew(store, customer.refresh)
        access = [reads(store, token) for token in (customer.access, renewed["access_token"])]
        honest = renew(store, renewed["refresh_token"])

    assert refused(stolen) == ENDED
    assert access == [401, 401]
    assert refused(honest) == ENDED
    [entry] = audited(sql, store, "customer_session.ended")
    assert (entry["severity"], entry["after"]["because"]) == ("critical", "refresh_token_used_twice")


def test_a_token_whose_successor_was_used_is_in_two_hands_even_within_half_a_minute() -> None:
    store = a_store()
    with clock.frozen(NOON):
        customer = sign_in(store, phone=a_phone())
        second = renew(store, customer.refresh).json()
        third = renew(store, second["refresh_token"]).json()
        stolen = renew(store, customer.refresh)

    assert refused(stolen) == ENDED
    assert (reads(store, third["access_token"]), refused(renew(store, third["refresh_token"]))) == (401, ENDED)


def test_a_thief_within_half_a_minute_gets_no_branch_of_their_own() -> None:
    store = a_store()
    with clock.frozen(NOON) as time:
        customer = sign_in(store, phone=a_phone())
        honest = renew(store, customer.refresh).json()
        stolen = renew(store, customer.refresh).json()
        time.tick(timedelta(minutes=15))
        first = renew(store, honest["refresh_token"])
        time.tick(timedelta(minutes=15))
        second = renew(store, stolen["refresh_token"])

    assert stolen == honest
    assert (first.status_code, refused(second)) == (200, ENDED)
    assert refused(renew(store, first.json()["refresh_token"])) == ENDED


def test_the_other_sessions_of_the_customer_outlive_the_theft() -> None:
    store = a_store()
    phone = a_phone()
    with clock.frozen(NOON) as time:
        stolen_from, other = sign_in(store, phone=phone), sign_in(store, phone=phone)
        renew(store, stolen_from.refresh)
        time.tick(timedelta(minutes=5))
        renew(store, stolen_from.refresh)
        seen = [reads(store, one.access) for one in (stolen_from, other)]

    assert seen == [401, 200]


def test_one_refresh_token_sent_from_many_tabs_at_once_gives_one_pair(sql: Sql) -> None:
    store = a_store()
    customer = sign_in(store, phone=a_phone())

    with ThreadPoolExecutor(8) as tabs:
        answers = list(tabs.map(lambda _: renew(store, customer.refresh), range(8)))

    assert [answer.status_code for answer in answers] == [200] * 8
    assert len({answer.body for answer in answers}) == 1
    assert sql("select count(*) as n from customer_tokens where store_id = %s", store.id)[0]["n"] == 2


def test_signing_out_ends_access_with_the_next_request() -> None:
    store = a_store()
    phone = a_phone()
    here, there = sign_in(store, phone=phone), sign_in(store, phone=phone)
    before = reads(store, here.access)  # and so it is remembered

    out = here.client.delete("/storefront/session")

    assert (before, out.status_code, out.json()) == (200, 200, {"ended": 1})
    assert (reads(store, here.access), refused(renew(store, here.refresh))) == (401, ENDED)
    assert reads(store, there.access) == 200


def test_signing_out_everywhere_ends_every_session() -> None:
    store = a_store()
    phone = a_phone()
    here, there, somebody = sign_in(store, phone=phone), sign_in(store, phone=phone), sign_in(store, phone=a_phone())

    out = here.client.delete("/storefront/sessions")

    assert out.json() == {"ended": 2}
    assert [reads(store, one.access) for one in (here, there, somebody)] == [401, 401, 200]


def test_a_customer_sees_where_they_are_signed_in_and_signs_one_device_out() -> None:
    store = a_store()
    phone = a_phone()
    lost = sign_in(store, phone=phone)
    shown = code_of(store, ask(store, phone=phone))
    named = Client({**store.shopper.headers, "User-Agent": "Cheap phone"})
    here = customer_of(store, named.post("/storefront/sessions", json=shown))

    listed = here.client.get("/storefront/sessions").json()["data"]
    ended = here.client.delete(f"/storefront/sessions/{lost.told['session_id']}")
    again = here.client.delete(f"/storefront/sessions/{lost.told['session_id']}")

    assert [(one["id"], one["is_current"], one["user_agent"]) for one in listed] == [
        (here.told["session_id"], True, "Cheap phone"),
        (lost.told["session_id"], False, None),
    ]
    assert (ended.json(), again.json()) == ({"ended": 1}, {"ended": 0})
    assert (reads(store, lost.access), reads(store, here.access)) == (401, 200)
    assert len(here.client.get("/storefront/sessions").json()["data"]) == 1


def test_nobody_sees_or_ends_the_session_of_another_customer() -> None:
    store = a_store()
    me, somebody = sign_in(store, phone=a_phone()), sign_in(store, phone=a_phone())

    refusal = me.client.delete(f"/storefront/sessions/{somebody.told['session_id']}")

    assert refused(refusal) == (404, "not_found")
    assert reads(store, somebody.access) == 200
    assert len(me.client.get("/storefront/sessions").json()["data"]) == 1


def test_signing_in_again_with_the_present_token_ends_the_session_that_it_belongs_to() -> None:
    store = a_store()
    phone = a_phone()
    before, other = sign_in(store, phone=phone), sign_in(store, phone=phone)
    shown = code_of(store, ask(store, phone=phone))

    after = customer_of(store, before.client.post("/storefront/sessions", json=shown))

    assert [reads(store, one.access) for one in (before, other, after)] == [401, 200, 200]


def test_a_session_that_was_there_before_the_sign_in_never_becomes_the_one_that_is_signed_in() -> None:
    store = a_store()
    planted = sign_in(store, phone=a_phone())  # by an attacker, who has the victim's browser send it
    shown = code_of(store, ask(store, phone=a_phone()))

    victim = customer_of(store, planted.client.post("/storefront/sessions", json=shown))

    assert {victim.access, victim.refresh}.isdisjoint({planted.access, planted.refresh})
    assert planted.client.get("/storefront/account").json()["id"] == planted.id != victim.id


def test_a_password_signs_in_and_a_wrong_one_tells_nothing(sql: Sql) -> None:
    store = a_store()
    known, without, unknown = a_phone(), a_phone(), a_phone()
    register(store, phone=known, password=GOOD_PASSWORD)
    sign_in(store, phone=without)

    def enter(phone: str, password: str) -> Answer:
        return store.shopper.post("/storefront/sessions", json={"phone": phone, "password": password})

    right = enter(known, GOOD_PASSWORD)
    wrongs = [enter(known, "not my words"), enter(without, GOOD_PASSWORD), enter(unknown, GOOD_PASSWORD)]

    assert right.status_code == 201
    assert {refused(one) for one in wrongs} == {(401, "sign_in_refused")}
    assert len({one.json()["detail"] for one in wrongs}) == 1
    entries = audited(sql, store, "customer.sign_in_refused")
    assert [entry["after"] for entry in entries] == [{"by": "password", "phone": "+***(14)"}] * 3


def test_a_wrong_password_costs_the_same_statements_whoever_it_is_for(watch: Watch) -> None:
    store = a_store()
    known, without, unknown = a_phone(), a_phone(), a_phone()
    register(store, phone=known, password=GOOD_PASSWORD)
    sign_in(store, phone=without)
    seen = []
    for phone in (a_phone(), known, without, unknown):  # the first fills what is remembered
        mark = len(watch.statements)
        store.shopper.post("/storefront/sessions", json={"phone": phone, "password": "not my words"})
        seen.append(watch.statements[mark:])

    assert seen[1] == seen[2] == seen[3]
    assert any("throttles" in one for one in seen[1])


def test_passwords_for_one_contact_are_throttled_even_the_right_one() -> None:
    store = a_store()
    phone = a_phone()
    register(store, phone=phone, password=GOOD_PASSWORD)
    body = {"phone": phone, "password": "not my words"}

    guesses = [store.shopper.post("/storefront/sessions", json=body).status_code for _ in range(10)]
    right = store.shopper.post("/storefront/sessions", json={"phone": phone, "password": GOOD_PASSWORD})
    by_code = sign_in(store, phone=phone)

    assert guesses == [401] * 10
    assert refused(right) == (429, "too_many_requests")
    assert by_code.told["is_new"] is False


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"phone": "+8801712345678"},
        {"password": GOOD_PASSWORD},
        {"code": "123456"},
        {"phone": "+8801712345678", "email": "a@mail.test", "password": GOOD_PASSWORD},
        {"phone": "+8801712345678", "code": "123456"},
        {"email": "no address", "password": GOOD_PASSWORD},
        {"phone": "12", "password": GOOD_PASSWORD},
        {"code_id": ids.encode("ccode", ids.new_id()), "code": "12345"},
        {"code_id": ids.encode("ccode", ids.new_id()), "code": "123456", "password": "x"},
        {"code_id": ids.encode("ccode", ids.new_id()), "code": "১২৩৪৫৬"},
    ],
)
def test_a_sign_in_that_is_neither_code_nor_password_is_refused(body: dict[str, str]) -> None:
    assert refused(a_store().shopper.post("/storefront/sessions", json=body)) == (422, "validation_failed")


def test_a_customer_of_one_store_is_nobody_in_another() -> None:
    mine, theirs = a_store(), a_store()
    phone = a_phone()
    here, there = sign_in(mine, phone=phone), sign_in(theirs, phone=phone)

    crossed = [signed_in(mine, there.access).get("/storefront/account"), renew(mine, there.refresh)]
    kept = [reads(theirs, there.access), renew(theirs, there.refresh).status_code]

    assert here.id != there.id
    assert (here.told["is_new"], there.told["is_new"]) == (True, True)
    assert [answer.status_code for answer in crossed] == [401, 401]
    assert kept == [200, 200]


def test_tokens_that_were_cut_altered_or_made_up_open_nothing() -> None:
    store = a_store()
    customer = sign_in(store, phone=a_phone())
    access, refresh = customer.access, customer.refresh
    flipped = [f"{one[:9]}{'A' if one[9] != 'A' else 'B'}{one[10:]}" for one in (access, refresh)]

    accesses = [flipped[0], access[:-1], access + "A", refresh, credentials.generate("ct"), store.secret_token]
    refreshes = [flipped[1], refresh[:-1], refresh + "A", access, credentials.generate("cr"), ""]

    assert [reads(store, token) for token in accesses] == [401] * len(accesses)
    assert {refused(renew(store, token)) for token in refreshes} == {ENDED}
    assert (reads(store, access), renew(store, refresh).status_code) == (200, 200)


def test_a_disabled_store_lets_no_customer_in(sql: Sql) -> None:
    store = a_store()
    customer = sign_in(store, phone=a_phone())
    sql("update stores set status = 'suspended' where id = %s", store.id)

    assert (reads(store, customer.access), renew(store, customer.refresh).status_code) == (401, 401)


def test_sessions_and_tokens_go_when_nobody_can_use_them_any_more(sql: Sql) -> None:
    store = a_store()
    sign_in(store, phone=a_phone())
    with database.transaction(store.id) as session:
        removed = tenant_life.purge(session, clock.now() + timedelta(days=91))

    assert removed["customer_sessions"] == removed["customer_tokens"] == removed["customer_codes"] == 1
    assert sql("select count(*) as n from customers where store_id = %s", store.id)[0]["n"] == 1
