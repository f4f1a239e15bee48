"""What travels with a statement besides BEGIN and preludes: questions, and all of a transaction that only reads."""

from collections.abc import Iterator
from typing import Any

import pytest

from shared.core import driver
from tests.core.proxy import CountingProxy
from tests.database import FreshDatabases


class Unexpected(Exception):
    """What was heard is not what had to be."""


@pytest.fixture(scope="module")
def url(fresh_database: FreshDatabases) -> str:
    """Return a database of these tests' own, with an empty table."""
    url = fresh_database.empty().owner_url
    with driver.connect_to(url) as connection:
        connection.cursor().execute("create table notes (id int primary key)")
        connection.commit()
    return url


@pytest.fixture(params=[{}, {"by_name": True}, {"plain": True}], ids=["one trip", "by name", "plain"])
def either(url: str, request: pytest.FixtureRequest) -> Iterator[driver.Connection]:
    """Return a connection of each kind, since both promise the same behaviour."""
    with driver.connect_to(url, **request.param) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def connection(url: str) -> Iterator[driver.Connection]:
    """Return a connection whose statements cost one round trip."""
    with driver.connect_to(url) as connection:
        yield connection
        connection.rollback()


def rows(connection: driver.Connection, statement: str, *args: object) -> list[tuple[Any, ...]]:
    """Execute a statement and return what it answers."""
    cursor = connection.cursor()
    cursor.execute(statement, args)
    return [tuple(row) for row in cursor.fetchall()]


def insert_after(connection: driver.Connection, question: str, value: int) -> None:
    """Ask a question whose answer is not the expected one, and write a row with it."""
    connection.ask(question, (value,), refuse)
    rows(connection, "insert into notes values (%s) returning id", 1)


def refuse(_: list[Any]) -> None:
    """Hear what must not be."""
    raise Unexpected


def test_a_question_is_heard_before_the_statement_that_it_travels_with(either: driver.Connection) -> None:
    heard: list[Any] = []

    either.ask("select %s::int, %s::text union all select 2, null", (1, "one"), heard.extend)
    either.prelude("set local app.store_id = 'a-store'")
    answer = rows(either, "select current_setting('app.store_id'), %s::int", 3)

    assert heard == [[1, "one"], [2, None]]
    assert answer == [("a-store", 3)]


def test_a_question_costs_no_round_trip(connection: driver.Connection) -> None:
    connection.ask("select %s::int", (1,), lambda _: None)

    assert connection.has_questions
    rows(connection, "select %s::int", 3)
    assert not connection.has_questions
    assert (connection.round_trips, connection.statements) == (1, 2)


def test_what_is_heard_may_stop_the_statement_and_undo_it(either: driver.Connection) -> None:
    with pytest.raises(Unexpected):
        insert_after(either, "select %s::int", 1)
    either.rollback()

    assert rows(either, "select count(*), %s::int from notes", 1) == [(0, 1)]


def test_what_is_heard_counts_more_than_the_failure_of_the_statement(connection: driver.Connection) -> None:
    connection.ask("select %s::int", (1,), refuse)

    with pytest.raises(Unexpected):
        rows(connection, "select 1 / %s::int", 0)


def test_a_question_that_fails_is_the_statements_failure(either: driver.Connection) -> None:
    with pytest.raises(driver.DataError) as raised:
        insert_after(either, "select 1 / %s::int", 0)
    either.rollback()

    assert driver.sqlstate(raised.value) == "22012"
    assert rows(either, "select count(*), %s::int from notes", 1) == [(0, 1)]


def test_a_question_behind_a_prelude_that_fails_is_not_heard(connection: driver.Connection) -> None:
    connection.prelude("set local no_such_setting = 'x'")
    connection.ask("select %s::int", (1,), refuse)

    with pytest.raises(driver.ProgrammingError):
        rows(connection, "select %s::int", 1)


@pytest.mark.parametrize("statement", [None, "select 1", "select 1; select 2"])
def test_a_question_is_heard_by_the_commit_and_by_simple_queries(
    connection: driver.Connection, statement: str | None
) -> None:
    connection.ask("select %s::int", (1,), refuse)

    with pytest.raises(Unexpected):
        connection.commit() if statement is None else connection.cursor().execute(statement)


