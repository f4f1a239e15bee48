"""Statements that are told and not waited for: what they travel with, what becomes of their errors, and the commit."""

from collections.abc import Iterator
from typing import Any

import pytest

from shared.core import driver
from tests.core.proxy import CountingProxy
from tests.database import FreshDatabases

INSERT = "insert into marks values (%s, %s)"
COUNT = "select count(*) from marks where id > %s"


@pytest.fixture(scope="module")
def url(fresh_database: FreshDatabases) -> str:
    """Return a database of these tests' own, with an empty table."""
    url = fresh_database.empty().owner_url
    with driver.connect_to(url) as connection:
        connection.cursor().execute("create table marks (id int primary key check (id > 0), note text)")
        connection.commit()
    return url


@pytest.fixture(params=[{}, {"by_name": True}, {"plain": True}], ids=["one trip", "by name", "plain"])
def either(url: str, request: pytest.FixtureRequest) -> Iterator[driver.Connection]:
    """Return a connection of each kind, and an empty table."""
    with driver.connect_to(url, **request.param) as connection:
        rows(connection, "delete from marks where id > %s", 0)
        connection.commit()
        yield connection
        connection.rollback()


@pytest.fixture(params=[{}, {"by_name": True}], ids=["one trip", "by name"])
def connection(url: str, request: pytest.FixtureRequest) -> Iterator[driver.Connection]:
    """Return a connection that lets statements travel along, and an empty table."""
    with driver.connect_to(url, **request.param) as connection:
        rows(connection, "delete from marks where id > %s", 0)
        connection.commit()
        yield connection
        connection.rollback()


def rows(connection: driver.Connection, statement: str, *args: object) -> list[tuple[Any, ...]]:
    """Execute a statement and return what it answers, if it does."""
    cursor = connection.cursor()
    cursor.execute(statement, args)
    return [tuple(row) for row in cursor.fetchall()] if cursor.description else []


def tell_and_commit(connection: driver.Connection, *marks: tuple[int, str]) -> None:
    """Insert rows without waiting, and commit."""
    for mark in marks:
        connection.tell(INSERT, mark)
    connection.commit()


def tell_and_wait(connection: driver.Connection, told: tuple[int, str], waited_for: tuple[int, str]) -> None:
    """Insert one row without waiting, and another."""
    connection.tell(INSERT, told)
    rows(connection, INSERT, *waited_for)


def kept(url: str) -> int:
    """Return how many rows another connection sees."""
    with driver.connect_to(url) as other:
        return int(rows(other, COUNT, 0)[0][0])


def test_what_was_told_is_done_before_the_next_statement(either: driver.Connection) -> None:
    either.tell(INSERT, (1, "কফি"))
    either.tell("update marks set note = note || %s where id = %s", ("!", 1))

    assert rows(either, "select note from marks where id = %s", 1) == [("কফি!",)]


@pytest.mark.parametrize("statement", ["select count(*) from marks", "select count(*) from marks where id > %s"])
def test_what_was_told_is_done_before_a_statement_of_either_protocol(either: driver.Connection, statement: str) -> None:
    either.tell(INSERT, (1, "told"))

    assert rows(either, statement, *([0] if "%s" in statement else [])) == [(1,)]


def test_the_last_statement_and_the_commit_cost_one_round_trip(url: str) -> None:
    with CountingProxy(url) as proxy, driver.connect_to(proxy.url) as connection:
        rows(connection, "delete from marks where id > %s", 0)
        turns, trips, statements = proxy.turns, connection.round_trips, connection.statements

        connection.tell(INSERT, (1, "told"))
        connection.tell(INSERT, (2, "told"))
        connection.commit()

        assert (proxy.turns - turns, connection.round_trips - trips, connection.statements - statements) == (1, 1, 2)
    assert kept(url) == 2


def test_a_transaction_may_be_one_round_trip_in_all(connection: driver.Connection, url: str) -> None:
    trips = connection.round_trips

    connection.prelude("set local app.store_id = 'a-store'")
    connection.tell("insert into marks values (%s, current_setting('app.store_id'))", (1,))
    connection.commit()

    assert connection.round_trips - trips == 1
    assert (kept(url), rows(connection, "select note from marks where id = %s", 1)) == (1, [("a-store",)])


def test_a_told_statement_that_fails_fails_the_commit_by_its_own_error(either: driver.Connection, url: str) -> None:
    rows(either, INSERT, 1, "waited for")

    with pytest.raises(driver.IntegrityError) as raised:
        tell_and_commit(either, (1, "twice"), (2, "behind it"))
    either.rollback()

    assert (driver.sqlstate(raised.value), kept(url)) == ("23505", 0)


def test_a_told_statement_that_fails_is_the_next_ones_failure(either: driver.Connection, url: str) -> None:
    with pytest.raises(driver.IntegrityError) as raised:
        tell_and_wait(either, (0, "refused by the check"), (1, "behind it"))
    either.rollback()

    assert (driver.sqlstate(raised.value), kept(url)) == ("23514", 0)
    assert rows(either, INSERT, 1, "the connection is as good as before") == []


def test_what_was_told_to_a_failed_transaction_is_not_committed(connection: driver.Connection, url: str) -> None:
    rows(connection, INSERT, 1, "waited for")
    with pytest.raises(driver.IntegrityError):
        rows(connection, INSERT, 1, "twice")

    connection.tell(INSERT, (2, "told"))
    with pytest.raises(driver.InternalError) as raised:
        connection.commit()

    assert (driver.sqlstate(raised.value), kept(url)) == ("25P02", 0)


def test_a_rollback_forgets_what_was_told(connection: driver.Connection, url: str) -> None:
    trips = connection.round_trips

    connection.tell(INSERT, (1, "never"))
    connection.rollback()
    connection.commit()

    assert (connection.round_trips - trips, kept(url)) == (0, 0)


def test_a_savepoint_undoes_what_was_told_since(connection: driver.Connection, url: str) -> None:
    connection.tell(INSERT, (1, "before"))
    connection.prelude("savepoint here")
    connection.tell(INSERT, (2, "after"))
    connection.prelude("rollback to savepoint here")
    connection.tell(INSERT, (3, "behind"))
    connection.commit()

    assert (kept(url), rows(connection, "select id from marks order by id + %s", 0)) == (2, [(1,), (3,)])


def test_a_question_is_heard_before_the_commit_is_sent(connection: driver.Connection, url: str) -> None:
    seen: list[int] = []

    connection.tell(INSERT, (1, "told"))
    connection.ask(COUNT, (0,), lambda answer: seen.extend((answer[0][0], kept(url))))
    connection.tell(INSERT, (2, "told"))
    connection.commit()

    assert (seen, kept(url)) == ([1, 0], 2)


def test_what_is_heard_at_the_commit_may_prevent_it(connection: driver.Connection, url: str) -> None:
    def refuse(_: list[Any]) -> None:
        raise LookupError

    connection.tell(INSERT, (1, "told"))
    connection.ask(COUNT, (0,), refuse)
    with pytest.raises(LookupError):
        connection.commit()

    assert kept(url) == 0


def test_a_reading_transaction_refuses_what_is_told(connection: driver.Connection, url: str) -> None:
    connection.only_read()
    connection.tell(INSERT, (1, "never"))

    with pytest.raises(driver.InternalError) as raised:
        connection.commit()

    assert (driver.sqlstate(raised.value), kept(url)) == ("25006", 0)
