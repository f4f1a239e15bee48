"""Sessions: how long they last, that their token changes with what they may do, and who sees and ends them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shared.core import clock, ids
from shared.core.clock import FrozenClock
from tests.database import Sql
from tests.identity.people import PASSWORD, a_browser, a_person
from tests.tenancy.world import an_operator

pytestmark = pytest.mark.usefixtures("watch")

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def time() -> Iterator[FrozenClock]:
    with clock.frozen(NOON) as frozen:
        yield frozen


def test_a_session_ends_after_twelve_hours_without_a_request(time: FrozenClock) -> None:
    browser, idle = a_person().signed_in(), a_person().signed_in()

    time.tick(timedelta(hours=11, minutes=59))
    in_time = browser.get("/session").status_code
    time.tick(timedelta(hours=11, minutes=59))

    assert (in_time, browser.get("/session").status_code) == (200, 200)
    assert idle.get("/session").status_code == 401


def test_a_session_ends_a_day_after_its_sign_in_however_busy(time: FrozenClock) -> None:
    browser = a_person().signed_in()

    statuses = []
    for _ in range(4):
        time.tick(timedelta(hours=6, seconds=-1))
        statuses.append(browser.get("/session").status_code)
    time.tick(timedelta(seconds=4))

    assert statuses == [200] * 4
    assert browser.get("/session").status_code == 401


def test_a_new_token_makes_no_session_last_longer(time: FrozenClock) -> None:
    browser = a_person().signed_in()
    time.tick(timedelta(hours=11))

    proven = browser.post("/session/step-up", json={"password": PASSWORD})

    assert proven.json()["expires_at"] == "2026-11-22T12:00:00Z"
    assert "Max-Age=46800" in proven.cookies[0]


def test_who_signs_out_is_out_and_their_browser_forgets_the_cookie(sql: Sql) -> None:
    person = a_person()
    browser, other = person.signed_in(), person.signed_in()
    token = browser.token

    left = browser.delete("/session")

    assert (left.status_code, left.json()) == (200, {"ended": 1})
    assert left.cookies == ("__Host-stormcom=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0",)
    assert [a_browser(token).get("/session").status_code, other.get("/session").status_code] == [401, 200]
    [kept] = sql("select ended_because from sessions where user_id = %s and ended_at is not null", person.id)
    assert kept == {"ended_because": "signed_out"}


def test_a_person_sees_where_they_are_signed_in_and_ends_one_or_all_others() -> None:
    person = a_person()
    here, there, third = person.signed_in(), person.signed_in(), person.signed_in()

    listed = here.get("/sessions").json()["data"]
    present = [one for one in listed if one["is_present"]]
    of_there = there.get("/session").json()["session_id"]
    ended = here.delete(f"/sessions/{of_there}")
    again = here.delete(f"/sessions/{of_there}")
    rest = here.delete("/sessions")

    assert [len(listed), len(present)] == [3, 1]
    assert present[0]["id"] == here.get("/session").json()["session_id"]
    assert {one["address"] for one in listed} == {one.source_ip for one in (here, there, third)}
    assert [ended.json(), again.json(), rest.json()] == [{"ended": 1}, {"ended": 0}, {"ended": 1}]
    assert [one.get("/session").status_code for one in (here, there, third)] == [200, 401, 401]
    assert len(here.get("/sessions").json()["data"]) == 1


def test_whoever_merely_has_the_session_does_not_shut_its_person_out_of_the_others(time: FrozenClock) -> None:
    person = a_person()
    stolen, own = person.signed_in(), person.signed_in()
    of_own = own.get("/session").json()["session_id"]
    time.tick(timedelta(minutes=5))

    refused = [stolen.delete("/sessions"), stolen.delete(f"/sessions/{of_own}")]
    left = stolen.delete("/session")

    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(403, "step_up_required")] * 2
    assert (left.status_code, own.get("/session").status_code) == (200, 200)
    own.post("/session/step-up", json={"password": PASSWORD})
    assert own.delete("/sessions").status_code == 200


def test_the_session_of_another_person_is_not_there() -> None:
    mine, theirs = a_person().signed_in(), a_person().signed_in()
    of_theirs = theirs.get("/session").json()["session_id"]

    refused = mine.delete(f"/sessions/{of_theirs}")
    nothing = mine.delete(f"/sessions/{ids.encode('sess', ids.new_id())}")

    assert (refused.status_code, nothing.status_code) == (404, 404)
    assert refused.json()["detail"] == nothing.json()["detail"]
    assert theirs.get("/session").status_code == 200


def test_whoever_proves_that_it_is_them_gets_another_token_and_the_old_one_opens_nothing(time: FrozenClock) -> None:
    browser = a_person().signed_in()
    before = browser.token
    time.tick(timedelta(hours=1))

    proven = browser.post("/session/step-up", json={"password": PASSWORD})

    assert (proven.status_code, proven.json()["proven_at"]) == (200, "2026-11-21T13:00:00Z")
    assert browser.token != before
    assert [a_browser(before).get("/session").status_code, browser.get("/session").status_code] == [401, 200]


def test_a_wrong_proof_proves_nothing_and_is_written_down(time: FrozenClock, sql: Sql) -> None:
    person = a_person()
    browser = person.signed_in()
    time.tick(timedelta(hours=1))

    refused = browser.post("/session/step-up", json={"password": "five green kettles"})

    assert (refused.status_code, refused.json()["code"], refused.cookies) == (403, "wrong_password", ())
    assert browser.get("/session").json()["proven_at"] == "2026-11-21T12:00:00Z"
    noted = sql("select after from audit_entries where store_id = %s and action = 'password.refused'", person.id)
    assert noted == [{"after": {"doing": "step_up"}}]


@pytest.mark.usefixtures("time")
def test_a_proof_can_be_tried_ten_times_a_quarter_of_an_hour() -> None:
    browser = a_person().signed_in()

    tried = [browser.post("/session/step-up", json={"password": "wrong"}).status_code for _ in range(11)]

    assert tried == [403] * 10 + [429]


def test_whoever_has_a_second_factor_proves_by_that_and_not_by_their_password(sql: Sql) -> None:
    person = a_person()
    browser = person.signed_in()
    sql("update users set second_factor_since = now() where id = %s", person.id)

    refused = browser.post("/session/step-up", json={"password": PASSWORD})

    assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_needed")


def test_of_two_who_exchange_one_token_at_once_one_can() -> None:
    browser = a_person().signed_in()
    same = [a_browser(browser.token) for _ in range(2)]

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda one: one.post("/session/step-up", json={"password": PASSWORD}), same))

    assert sorted(answer.status_code for answer in answers) == [200, 401]
    assert len({cookie for answer in answers for cookie in answer.cookies}) == 1


def test_a_person_enters_the_places_where_they_work_and_no_other(sql: Sql) -> None:
    person, place, other = a_person(), _a_place(sql), _a_place(sql)
    _employ(sql, person.id, place[0])
    browser = person.signed_in()
    before = browser.token

    entered = browser.put("/session/place", json=_named(*place))
    strange = browser.put("/session/place", json=_named(*other))
    crossed = browser.put("/session/place", json=_named(place[0], other[1]))
    alone = browser.put("/session/place", json=_named(None, place[1]))

    assert (entered.status_code, entered.json()["store_id"]) == (200, ids.encode("store", place[1]))
    assert browser.token != before
    assert a_browser(before).get("/session").status_code == 401
    assert [one.status_code for one in (strange, crossed, alone)] == [404, 404, 404]
    assert browser.get("/session").json()["store_id"] == ids.encode("store", place[1])
    assert browser.put("/session/place", json={}).json()["organization_id"] is None


def test_whoever_works_in_one_place_is_there_once_they_are_in(sql: Sql) -> None:
    person, place = a_person(), _a_place(sql)
    _employ(sql, person.id, place[0])

    told = person.signed_in().get("/session").json()

    assert told["store_id"] == ids.encode("store", place[1])
    assert "product.read" in told["permissions"]


def test_whoever_is_removed_is_out_of_the_place_at_once_and_still_themselves(sql: Sql) -> None:
    person, place = a_person(), _a_place(sql)
    _employ(sql, person.id, place[0])
    browser = person.signed_in()
    assert browser.get("/products").status_code == 200

    sql("delete from organization_members where user_id = %s", person.id)

    assert browser.get("/products").status_code == 403
    assert browser.get("/session").json()["organization_id"] is None


def test_an_operator_shuts_a_person_out_for_good_until_they_are_let_in_again(sql: Sql) -> None:
    person, operator = a_person(), an_operator(sql, "admin.superuser")
    browser = person.signed_in()
    path = f"/platform/people/{ids.encode('user', person.id)}"

    shut = operator.post(f"{path}/disable", json={"because": "Left the company"})
    out = [browser.get("/session").status_code, person.sign_in().status_code]
    let_in = operator.post(f"{path}/enable", json={"because": "Came back"})

    assert (shut.status_code, out, let_in.json()["disabled_at"]) == (200, [401, 401], None)
    assert browser.get("/session").status_code == 401  # the session has ended, and not only its person
    assert person.sign_in().status_code == 200
    noted = sql(
        "select action, actor_kind from audit_entries "
        "where store_id = %s and entity = 'user' and severity = 'critical' order by id",
        person.id,
    )
    assert noted == [{"action": f"user.{what}", "actor_kind": "platform"} for what in ("disabled", "enabled")]


def test_nobody_is_shut_out_who_is_not_there(sql: Sql) -> None:
    operator = an_operator(sql, "admin.superuser")

    refused = operator.post(f"/platform/people/{ids.encode('user', ids.new_id())}/disable", json={"because": "x"})

    assert refused.status_code == 404


def test_a_session_that_ended_long_ago_goes_at_the_next_sign_in(time: FrozenClock, sql: Sql) -> None:
    person = a_person()
    person.signed_in().delete("/session")

    time.tick(timedelta(days=90))
    person.signed_in()
    kept = len(sql("select 1 from sessions where user_id = %s", person.id))
    time.tick(timedelta(days=1))
    person.signed_in()

    assert kept == 2
    assert len(sql("select 1 from sessions where user_id = %s", person.id)) == 2


def _a_place(sql: Sql) -> tuple[UUID, UUID]:
    organization, store = ids.new_id(), ids.new_id()
    now = clock.now()
    sql("insert into organizations (id, name, created_at) values (%s, %s, %s)", organization, "Rupali", now)
    columns = "id, organization_id, slug, name, currency, settings, created_at, updated_at"
    sql(
        f"insert into stores ({columns}) values (%s, %s, %s, %s, 'BDT', '{{}}', %s, %s)",
        *(store, organization, f"place-{store.hex[-12:]}", "Rupali", now, now),
    )
    return organization, store


def _employ(sql: Sql, user_id: UUID, organization_id: UUID) -> None:
    sql(
        "insert into organization_members (organization_id, id, user_id, role, joined_at, updated_at) "
        "values (%s, %s, %s, 'viewer', now(), now())",
        *(organization_id, ids.new_id(), user_id),
    )


def _named(organization_id: UUID | None, store_id: UUID) -> dict[str, str]:
    named = {"organization_id": ("org", organization_id), "store_id": ("store", store_id)}
    return {name: ids.encode(prefix, one) for name, (prefix, one) in named.items() if one is not None}
