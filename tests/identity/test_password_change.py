"""New passwords: by the present one or by a mailed link, none of the last five, and every other session ends."""

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from functions.identity import mail_reset_links
from infra.local import events
from shared.core import clock, passwords
from shared.core.clock import FrozenClock
from tests.application import Watch
from tests.client import Answer
from tests.database import Sql
from tests.identity.letterbox import Letterbox
from tests.identity.people import PASSWORD, Browser, Person, a_browser, a_person, an_address
from tests.identity.wishes import carry_out

pytestmark = pytest.mark.usefixtures("watch")

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NEW = "seven red lanterns"


@pytest.fixture
def time() -> Iterator[FrozenClock]:
    with clock.frozen(NOON) as frozen:
        yield frozen


def _change(browser: Browser, current: str, new: str) -> Answer:
    return browser.put("/password", json={"current_password": current, "new_password": new})


def _mailed(person: Person, sql: Sql) -> str:
    """Ask for a link and return its token."""
    assert a_browser().post("/password-reset", json={"email": person.email}).status_code == 202
    carry_out(sql)
    return Letterbox(sql, person.email).link()[1]


def _reset(token: str, password: str = NEW) -> Answer:
    return a_browser().post("/password-reset/confirmation", json={"token": token, "password": password})


def test_a_changed_password_is_the_only_one_that_counts_and_other_sessions_end(sql: Sql) -> None:
    person = a_person()
    here, elsewhere = person.signed_in(), person.signed_in()
    before = here.token

    changed = _change(here, PASSWORD, NEW)

    assert changed.status_code == 200
    assert [here.get("/session").status_code, elsewhere.get("/session").status_code] == [200, 401]
    assert a_browser(before).get("/session").status_code == 401  # the same session, by the token that it had
    assert [person.sign_in(password=one).status_code for one in (PASSWORD, NEW)] == [401, 200]
    [letter] = Letterbox(sql, person.email).letters()
    assert letter["subject"] == "Your StormCom password was changed"
    [noted] = sql(
        "select actor_kind, actor_id, before, after from audit_entries "
        "where store_id = %s and action = 'password.changed'",
        person.id,
    )
    assert (noted["actor_kind"], noted["actor_id"]) == ("staff", str(person.id))
    assert noted["after"].pop("by") == "current_password"
    assert noted["before"].keys() == noted["after"].keys() == {"password_changed_at"}


def test_without_the_present_password_nothing_changes_and_the_try_is_written_down(sql: Sql) -> None:
    person = a_person()
    here, elsewhere = person.signed_in(), person.signed_in()

    refused = _change(here, "five green kettles", NEW)

    assert (refused.status_code, refused.json()["code"], refused.cookies) == (403, "wrong_password", ())
    assert [here.get("/session").status_code, elsewhere.get("/session").status_code] == [200, 200]
    assert person.sign_in().status_code == 200
    noted = sql(
        "select actor_kind, after from audit_entries where store_id = %s and action = 'password.refused'", person.id
    )
    assert noted == [{"actor_kind": "staff", "after": {"doing": "change_password"}}]


def test_none_of_the_last_five_passwords_can_be_chosen_again(time: FrozenClock, sql: Sql) -> None:
    person = a_person()
    browser = person.signed_in()
    used = [PASSWORD, *(f"lantern number {number}" for number in range(5))]
    for before, after in itertools.pairwise(used):
        assert _change(browser, before, after).status_code == 200
        time.tick(timedelta(minutes=15))

    refused = [_change(browser, used[-1], one).json().get("reason") for one in used[1:]]
    time.tick(timedelta(minutes=15))
    oldest = _change(browser, used[-1], PASSWORD)

    assert refused == ["used_before"] * 5
    assert oldest.status_code == 200
    assert len(sql("select 1 from password_history where user_id = %s", person.id)) == 5


def test_a_password_that_could_be_guessed_replaces_none() -> None:
    person = a_person()
    browser = person.signed_in()

    refused = _change(browser, PASSWORD, "qwertyuiop")

    assert (refused.status_code, refused.json()["reason"]) == (422, "too_common")
    assert refused.json()["errors"][0]["pointer"] == "/body/new_password"
    assert person.sign_in().status_code == 200


