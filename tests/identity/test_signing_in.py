"""Signing in: who gets in, who does not, and that nobody learns from it who has an account."""

from datetime import UTC, datetime, timedelta

import argon2
import pytest

from shared.core import browsers, clock, credentials
from tests.application import Watch
from tests.database import Sql
from tests.identity.people import PASSWORD, Browser, a_browser, a_person, an_address

pytestmark = pytest.mark.usefixtures("watch")

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_who_signs_in_gets_a_cookie_that_no_script_and_no_other_site_gets_hold_of(sql: Sql) -> None:
    person, browser = a_person(), a_browser()

    answer = person.sign_in(browser)

    assert answer.status_code == 200
    [cookie] = answer.cookies
    pair, *attributes = cookie.split("; ")
    assert pair.startswith("__Host-stormcom=ss_")
    assert sorted(attributes) == ["HttpOnly", "Max-Age=86400", "Path=/", "SameSite=Lax", "Secure"]
    assert browser.token not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    [kept] = sql("select s::text as whole, digest from sessions s where user_id = %s", person.id)
    assert bytes(kept["digest"]) == credentials.digest(browser.token)
    assert browser.token not in kept["whole"]
    assert answer.json()["session"]["is_present"] is True
    assert answer.json()["second_factor"] is None


def test_the_session_says_who_one_is() -> None:
    person = a_person()

    told = person.signed_in().get("/session")

    assert told.status_code == 200
    assert (told.json()["person"]["email"], told.json()["person"]["name"]) == (person.email, person.name)
    assert (told.json()["organization_id"], told.json()["store_id"], told.json()["permissions"]) == (None, None, [])


def test_an_address_is_the_same_whatever_its_capitals() -> None:
    person = a_person(email=an_address().replace("p-", "Rahim-"))

    answer = a_browser().post("/session", json={"email": person.email.upper(), "password": PASSWORD})

    assert answer.status_code == 200


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer_and_are_written_down(sql: Sql) -> None:
    person = a_person()

    wrong = person.sign_in(password="five green kettles")
    unknown = a_browser().post("/session", json={"email": an_address(), "password": PASSWORD})

    documents = [{k: v for k, v in answer.json().items() if k != "correlation_id"} for answer in (wrong, unknown)]
    assert documents[0] == documents[1]
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong_email_or_password")
    assert wrong.headers.keys() == unknown.headers.keys()
    assert (wrong.cookies, unknown.cookies) == ((), ())
    assert sql("select 1 from sessions where user_id = %s", person.id) == []
    noted = sql(
        "select actor_kind, severity from audit_entries where store_id = %s and action = %s", *_refused(person.id)
    )
    assert noted == [{"actor_kind": "guest", "severity": "notice"}]