def test_a_rollback_drops_the_questions(connection: driver.Connection) -> None:
    connection.ask("select %s::int", (1,), refuse)

    connection.rollback()

    assert rows(connection, "select %s::int", 1) == [(1,)]


def test_a_reading_transaction_changes_nothing(either: driver.Connection) -> None:
    either.only_read()

    with pytest.raises(driver.InternalError) as raised:
        rows(either, "insert into notes values (%s)", 1)
    either.rollback()

    assert driver.sqlstate(raised.value) == "25006"
    rows(either, "insert into notes values (%s) returning id", 1)  # the promise ended with the transaction


def test_each_statement_of_a_reading_transaction_is_bound(either: driver.Connection) -> None:
    either.only_read()
    either.ask("select %s::int", (1,), lambda _: None)
    either.prelude("set local app.store_id = 'a-store'")

    told = [rows(either, "select current_setting('app.store_id', true), %s::int", number) for number in range(3)]
    either.commit()
    afterwards = rows(either, "select coalesce(current_setting('app.store_id', true), ''), %s::int", 9)

    assert told == [[("a-store", number)] for number in range(3)]
    assert afterwards == [("", 9)]


def test_the_end_of_a_reading_transaction_costs_no_round_trip(url: str) -> None:
    with CountingProxy(url) as proxy, driver.connect_to(proxy.url) as connection:
        before = proxy.turns
        connection.only_read()
        connection.ask("select %s::int", (1,), lambda _: None)
        connection.prelude("set local app.store_id = 'a-store'")

        rows(connection, "select %s::int", 1)
        connection.commit()

        assert proxy.turns - before == 1
        assert (connection.round_trips, connection.statements) == (1, 2)


def test_between_the_statements_of_a_reading_transaction_nothing_is_held(
    url: str, connection: driver.Connection
) -> None:
    connection.only_read()
    (pid,) = rows(connection, "select pg_backend_pid() from (select %s::int) one", 1)[0]

    with driver.connect_to(url) as other:
        assert rows(other, "select state from pg_stat_activity where pid = %s", pid) == [("idle",)]


def test_an_error_in_a_reading_transaction_leaves_the_connection_usable(either: driver.Connection) -> None:
    either.only_read()
    with pytest.raises(driver.DataError):
        rows(either, "select 1 / %s::int", 0)
    either.rollback()

    assert rows(either, "select %s::int", 2) == [(2,)]


def test_simple_queries_read_in_the_same_transaction(connection: driver.Connection) -> None:
    connection.only_read()
    connection.prelude("set local app.store_id = 'a-store'")

    first = rows(connection, "select current_setting('app.store_id')")
    second = rows(connection, "select current_setting('app.store_id') from (select %s::int) one", 1)
    third = rows(connection, "select current_setting('app.store_id')")
    connection.commit()

    assert first == second == third == [("a-store",)]


def test_a_large_answer_comes_whole_whatever_was_asked_besides(connection: driver.Connection) -> None:
    heard: list[Any] = []
    connection.only_read()
    connection.ask("select repeat('x', %s::int)", (300_000,), heard.extend)

    answer = rows(connection, "select repeat('y', %s::int), n from generate_series(1, 5) n", 200_000)

    assert heard == [["x" * 300_000]]
    assert answer == [("y" * 200_000, number) for number in range(1, 6)]


def test_a_commit_that_hears_what_it_must_not_leaves_nothing_to_who_has_the_connection_next(
    connection: driver.Connection,
) -> None:
    with pytest.raises(Unexpected):
        ask_and_commit(connection)

    rows(connection, "insert into notes values (%s) returning id", 77)
    connection.rollback()
    assert rows(connection, "select id from notes where id = %s", 77) == []


def ask_and_commit(connection: driver.Connection) -> None:
    """Promise to read alone, ask, and end before any statement."""
    connection.only_read()
    connection.ask("select %s::int", (1,), refuse)
    connection.commit()
