"""Signing in by an account at another issuer, against an issuer that answers on this machine."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from shared.core import clock
from shared.core.settings import use_settings
from shared.identity import issuers
from tests.client import Answer
from tests.database import Sql
from tests.identity import factors, issuer
from tests.identity.issuer import CLIENT_ID, CLIENT_SECRET, LocalIssuer
from tests.identity.people import PASSWORD, Browser, Person, a_browser, a_person, an_address

pytestmark = pytest.mark.usefixtures("watch")


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalIssuer]:
    with issuer.serving() as served:
        listed = {"name": "local", "issuer": served.url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        path = tmp_path / "issuers.json"
        path.write_text(json.dumps([listed]))
        issuers.forget()
        with use_settings(issuers=f"file:{path}"):
            yield served
        issuers.forget()


def known_as(local: LocalIssuer, subject: str, **claims: Any) -> str:
    """Let somebody sit before the browser, whom the issuer knows; return their address."""
    email = an_address()
    local.person = {"sub": subject, "email": email, "email_verified": True, "name": "Rahima Khatun", **claims}
    told: str = local.person["email"]
    return told


def sent(browser: Browser) -> str:
    answer = browser.post("/session/issuer", json={"issuer": "local"})
    assert answer.status_code == 200, answer.text
    where: str = answer.json()["authorization_url"]
    return where


def signed_in(local: LocalIssuer, browser: Browser) -> Answer:
    return completed(browser, local.come_back(sent(browser)))


def completed(browser: Browser, response: dict[str, str]) -> Answer:
    return browser.post("/session/issuer/completion", json=response)


def test_the_issuers_are_named_without_our_secrets(local: LocalIssuer) -> None:
    answer = a_browser().get("/session/issuers")

    assert answer.json() == {"data": ["local"]}
    assert local.url not in answer.text


def test_whom_the_issuer_vouches_for_has_an_account_from_then_on(local: LocalIssuer, sql: Sql) -> None:
    email, browser = known_as(local, "248289761001"), Keeping()

    first = signed_in(local, browser)
    again = signed_in(local, other := Keeping())

    assert (first.status_code, again.status_code) == (200, 200)
    me, still_me = browser.get("/session").json()["person"], other.get("/session").json()["person"]
    assert (me["email"], me["name"], me["password_changed_at"]) == (email, "Rahima Khatun", None)
    assert still_me["id"] == me["id"]
    [kept] = sql(
        "select a::text as whole, issuer from accounts a where subject_index is not null order by id desc limit 1"
    )
    assert kept["issuer"] == "local"
    assert "248289761001" not in kept["whole"]


def test_an_address_that_the_issuer_does_not_vouch_for_makes_nobody(local: LocalIssuer, sql: Sql) -> None:
    before = sql("select count(*) as n from users")
    answers = []
    for claims in ({"email_verified": False}, {"email_verified": "true"}, {"email": "no address"}):
        known_as(local, "a", **claims)
        answers.append(signed_in(local, Keeping()))

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "email_unverified")}
    assert sql("select count(*) as n from users") == before


def test_an_address_opens_nobodys_account_until_they_linked_it(local: LocalIssuer) -> None:
    person, browser = a_person(), Keeping()
    known_as(local, "of-" + person.email, email=person.email)

    stranger = signed_in(local, browser)
    linked = link(local, person)
    owner = signed_in(local, browser)

    assert (stranger.status_code, stranger.json()["code"], stranger.cookies) == (409, "account_unknown", ())
    assert linked.status_code == 200
    assert owner.status_code == 200
    assert browser.get("/session").json()["person"]["email"] == person.email


def test_an_account_belongs_to_one_person(local: LocalIssuer) -> None:
    first, second = a_person(), a_person()
    known_as(local, "shared-" + first.email)
    link(local, first)

    taken = link(local, second)

    assert (taken.status_code, taken.json()["code"]) == (409, "account_taken")


def test_a_second_factor_is_asked_for_all_the_same(local: LocalIssuer) -> None:
    person = a_person()
    known_as(local, "with-" + person.email)
    link(local, person)
    factors.have(person.id)

    answer = signed_in(local, browser := Keeping())

    assert (answer.status_code, answer.json()["session"]) == (200, None)
    assert answer.json()["second_factor"]["challenge"].startswith("sc_")
    assert browser.get("/session").status_code == 401


def test_a_response_serves_once_and_in_the_browser_that_asked_for_it(local: LocalIssuer) -> None:
    known_as(local, "once")
    mine = Keeping()
    response = local.come_back(sent(mine))

    thief = completed(Keeping(), response)
    owner = completed(mine, response)
    again = completed(mine, response)

    assert [(one.status_code, one.json().get("code")) for one in (thief, again)] == [(401, "issuer_refused")] * 2
    assert owner.status_code == 200


def test_a_response_of_another_sign_in_is_refused(local: LocalIssuer) -> None:
    known_as(local, "crossed")
    attacker, victim = Keeping(), Keeping()
    planted = local.come_back(sent(attacker))
    sent(victim)

    answer = completed(victim, planted)  # login CSRF: the victim would be signed in as the attacker

    assert (answer.status_code, answer.json()["code"], answer.cookies) == (401, "issuer_refused", ())


def test_a_sign_in_that_takes_longer_than_ten_minutes_is_over(local: LocalIssuer) -> None:
    known_as(local, "slow")
    browser = Keeping()
    response = local.come_back(sent(browser))

    with clock.frozen(clock.now() + timedelta(minutes=10, seconds=1)):
        answer = completed(browser, response)

    assert (answer.status_code, answer.json()["code"]) == (401, "issuer_refused")


@pytest.mark.parametrize(
    "bent",
    [
        {"aud": "another-client"},
        {"iss": "https://elsewhere.example"},
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"exp": 1},
        {"sub": None},
        {"azp": "another-client", "aud": [CLIENT_ID, "another-client"]},
    ],
    ids=str,
)
def test_a_token_that_says_something_else_is_refused(bent: dict[str, Any], local: LocalIssuer, sql: Sql) -> None:
    known_as(local, "bent")
    before = sql("select count(*) as n from users")
    local.bent = bent

    answer = signed_in(local, Keeping())

    assert (answer.status_code, answer.json()["code"]) == (401, "issuer_refused")
    assert sql("select count(*) as n from users") == before


def test_a_token_that_another_key_signed_is_refused_and_new_keys_are_learnt(local: LocalIssuer) -> None:
    known_as(local, "rotated")
    signed_in(local, Keeping())  # its keys are known now
    local.signs_with = RSAKey.generate_key(2048)
    forged = signed_in(local, Keeping())

    local.key, local.signs_with = RSAKey.generate_key(2048, {"kid": "new"}), None
    rotated = signed_in(local, Keeping())

    assert (forged.status_code, forged.json()["code"]) == (401, "issuer_refused")
    assert rotated.status_code == 200


def test_a_response_that_names_another_issuer_is_refused(local: LocalIssuer) -> None:
    known_as(local, "mixed")
    browser = Keeping()
    response = local.come_back(sent(browser)) | {"iss": "https://elsewhere.example"}

    answer = completed(browser, response)

    assert (answer.status_code, answer.json()["code"]) == (401, "issuer_refused")


def test_an_issuer_that_does_not_answer_is_said_to_be_the_trouble(local: LocalIssuer, tmp_path: Path) -> None:
    gone = {"name": "gone", "issuer": "http://127.0.0.1:9", "client_id": "x", "client_secret": "y"}
    open_ = {**gone, "name": "open", "issuer": "http://plain.example"}
    path = tmp_path / "gone.json"
    path.write_text(json.dumps([gone, open_]))

    with use_settings(issuers=f"file:{path}"):
        answers = [a_browser().post("/session/issuer", json={"issuer": name}) for name in ("gone", "open", "none")]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (502, "issuer_unreachable"),
        (502, "issuer_unreachable"),
        (404, "not_found"),
    ]
    assert local.asked == []


def test_the_last_way_in_stays(local: LocalIssuer) -> None:
    known_as(local, "only")
    browser = Keeping()
    signed_in(local, browser)
    [account] = browser.get("/accounts").json()["data"]
    with_password = a_person()
    known_as(local, "second-" + with_password.email)
    other = with_password.signed_in()
    link(local, with_password)
    [linked] = other.get("/accounts").json()["data"]

    stays = browser.delete(f"/accounts/{account['id']}")
    goes = other.delete(f"/accounts/{linked['id']}")
    foreign = other.delete(f"/accounts/{account['id']}")

    assert (stays.status_code, stays.json()["code"]) == (409, "last_way_in")
    assert (goes.status_code, goes.json()) == (200, {"data": []})
    assert foreign.status_code == 404


def test_who_links_has_proven_who_they_are(local: LocalIssuer, sql: Sql) -> None:
    person = a_person()
    browser = person.signed_in()
    sql("update sessions set proven_at = now() - interval '6 minutes' where user_id = %s", person.id)

    answer = browser.post("/accounts", json={"issuer": "local"})

    assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")
    assert local.asked == []


class Keeping(Browser):
    """A browser that keeps both of our cookies."""

    def request(self, method: str, path: str, **request: Any) -> Answer:
        kept = dict(pair.split("=", 1) for pair in self.headers.pop("Cookie", "").split("; ") if pair)
        if kept:
            self.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in kept.items())
        answer = super().request(method, path, **request)
        for cookie in answer.cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            kept[name] = value
        self.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in kept.items() if value)
        return answer


def link(local: LocalIssuer, person: Person) -> Answer:
    """Link the account of whoever sits before the browser to a person who has signed in."""
    browser = Keeping()
    assert browser.post("/session", json={"email": person.email, "password": PASSWORD}).status_code == 200
    answer = browser.post("/accounts", json={"issuer": "local"})
    assert answer.status_code == 200, answer.text
    return completed(browser, local.come_back(answer.json()["authorization_url"]))
