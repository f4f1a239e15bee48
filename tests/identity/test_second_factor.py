"""The second factor: set up by a code, asked for at sign-in and before risky acts, each code good for one use."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pyotp import TOTP

from shared.core import clock
from shared.core.clock import FrozenClock
from tests.client import Answer
from tests.database import Sql
from tests.identity.letterbox import Letterbox
from tests.identity.people import PASSWORD, Browser, Person, a_browser, a_person

pytestmark = pytest.mark.usefixtures("watch")

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def time() -> Iterator[FrozenClock]:
    with clock.frozen(NOON) as frozen:
        yield frozen


def shown(secret: str, *, steps: int = 0) -> str:
    """Return what an app shows at this moment, or some steps of thirty seconds from it."""
    return TOTP(secret).at(clock.now(), steps)


def begun(browser: Browser) -> dict[str, Any]:
    answer = browser.post("/authenticators", json={"name": "Phone"})
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def set_up(person: Person, time: FrozenClock) -> tuple[Browser, str, list[str]]:
    """Give somebody a second factor; return their browser, the app's secret and the recovery codes."""
    browser = person.signed_in()
    app = begun(browser)
    confirmed = browser.post(
        f"/authenticators/{app['authenticator']['id']}/confirmation", json={"code": shown(app["secret"])}
    )
    assert confirmed.status_code == 200, confirmed.text
    time.tick(timedelta(seconds=30))  # the code that confirmed it is used up
    return browser, app["secret"], confirmed.json()["recovery_codes"]


def challenged(person: Person) -> str:
    answer = person.sign_in()
    assert (answer.status_code, answer.json()["session"], answer.cookies) == (200, None, ())
    challenge: str = answer.json()["second_factor"]["challenge"]
    return challenge


def complete(challenge: str, code: str, browser: Browser | None = None) -> Answer:
    return (browser or a_browser()).post("/session/second-factor", json={"challenge": challenge, "code": code})


def actions(sql: Sql, person: Person) -> list[str]:
    rows = sql("select action from audit_entries where store_id = %s order by id", person.id)
    return [row["action"] for row in rows]


def test_an_app_learns_its_secret_once_and_proves_nothing_until_it_is_confirmed(sql: Sql) -> None:
    person = a_person()
    browser = person.signed_in()

    app = begun(browser)

    address = urlsplit(app["uri"])
    assert (address.scheme, address.netloc, parse_qs(address.query)["secret"]) == ("otpauth", "totp", [app["secret"]])
    assert parse_qs(address.query)["issuer"] == ["StormCom"]
    assert app["qr_code"].startswith("<svg")
    [kept] = sql("select a::text as whole from authenticators a where user_id = %s", person.id)
    assert app["secret"] not in kept["whole"]
    listed = browser.get("/authenticators")
    assert [one["confirmed_at"] for one in listed.json()["data"]] == [None]
    assert app["secret"] not in listed.text
    assert person.sign_in().json()["second_factor"] is None


def test_with_the_first_code_a_sign_in_needs_the_app_and_other_browsers_are_out(time: FrozenClock, sql: Sql) -> None:
    person = a_person()
    elsewhere = person.signed_in()
    browser, secret, codes = set_up(person, time)

    answer = complete(challenged(person), shown(secret))

    assert answer.status_code == 200
    assert answer.json()["has_second_factor"] is True
    assert (elsewhere.get("/session").status_code, browser.get("/session").status_code) == (401, 200)
    assert len(set(codes)) == 10
    assert all(len(code.replace("-", "")) == 24 for code in codes)
    assert browser.get("/authenticators").json()["recovery_codes_left"] == 10
    assert Letterbox(sql, person.email).letters()[-1]["purpose"] == "second_factor_changed"


def test_the_password_alone_opens_nothing_and_neither_does_the_challenge(time: FrozenClock) -> None:
    person = a_person()
    set_up(person, time)

    challenge = challenged(person)

    assert a_browser(challenge).get("/session").status_code == 401
    wrong = complete(challenge, "000000")
    assert (wrong.status_code, wrong.json()["code"], wrong.cookies) == (403, "wrong_code", ())


