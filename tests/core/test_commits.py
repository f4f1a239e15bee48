"""The commit of a request: what travels with it, what its failure means, and who may prevent it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.orm import Session

from infra.local import events
from shared.core import audit, database, ids, records, tenancy
from shared.core.functions import Api
from shared.core.request import StoreSession
from tests.client import Answer, answer_of
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store

api = Api("commits", prefix="/api/v1/commits", audience="merchant")

pytestmark = pytest.mark.usefixtures("watch")

_COUNT = text(
    "insert into store_sequences (store_id, name, last) values (:store_id, 'mark', 1) "
    "on conflict (store_id, name) do update set last = store_sequences.last + 1"
)
_DEADLOCK = text("do $$ begin raise exception 'as if' using errcode = '40P01'; end $$")
_LOST = text("do $$ begin perform pg_terminate_backend(pg_backend_pid()); end $$")
_REFUSED = text("insert into store_sequences (store_id, name, last) values (:store_id, 'mark', 1)")

Trouble = Callable[[Session], object]

_troubles: list[Trouble] = []  # what happens in the next attempts, one each
_attempts: list[str] = []


@api.post("", permission="order.write")
def write(session: StoreSession) -> None:
    """Count one up, and meet what is prepared."""
    _attempts.append("write")
    session.execute(_COUNT, {"store_id": tenancy.require_store(session)})
    audit.record(session, action="mark.set", entity="mark", entity_id=ids.new_id(), after={})
    if _troubles:
        _troubles.pop(0)(session)


@api.post("/records", permission="order.write")
def note(session: StoreSession) -> None:
    """Record something, and say nothing to the database before the commit."""
    audit.record(session, action="mark.noted", entity="mark", entity_id=ids.new_id(), after={})


@api.post("/changes", permission="order.write")
def change_unaudited(session: StoreSession) -> None:
    """Change something that nobody waits for, and leave no entry."""
    records.change(session, _COUNT, {"store_id": tenancy.require_store(session)})


handler = api.lambda_handler()


@pytest.fixture
def store() -> Iterator[StoreUnderTest]:
    """Return a store whose token this process remembers."""
    store = a_store()
    _troubles.clear()
    assert call(store, "").status_code == 200
    _attempts.clear()
    yield store
    _troubles.clear()


def test_a_write_takes_two_round_trips_one_for_its_statement_and_one_for_its_records_and_the_commit(
    store: StoreUnderTest,
) -> None:
    begun: list[tuple[Any, int]] = []

    def see(connection: Connection) -> None:
        driven: Any = connection.connection.dbapi_connection
        begun.append((driven, driven.round_trips))

    event.listen(database.engine(), "begin", see)
    try:
        call(store, "")
    finally:
        event.remove(database.engine(), "begin", see)

    assert [driven.round_trips - trips for driven, trips in begun] == [2]


def test_a_deadlock_that_the_commit_meets_is_walked_again(store: StoreUnderTest, sql: Sql) -> None:
    _troubles.append(lambda session: tenancy.tell(session, _DEADLOCK, {}))

    answer = call(store, "")

    assert (answer.status_code, len(_attempts), counted(sql, store)) == (200, 2, 2)


def test_a_connection_lost_with_the_commit_is_not_walked_again_since_it_may_have_been_kept(
    store: StoreUnderTest, sql: Sql
) -> None:
    _troubles.append(lambda session: tenancy.tell(session, _LOST, {}))

    answer = call(store, "")

    assert (answer.status_code, answer.json()["retryable"], len(_attempts)) == (503, True, 1)
    assert counted(sql, store) == 1


def test_a_connection_lost_before_the_commit_is_walked_again_also_after_a_commit_that_failed(
    store: StoreUnderTest, sql: Sql
) -> None:
    _troubles.append(lambda session: tenancy.tell(session, _DEADLOCK, {}))
    _troubles.append(lambda session: session.execute(_LOST))

    answer = call(store, "")

    assert (answer.status_code, len(_attempts), counted(sql, store)) == (200, 3, 2)


def test_a_told_statement_that_is_refused_takes_everything_back(store: StoreUnderTest, sql: Sql) -> None:
    values = {"store_id": store.id}
    _troubles.append(lambda session: tenancy.tell(session, _REFUSED, values))

    answer = call(store, "")

    assert (answer.status_code, len(_attempts), counted(sql, store)) == (500, 1, 1)


def test_a_change_that_nobody_waits_for_needs_its_audit_entry_too(store: StoreUnderTest, sql: Sql) -> None:
    answer = call(store, "/changes")

    assert (answer.status_code, counted(sql, store)) == (500, 1)


def test_records_of_a_revoked_credential_are_not_committed_though_nothing_was_said_before(
    store: StoreUnderTest, sql: Sql
) -> None:
    before = call(store, "/records")
    sql("update credentials set revoked_at = now() where store_id = %s and kind = 'sk'", store.id)

    after = call(store, "/records")

    assert (before.status_code, after.status_code) == (200, 401)
    assert sql("select count(*) as n from audit_entries where store_id = %s and action = 'mark.noted'", store.id) == [
        {"n": 1}
    ]


def counted(sql: Sql, store: StoreUnderTest) -> int:
    """Return how often was counted."""
    (row,) = sql("select last from store_sequences where store_id = %s and name = 'mark'", store.id)
    return int(row["last"])


def call(store: StoreUnderTest, path: str) -> Answer:
    """Write something."""
    event = events.http_event("POST", api.prefix + path, headers=store.merchant.headers)
    return answer_of(handler(event, events.context("commits")))
