"""Signing up: the same answer for everybody, and an account for who reads the mail and knows the password."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import argon2
import pytest

from shared.core import clock, passwords
from shared.core.clock import FrozenClock
from tests.application import Watch
from tests.client import Answer
from tests.database import Sql
from tests.identity.letterbox import Letterbox
from tests.identity.people import PASSWORD, a_browser, a_person, an_address

pytestmark = pytest.mark.usefixtures("watch")

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def _sign_up(email: str, **facts: str) -> Answer:
    return a_browser().post("/signup", json={"email": email, "name": "Rahima", "password": PASSWORD, **facts})


def test_who_follows_the_link_and_knows_the_password_is_in(sql: Sql) -> None:
    email, browser = an_address(), a_browser()

    signed_up = _sign_up(email)
    page, token = Letterbox(sql, email).link()
    verified = browser.post("/signup/verification", json={"token": token, "password": PASSWORD})

    assert (signed_up.status_code, signed_up.json()) == (202, {"email": email})
    assert (signed_up.cookies, page) == ((), "/sign-up/confirm")
    assert (verified.status_code, verified.json()["session"]["is_present"]) == (200, True)
    assert browser.get("/session").json()["person"]["email_verified_at"] is not None
    assert browser.get("/session").json()["person"]["locale"] == "bn-BD"


@pytest.mark.parametrize(
    ("locale", "subject"),
    [
        ("bn-BD", "StormCom-এর জন্য আপনার ঠিকানা নিশ্চিত করুন"),
        ("en", "Confirm your address for StormCom"),
        ("de", "Confirm your address for StormCom"),
    ],
)
def test_the_mail_speaks_the_persons_language_and_repeats_no_text_of_whoever_had_it_sent(
    locale: str, subject: str, sql: Sql
) -> None:
    email = an_address()

    a_browser().post(
        "/signup", json={"email": email, "name": "Win at https://evil.test", "password": PASSWORD, "locale": locale}
    )

    [letter] = Letterbox(sql, email).letters()
    assert (letter["subject"], letter["to"], letter["purpose"]) == (subject, email, "verify_email")
    assert "evil" not in str(letter)


def test_a_person_is_kept_encrypted_and_their_password_as_a_hash(sql: Sql) -> None:
    email = an_address()

    _sign_up(email)

    owner = Letterbox(sql, email).owner
    tables = ("users", "password_history", "mailed_links", "outgoing_messages", "audit_entries")
    for table in tables:
        column = {"users": "id", "outgoing_messages": "store_id", "audit_entries": "store_id"}.get(table, "user_id")
        [told] = sql(
            f"select string_agg(t::text, ' ') as whole, count(*) as n from {table} t where {column} = %s", owner
        )
        assert told["n"] == 1, table
        assert not any(text in told["whole"] for text in (email, "Rahima", PASSWORD)), table
        hex_of = [text.encode().hex() for text in (email, "Rahima", PASSWORD)]
        assert not any(text in told["whole"] for text in hex_of), table


def test_an_address_that_has_an_account_gets_the_same_answer_and_its_owner_a_mail(sql: Sql) -> None:
    person = a_person()

    fresh, again = _sign_up(an_address()), _sign_up(person.email, password="five blue kettles")

    assert (again.status_code, again.json()) == (202, {"email": person.email})
    assert fresh.headers.keys() == again.headers.keys()
    [letter] = Letterbox(sql, person.email).letters()
    assert letter["purpose"] == "already_registered"
    assert Letterbox(sql, person.email).link()[0] == "/reset-password"
    assert person.sign_in().status_code == 200
    assert person.sign_in(password="five blue kettles").status_code == 401


def test_the_same_is_done_for_an_address_that_has_an_account(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    person, hashed = a_person(), []
    make = argon2.PasswordHasher.hash

    def seen(self: argon2.PasswordHasher, password: str | bytes, **salt: bytes) -> str:
        hashed.append(1)
        return make(self, password, **salt)

    monkeypatch.setattr(argon2.PasswordHasher, "hash", seen)
    done = []
    for email in (person.email, an_address(), person.email, an_address()):
        mark, before = len(watch.statements), len(hashed)
        _sign_up(email)
        done.append((watch.count_since(mark), len(hashed) - before))

    assert done == [(8, 1)] * 4


@pytest.mark.parametrize(
    ("password", "reason"),
    [("kettles", "too_short"), ("password1", "too_common"), ("x" * 129, "too_long"), ("rahima-at-work", "about_you")],
)
def test_a_password_that_could_be_guessed_is_refused_and_nothing_is_kept(password: str, reason: str, sql: Sql) -> None:
    email = f"rahima-at-work.{an_address()}"

    refused = _sign_up(email, password=password)

    assert (refused.status_code, refused.json()["code"], refused.json()["reason"]) == (422, "password_refused", reason)
    assert password not in refused.text
    assert Letterbox(sql, email).owner is None


def test_of_two_who_sign_up_with_one_address_at_once_one_is_created_and_both_are_answered(
    sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    email, both, make = an_address(), threading.Barrier(2), passwords.hash

    def together(password: str) -> str:
        made = make(password)
        both.wait(timeout=30)  # both have found nobody when they go on
        return made

    monkeypatch.setattr(passwords, "hash", together)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: _sign_up(email), range(2)))

    assert [answer.status_code for answer in answers] == [202, 202]
    letters = Letterbox(sql, email).letters()
    assert sorted(letter["purpose"] for letter in letters) == ["already_registered", "verify_email"]


def test_whoever_signs_up_with_anothers_address_gains_nothing_when_that_other_follows_the_link(sql: Sql) -> None:
    victim, thief = an_address(), a_browser()
    thief.post("/signup", json={"email": victim, "name": "Thief", "password": "mine mine mine"})
    _, token = Letterbox(sql, victim).link()

    followed = a_browser().post("/signup/verification", json={"token": token, "password": PASSWORD})
    thiefs = thief.post("/session", json={"email": victim, "password": "mine mine mine"})

    assert (followed.status_code, followed.json()["code"]) == (403, "wrong_password")
    assert (thiefs.status_code, thiefs.json()["code"]) == (403, "email_unverified")
    assert sql("select 1 from sessions where user_id = %s", Letterbox(sql, victim).owner) == []


@pytest.fixture
def time() -> object:
    with clock.frozen(NOON) as frozen:
        yield frozen


def test_a_link_is_good_for_24_hours_and_for_one_use(time: FrozenClock, sql: Sql) -> None:
    early, late = an_address(), an_address()
    for email in (early, late):
        _sign_up(email)
    (_, in_time), (_, too_late) = (Letterbox(sql, email).link() for email in (early, late))

    time.tick(timedelta(hours=24, seconds=-1))
    used = a_browser().post("/signup/verification", json={"token": in_time, "password": PASSWORD})
    again = a_browser().post("/signup/verification", json={"token": in_time, "password": PASSWORD})
    time.tick(timedelta(seconds=1))
    over = a_browser().post("/signup/verification", json={"token": too_late, "password": PASSWORD})

    assert [used.status_code, again.status_code, over.status_code] == [200, 410, 410]
    assert (again.json()["code"], again.cookies) == ("link_refused", ())


def test_a_link_that_was_cut_or_altered_is_refused(sql: Sql) -> None:
    email = an_address()
    _sign_up(email)
    _, token = Letterbox(sql, email).link()

    spoiled = [token[:-1], token[:-1] + "!", "rp" + token[2:], "", token.swapcase()]
    answers = [a_browser().post("/signup/verification", json={"token": one, "password": PASSWORD}) for one in spoiled]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(410, "link_refused")] * 5


def test_a_wrong_password_with_the_right_link_counts_towards_a_limit_and_leaves_the_link_good(sql: Sql) -> None:
    email = an_address()
    _sign_up(email)
    _, token = Letterbox(sql, email).link()
    with clock.frozen(clock.now()) as frozen:
        tried = [
            a_browser().post("/signup/verification", json={"token": token, "password": "wrong"}).status_code
            for _ in range(11)
        ]
        frozen.tick(timedelta(minutes=2))
        right = a_browser().post("/signup/verification", json={"token": token, "password": PASSWORD})

    assert tried == [403] * 10 + [429]
    assert right.status_code == 200


def test_an_address_gets_three_mails_an_hour_at_a_strangers_wish(time: FrozenClock, sql: Sql) -> None:
    person, nobody = a_person(), an_address()

    known = [_sign_up(person.email).status_code for _ in range(4)]
    unknown = [a_browser().post("/password-reset", json={"email": nobody}).status_code for _ in range(4)]
    time.tick(timedelta(minutes=20))

    assert known == unknown == [202, 202, 202, 429]
    assert _sign_up(person.email).status_code == 202
    assert len(Letterbox(sql, person.email).letters()) == 4


@pytest.mark.parametrize(
    "wrong",
    [{"email": "rahim"}, {"name": " "}, {"locale": "klingon"}, {"password": None}, {"email": None}],
)
def test_a_form_that_cannot_be_right_is_refused(wrong: dict[str, str | None]) -> None:
    answer = a_browser().post("/signup", json={"email": an_address(), "name": "R", "password": PASSWORD, **wrong})

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


def test_what_the_form_does_not_ask_for_is_refused(sql: Sql) -> None:
    before = sql("select count(*) as n from users")
    asked = {"email": an_address(), "name": "R", "password": PASSWORD}

    answer = a_browser().post("/signup", json=asked | {"email_verified_at": "2026-01-01T00:00:00Z", "id": "x"})

    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/email_verified_at", "/id"}
    assert sql("select count(*) as n from users") == before