def test_a_code_serves_once_and_no_earlier_one_serves_after_it(time: FrozenClock, sql: Sql) -> None:
    person = a_person()
    _, secret, _ = set_up(person, time)
    used, earlier = shown(secret), shown(secret, steps=-1)
    first = complete(challenged(person), used)

    again = complete(challenged(person), used)
    before = complete(challenged(person), earlier)

    assert first.status_code == 200
    assert [(answer.status_code, answer.json()["code"]) for answer in (again, before)] == [(403, "wrong_code")] * 2
    assert actions(sql, person).count("second_factor.refused") == 2


def test_of_two_who_use_one_code_at_once_one_gets_in(time: FrozenClock) -> None:
    person = a_person()
    _, secret, _ = set_up(person, time)
    challenges, code = [challenged(person) for _ in range(4)], shown(secret)

    with ThreadPoolExecutor(4) as thieves:
        answers = list(thieves.map(lambda challenge: complete(challenge, code).status_code, challenges))

    assert sorted(answers) == [200, 403, 403, 403]


def test_clocks_may_differ_by_half_a_minute_and_by_no_more(time: FrozenClock) -> None:
    person = a_person()
    _, secret, _ = set_up(person, time)
    time.tick(timedelta(minutes=5))

    far = [complete(challenged(person), shown(secret, steps=steps)).status_code for steps in (-2, 2)]
    near = [complete(challenged(person), shown(secret, steps=steps)).status_code for steps in (-1, 1)]

    assert (far, near) == ([403, 403], [200, 200])


def test_a_recovery_code_serves_once_and_its_owner_is_told(time: FrozenClock, sql: Sql) -> None:
    person = a_person()
    browser, _, codes = set_up(person, time)

    first = complete(challenged(person), codes[3].lower().replace("-", " "))
    again = complete(challenged(person), codes[3])

    assert (first.status_code, again.status_code, again.json()["code"]) == (200, 403, "wrong_code")
    assert browser.get("/authenticators").json()["recovery_codes_left"] == 9
    letter = Letterbox(sql, person.email).letters()[-1]
    assert letter["purpose"] == "recovery_code_used"
    assert "9 left" in letter["text"]
    rows = sql("select r::text as whole from recovery_codes r where user_id = %s", person.id)
    assert codes[3].replace("-", "") not in str(rows)


def test_new_recovery_codes_make_the_old_ones_worth_nothing(time: FrozenClock) -> None:
    person = a_person()
    browser, secret, old = set_up(person, time)
    assert browser.post("/session/step-up", json={"code": shown(secret)}).status_code == 200

    new = browser.post("/recovery-codes").json()["recovery_codes"]

    assert set(old) & set(new) == set()
    assert complete(challenged(person), old[0]).status_code == 403
    assert complete(challenged(person), new[0]).status_code == 200


def test_a_challenge_ends_after_five_minutes_and_after_its_use(time: FrozenClock) -> None:
    person = a_person()
    _, secret, codes = set_up(person, time)
    used, late = challenged(person), challenged(person)
    complete(used, shown(secret))

    again = complete(used, codes[0])
    time.tick(timedelta(minutes=5))
    too_late = complete(late, codes[0])

    assert [(one.status_code, one.json()["code"]) for one in (again, too_late)] == [(410, "challenge_refused")] * 2


def test_guessing_ends_after_ten_tries_for_the_right_code_too(time: FrozenClock) -> None:
    person = a_person()
    _, secret, _ = set_up(person, time)
    challenge = challenged(person)
    time.tick(timedelta(minutes=2))

    guesses = [complete(challenge, f"{number:06}").status_code for number in range(11)]
    right = complete(challenge, shown(secret))

    assert set(guesses[:9]) == {403}
    assert (guesses[-1], right.status_code, right.json()["code"]) == (429, 429, "too_many_requests")