def test_the_present_password_can_be_tried_ten_times() -> None:
    person = a_person()
    with clock.frozen(NOON):
        browser = person.signed_in()
        tried = [_change(browser, "wrong", NEW).status_code for _ in range(11)]

    assert tried == [403] * 10 + [429]


def test_who_forgot_their_password_sets_another_by_mail_and_is_signed_out_everywhere(sql: Sql) -> None:
    person = a_person(locale="bn-BD")
    browser = person.signed_in()

    token = _mailed(person, sql)
    reset = _reset(token)

    assert (reset.status_code, reset.json(), reset.cookies) == (200, {"ended": 1}, ())
    assert browser.get("/session").status_code == 401
    assert [person.sign_in(password=one).status_code for one in (PASSWORD, NEW)] == [401, 200]
    letters = Letterbox(sql, person.email).letters()
    assert [letter["purpose"] for letter in letters] == ["reset_password", "password_changed"]
    assert all("StormCom" in letter["subject"] and "পাসওয়ার্ড" in letter["text"] for letter in letters)


def test_asking_for_a_link_is_the_same_for_an_address_that_nobody_has(watch: Watch, sql: Sql) -> None:
    person, done = a_person(), []
    for email in (person.email, an_address(), person.email, an_address()):
        mark = len(watch.statements)
        answer = a_browser().post("/password-reset", json={"email": email})
        done.append(
            (answer.status_code, answer.json() == {"email": email}, sorted(answer.headers), watch.statements[mark:])
        )

    assert done[0] == done[1] == done[2] == done[3]
    assert len(done[0][3]) == 2  # the limits and the wish
    kept = sql("select payload::text as told from domain_events where type = 'password_reset.asked'")
    assert kept != []
    assert not any(person.email in row["told"] for row in kept)


def test_nobody_is_written_to_where_nobody_has_the_address_or_who_has_it_is_disabled(sql: Sql) -> None:
    carry_out(sql)  # what others have wished, and left
    person, nobody = a_person(), an_address()
    sql("update users set disabled_at = now() where id = %s", person.id)
    before = len(sql("select 1 from outgoing_messages"))

    for email in (person.email, nobody):
        a_browser().post("/password-reset", json={"email": email})
    carry_out(sql)

    assert len(sql("select 1 from outgoing_messages")) == before


def test_a_wish_that_comes_twice_is_carried_out_once(sql: Sql) -> None:
    carry_out(sql)  # what others have wished, and left
    person = a_person()
    a_browser().post("/password-reset", json={"email": person.email})

    [body] = carry_out(sql)
    failed = mail_reset_links.handler(events.sqs_event("password-resets", [body]), events.context("password-resets"))

    assert failed == {"batchItemFailures": []}
    assert len(Letterbox(sql, person.email).letters()) == 1


def test_a_reset_link_is_good_for_an_hour(time: FrozenClock, sql: Sql) -> None:
    person, other = a_person(), a_person()
    in_time, too_late = _mailed(person, sql), _mailed(other, sql)

    time.tick(timedelta(hours=1, seconds=-1))
    used = _reset(in_time)
    time.tick(timedelta(seconds=1))
    over = _reset(too_late)

    assert (used.status_code, over.status_code, over.json()["code"]) == (200, 410, "link_refused")
    assert other.sign_in().status_code == 200


def test_a_link_that_was_used_is_worth_nothing_and_so_are_those_beside_it(sql: Sql) -> None:
    person = a_person()
    first, second = _mailed(person, sql), _mailed(person, sql)

    assert _reset(second).status_code == 200

    assert [_reset(token, "nine blue lanterns").json()["code"] for token in (first, second)] == ["link_refused"] * 2
    assert person.sign_in(password=NEW).status_code == 200


def test_a_link_survives_a_password_that_was_refused(sql: Sql) -> None:
    person = a_person()
    token = _mailed(person, sql)

    refused = [_reset(token, one).json()["reason"] for one in ("short", PASSWORD)]

    assert refused == ["too_short", "used_before"]
    assert _reset(token).status_code == 200