def test_the_same_is_done_for_an_address_that_nobody_has(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    person, verified = a_person(), []
    verify = argon2.PasswordHasher.verify

    def seen(self: argon2.PasswordHasher, hash: str, password: str | bytes) -> bool:  # noqa: A002 -- the library's name
        verified.append(hash.rsplit("$", 2)[0])
        return verify(self, hash, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", seen)
    done = []
    for email in (person.email, an_address(), person.email, an_address()):
        mark, before = len(watch.statements), len(verified)
        a_browser().post("/session", json={"email": email, "password": "five green kettles"})
        done.append((watch.statements[mark:], verified[before:]))

    assert done[2] == done[3] == done[1] == done[0]
    assert len(done[0][0]) == 4  # the limits, who it is, what they are let in by, and the record
    assert len(done[0][1]) == 1


@pytest.mark.parametrize("state", ["disabled_at", "deleted_at"])
def test_who_was_disabled_or_deleted_is_out_at_once_and_does_not_come_back_in(state: str, sql: Sql) -> None:
    person = a_person()
    browser = person.signed_in()
    assert browser.get("/session").status_code == 200

    sql(f"update users set {state} = now() where id = %s", person.id)

    assert browser.get("/session").status_code == 401
    refused = person.sign_in()
    assert (refused.status_code, refused.json()["code"]) == (401, "wrong_email_or_password")


def test_who_has_no_password_is_not_let_in_by_any() -> None:
    person = a_person(password=None)

    assert [person.sign_in(password=one).json()["code"] for one in (PASSWORD, " ")] == ["wrong_email_or_password"] * 2


def test_an_address_that_was_not_confirmed_lets_nobody_in_and_gets_a_new_link(sql: Sql) -> None:
    email = an_address()
    a_browser().post("/signup", json={"email": email, "name": "Rahima", "password": PASSWORD})

    wrong = a_browser().post("/session", json={"email": email, "password": "five green kettles"})
    right = a_browser().post("/session", json={"email": email, "password": PASSWORD})

    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong_email_or_password")
    assert (right.status_code, right.json()["code"], right.cookies) == (403, "email_unverified", ())
    [user] = sql(
        "select user_id, count(*) as n from mailed_links where user_id in "
        "(select user_id from mailed_links order by created_at desc limit 1) group by 1"
    )
    assert user["n"] == 2
    assert sql("select 1 from sessions where user_id = %s", user["user_id"]) == []


def test_a_hash_of_weaker_parameters_is_replaced_at_the_next_sign_in(sql: Sql) -> None:
    person = a_person()
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    sql("update users set password_hash = %s where id = %s", weak, person.id)

    assert person.sign_in().status_code == 200
    [kept] = sql("select password_hash from users where id = %s", person.id)
    assert person.sign_in().status_code == 200

    assert kept["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert len(sql("select 1 from audit_entries where store_id = %s and action = 'password.rehashed'", person.id)) == 1


def test_a_session_that_was_planted_before_is_worth_nothing_after_a_sign_in() -> None:
    person, thief = a_person(), a_person()
    planted = thief.signed_in().token
    browser = a_browser(planted)

    assert person.sign_in(browser).status_code == 200

    assert browser.token != planted
    assert browser.get("/session").json()["person"]["email"] == person.email
    assert a_browser(planted).get("/session").json()["person"]["email"] == thief.email


def test_signing_in_anew_in_the_same_browser_ends_the_session_before(sql: Sql) -> None:
    person = a_person()
    browser = person.signed_in()
    before = browser.token

    person.sign_in(browser)

    assert a_browser(before).get("/session").status_code == 401
    assert browser.get("/session").status_code == 200
    ended = sql("select ended_because from sessions where user_id = %s and ended_at is not null", person.id)
    assert ended == [{"ended_because": "signed_in_anew"}]


@pytest.mark.parametrize(
    "token",
    ["", "ss_", "ss_" + "0" * 36, "x" * 4000, credentials.generate(credentials.SESSION)],
    ids=["empty", "no more than a prefix", "a wrong checksum", "far too long", "nobody's"],
)
def test_a_cookie_that_is_none_of_ours_opens_nothing_and_is_in_nobodys_way(token: str) -> None:
    person, browser = a_person(), a_browser(token)

    assert browser.get("/session").status_code == 401
    assert person.sign_in(browser).status_code == 200
    assert browser.get("/session").status_code == 200


def test_whoever_has_a_second_factor_gets_a_challenge_and_no_session(sql: Sql) -> None:
    person, browser = a_person(), a_browser()
    sql("update users set second_factor_since = now() where id = %s", person.id)

    answer = person.sign_in(browser)

    assert (answer.status_code, answer.cookies, answer.json()["session"]) == (200, (), None)
    challenge = answer.json()["second_factor"]["challenge"]
    assert credentials.is_well_formed("sc", challenge)
    assert sql("select 1 from sessions where user_id = %s", person.id) == []
    [kept] = sql("select digest, c::text as whole from sign_in_challenges c where user_id = %s", person.id)
    assert bytes(kept["digest"]) == credentials.digest(challenge)
    assert challenge not in kept["whole"]


def test_an_account_can_be_tried_ten_times_from_one_address_and_thirty_from_all() -> None:
    person = a_person()
    with clock.frozen(NOON) as frozen:
        one = a_browser()
        first = [person.sign_in(one, password="wrong kettles").status_code for _ in range(11)]
        right = person.sign_in(one)
        elsewhere = [person.sign_in(password="wrong kettles").status_code for _ in range(20)]
        frozen.tick(timedelta(minutes=15))
        later = person.sign_in(one)

    assert first == [401] * 10 + [429]
    assert (right.status_code, right.json()["code"], right.headers["retry-after"]) == (429, "too_many_requests", "90")
    assert elsewhere == [401] * 18 + [429] * 2  # two of the thirty were refused for the address's sake, and counted
    assert later.status_code == 200


def test_the_limits_are_the_same_for_an_address_that_nobody_has() -> None:
    email, browser = an_address(), a_browser()
    with clock.frozen(NOON):
        told = [browser.post("/session", json={"email": email, "password": "x"}) for _ in range(11)]

    assert [answer.status_code for answer in told] == [401] * 10 + [429]
    assert told[-1].headers["retry-after"] == "90"


def test_of_an_address_one_hundred_tries_an_hour_are_let_through_whatever_the_accounts() -> None:
    browser = a_browser()
    with clock.frozen(NOON):
        told = [browser.post("/session", json={"email": an_address(), "password": "x"}).status_code for _ in range(101)]

    assert told == [401] * 100 + [429]


def test_whoever_has_a_network_of_addresses_has_one_limit_for_all_of_them() -> None:
    with clock.frozen(NOON):
        told = [
            Browser(source_ip=f"2001:db8:0:7:{number:x}::1")
            .post("/session", json={"email": an_address(), "password": "x"})
            .status_code
            for number in range(101)
        ]
        beside = Browser(source_ip="2001:db8:0:8::1").post("/session", json={"email": an_address(), "password": "x"})

    assert told == [401] * 100 + [429]
    assert beside.status_code == 401


def test_the_name_of_the_cookie_binds_it_to_this_host() -> None:
    assert browsers.SESSION_COOKIE.startswith("__Host-")


def _refused(store_id: object) -> tuple[object, str]:
    return store_id, "sign_in.refused"
