"""What a process remembers of a credential is believed only as long as it is still true: at each request anew."""

from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from infra.local import events
from shared.core import audit, authentication, clock, database, ids, tenancy
from shared.core.functions import Api
from shared.core.request import StoreSession
from tests.application import Watch
from tests.client import Answer, answer_of
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("watch")

api = Api("marks", prefix="/api/v1/marks", audience="merchant")

_COUNT = text(
    "insert into store_sequences (store_id, name, last) values (:store_id, 'mark', 1) "
    "on conflict (store_id, name) do update set last = store_sequences.last + 1"
)


@api.get("", permission="order.read")
def read(session: StoreSession) -> str | None:
    """Read something of the store's."""
    found: str | None = session.scalar(text("select slug from stores where id = :id"), {"id": session.info["store_id"]})
    return found


@api.post("", permission="order.write")
def write(session: StoreSession) -> None:
    """Change something, with nothing read before."""
    session.execute(_COUNT, {"store_id": tenancy.require_store(session)})
    audit.record(session, action="mark.set", entity="mark", entity_id=ids.new_id(), after={})


@api.get("/idle", permission="order.read")
def idle() -> str:
    """Answer without a look at the database."""
    return "idle"


@api.get("/numbers/{number}", permission="order.read")
def count(number: int) -> int:
    """Answer what was asked, if it is a number."""
    return number


@api.get("/more", permission="customer.read")
def read_more() -> str:
    """Answer those who may do more."""
    return "more"


handler = api.lambda_handler()


@pytest.fixture
def store(sql: Sql) -> StoreUnderTest:
    """Return a store whose token this process remembers, with the right to orders alone."""
    store = a_store()
    sql("update credentials set scopes = %s where store_id = %s", ["order.read", "order.write"], store.id)
    assert call(store, "GET", "").status_code == 200
    return store


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("POST", ""), ("GET", "/idle"), ("GET", "/numbers/1"), ("GET", "/numbers/none"), ("GET", "/more")],
)
def test_a_revoked_credential_is_refused_at_once(store: StoreUnderTest, sql: Sql, method: str, path: str) -> None:
    before = call(store, method, path)
    sql("update credentials set revoked_at = now() where store_id = %s and kind = 'sk'", store.id)

    after = call(store, method, path)

    assert before.status_code in (200, 403, 404)
    assert (after.status_code, after.json()["code"]) == (401, "unauthenticated")


def test_a_write_by_a_revoked_credential_changes_nothing(store: StoreUnderTest, sql: Sql) -> None:
    call(store, "POST", "")
    sql("update credentials set revoked_at = now() where store_id = %s and kind = 'sk'", store.id)

    refused = call(store, "POST", "")

    assert refused.status_code == 401
    assert sql("select last from store_sequences where store_id = %s and name = 'mark'", store.id) == [{"last": 1}]


def test_a_credential_that_is_valid_again_is_let_in_at_once(store: StoreUnderTest, sql: Sql) -> None:
    sql("update credentials set revoked_at = now() where store_id = %s and kind = 'sk'", store.id)
    refused = call(store, "GET", "")
    sql("update credentials set revoked_at = null where store_id = %s and kind = 'sk'", store.id)

    assert (refused.status_code, call(store, "GET", "").status_code) == (401, 200)


def test_a_credential_that_expires_is_refused_from_that_moment_on(store: StoreUnderTest, sql: Sql) -> None:
    sql("update credentials set expires_at = %s where store_id = %s and kind = 'sk'", clock.now(), store.id)

    assert call(store, "GET", "").status_code == 401


def test_a_closed_store_is_closed_at_once(store: StoreUnderTest, sql: Sql) -> None:
    sql("update stores set status = 'suspended' where id = %s", store.id)

    assert call(store, "GET", "").status_code == 401


def test_scopes_that_are_given_and_taken_hold_at_once(store: StoreUnderTest, sql: Sql) -> None:
    scopes = "update credentials set scopes = %s where store_id = %s and kind = 'sk'"
    answers = [call(store, "GET", path).status_code for path in ("", "/more")]

    sql(scopes, ["customer.read"], store.id)
    answers += [call(store, "GET", path).status_code for path in ("", "/more")]
    sql(scopes, ["order.read"], store.id)
    answers += [call(store, "GET", path).status_code for path in ("", "/more")]

    assert answers == [200, 403, 403, 200, 200, 403]


def test_who_is_remembered_is_looked_up_all_the_same(store: StoreUnderTest, watch: Watch) -> None:
    mark = len(watch.statements)

    call(store, "GET", "")

    asked = watch.statements[mark:]
    assert [("lookup.api_token" in statement) for statement in asked] == [True, False]


def test_a_read_of_who_is_remembered_takes_one_round_trip(store: StoreUnderTest) -> None:
    assert round_trips_of(store) == 1


def test_who_remembers_too_many_forgets_who_came_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "_REMEMBERED", 2)
    stores = [a_store() for _ in range(3)]
    for each in stores:
        call(each, "GET", "")

    assert [round_trips_of(each) for each in reversed(stores)] == [1, 1, 2]


def round_trips_of(store: StoreUnderTest) -> int:
    """Return how many round trips a read of the store takes."""
    begun: list[tuple[Any, int]] = []

    def see(connection: Connection) -> None:
        driven: Any = connection.connection.dbapi_connection
        begun.append((driven, driven.round_trips))

    event.listen(database.engine(), "begin", see)
    try:
        call(store, "GET", "")
    finally:
        event.remove(database.engine(), "begin", see)
    driven, before = begun[0]
    trips: int = driven.round_trips - before
    return trips


def call(store: StoreUnderTest, method: str, path: str) -> Answer:
    event = events.http_event(method, api.prefix + path, headers=store.merchant.headers)
    return answer_of(handler(event, events.context("marks")))