def test_who_has_a_second_factor_steps_up_by_it_and_not_by_the_password(time: FrozenClock) -> None:
    person = a_person()
    browser, secret, _ = set_up(person, time)
    time.tick(timedelta(minutes=6))
    stale = browser.post("/authenticators", json={"name": "Tablet"})

    by_password = browser.post("/session/step-up", json={"password": PASSWORD})
    by_code = browser.post("/session/step-up", json={"code": shown(secret)})

    assert (stale.status_code, stale.json()["code"]) == (403, "step_up_required")
    assert (by_password.status_code, by_password.json()["code"]) == (403, "second_factor_needed")
    assert by_code.status_code == 200
    assert browser.post("/authenticators", json={"name": "Tablet"}).status_code == 201


@pytest.mark.parametrize("proof", [{}, {"password": PASSWORD, "code": "123456"}])
def test_a_step_up_takes_one_proof(proof: dict[str, str]) -> None:
    answer = a_person().signed_in().post("/session/step-up", json=proof)

    assert answer.status_code == 422


def test_with_the_last_app_the_second_factor_and_the_recovery_codes_go(time: FrozenClock) -> None:
    person = a_person()
    browser, _, codes = set_up(person, time)
    [app] = browser.get("/authenticators").json()["data"]
    open_challenge = challenged(person)

    removed = browser.delete(f"/authenticators/{app['id']}")

    assert (removed.status_code, removed.json()["has_second_factor"]) == (200, False)
    assert person.sign_in().json()["second_factor"] is None
    assert complete(open_challenge, codes[0]).status_code == 403


def test_another_app_keeps_the_second_factor_and_makes_no_new_recovery_codes(time: FrozenClock) -> None:
    person = a_person()
    browser, first, _ = set_up(person, time)
    second = begun(browser)
    where = f"/authenticators/{second['authenticator']['id']}"

    confirmed = browser.post(f"{where}/confirmation", json={"code": shown(second["secret"])})
    removed = browser.delete(where)

    assert confirmed.json()["recovery_codes"] == []
    assert (removed.status_code, removed.json()["has_second_factor"]) == (200, True)
    assert complete(challenged(person), shown(first)).status_code == 200


def test_another_persons_app_is_not_there(time: FrozenClock) -> None:
    mine, theirs = a_person(), a_person()
    _, secret, _ = set_up(theirs, time)
    waiting = begun(theirs_browser := mine.signed_in())
    stranger = a_person().signed_in()

    removed = stranger.delete(f"/authenticators/{waiting['authenticator']['id']}")
    confirmed = stranger.post(
        f"/authenticators/{waiting['authenticator']['id']}/confirmation", json={"code": shown(waiting["secret"])}
    )

    assert (removed.status_code, confirmed.status_code) == (404, 404)
    assert len(theirs_browser.get("/authenticators").json()["data"]) == 1
    assert complete(challenged(theirs), shown(waiting["secret"])).status_code == 403
    assert complete(challenged(theirs), shown(secret)).status_code == 200


def test_a_sixth_app_is_refused(time: FrozenClock) -> None:
    person = a_person()
    browser, _, _ = set_up(person, time)
    for _ in range(4):
        app = begun(browser)
        where = f"/authenticators/{app['authenticator']['id']}/confirmation"
        assert browser.post(where, json={"code": shown(app["secret"])}).status_code == 200

    sixth = browser.post("/authenticators", json={"name": "Sixth"})

    assert (sixth.status_code, sixth.json()["code"]) == (409, "too_many_authenticators")


def test_a_password_reset_does_not_get_past_the_second_factor(time: FrozenClock, sql: Sql) -> None:
    person = a_person()
    set_up(person, time)

    assert person.sign_in().json()["second_factor"] is not None
    assert sql("select second_factor_since is not null as kept from users where id = %s", person.id) == [{"kept": True}]