def test_a_changed_password_makes_links_useless(sql: Sql) -> None:
    person = a_person()
    token = _mailed(person, sql)

    _change(person.signed_in(), PASSWORD, NEW)

    assert _reset(token, "nine blue lanterns").status_code == 410


def test_a_reset_confirms_the_address_and_takes_the_account_from_whoever_signed_up_with_it(sql: Sql) -> None:
    email = an_address()
    a_browser().post("/signup", json={"email": email, "name": "Thief", "password": "mine mine mine"})
    thiefs = Letterbox(sql, email).link()[1]
    a_browser().post("/signup", json={"email": email, "name": "Owner", "password": PASSWORD})
    page, token = Letterbox(sql, email).link()

    assert page == "/reset-password"
    assert _reset(token).status_code == 200

    assert a_browser().post("/session", json={"email": email, "password": NEW}).status_code == 200
    assert a_browser().post("/session", json={"email": email, "password": "mine mine mine"}).status_code == 401
    stale = a_browser().post("/signup/verification", json={"token": thiefs, "password": "mine mine mine"})
    assert stale.status_code == 410


def test_whoever_has_a_second_factor_still_needs_it_after_a_reset(sql: Sql) -> None:
    person = a_person()
    sql("update users set second_factor_since = now() where id = %s", person.id)

    assert _reset(_mailed(person, sql)).status_code == 200

    signed_in = person.sign_in(password=NEW)
    assert (signed_in.json()["session"], signed_in.cookies) == (None, ())


def test_of_two_who_use_one_link_at_once_one_can(sql: Sql) -> None:
    person = a_person()
    token = _mailed(person, sql)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda new: _reset(token, new), ("nine blue lanterns", "ten blue lanterns")))

    assert sorted(answer.status_code for answer in answers) == [200, 410]
    works = [person.sign_in(password=f"{number} blue lanterns").status_code for number in ("nine", "ten")]
    assert sorted(works) == [200, 401]
    assert len(sql("select 1 from password_history where user_id = %s", person.id)) == 2


def test_of_two_changes_at_once_one_happens(sql: Sql) -> None:
    person = a_person()
    browsers = [person.signed_in(), person.signed_in()]

    with ThreadPoolExecutor(2) as pool:
        wanted = ("nine blue lanterns", "ten blue lanterns")
        answers = list(pool.map(lambda pair: _change(pair[0], PASSWORD, pair[1]), zip(browsers, wanted, strict=True)))

    statuses = sorted(answer.status_code for answer in answers)
    assert statuses in ([200, 401], [200, 403])  # the other's session has ended, or their present password was replaced
    assert sorted(person.sign_in(password=one).status_code for one in wanted) == [200, 401]
    assert len(sql("select 1 from password_history where user_id = %s", person.id)) == 2


def test_a_sign_in_with_the_old_password_does_not_outlive_its_change(sql: Sql, monkeypatch: pytest.MonkeyPatch) -> None:
    person = a_person()
    here, elsewhere = person.signed_in(), a_browser()
    checked, changed = threading.Event(), threading.Event()
    matches = passwords.matches

    def slowly(kept: str | None, password: str) -> bool:
        found = matches(kept, password)
        if threading.current_thread() is not threading.main_thread():
            checked.set()  # the old password was right, and the sign-in goes on once it was replaced
            changed.wait(timeout=30)
        return found

    monkeypatch.setattr(passwords, "matches", slowly)
    with ThreadPoolExecutor(1) as pool:
        signing_in = pool.submit(person.sign_in, elsewhere)
        checked.wait(timeout=30)
        assert _change(here, PASSWORD, NEW).status_code == 200
        changed.set()
        late = signing_in.result(timeout=30)

    assert (late.status_code, late.json()["code"], late.cookies) == (401, "wrong_email_or_password", ())
    living = sql("select 1 from sessions where user_id = %s and ended_at is null", person.id)
    assert len(living) == 1
