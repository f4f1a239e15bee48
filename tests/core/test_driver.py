"""The driver against a real PostgreSQL: what statements cost, what they carry, and how they fail."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from shared.core import driver
from tests.core.proxy import CountingProxy
from tests.database import FreshDatabases

AN_ID = UUID("01980000-0000-7000-8000-000000000001")
ANOTHER_ID = UUID("01980000-0000-7000-8000-000000000002")
LARGE = 8_000_000  # characters; far more than any buffer on the way

VALUES: list[tuple[str, object]] = [
    ("uuid", AN_ID),
    ("bigint", 2**62),
    ("int", -7),
    ("text", "কফি ☕ 'quoted' \\ %s"),
    ("text", ""),
    ("bytea", bytes(range(256))),
    ("timestamptz", datetime(2026, 11, 21, 10, 30, 0, 123456, tzinfo=UTC)),
    ("jsonb", {"a": [1, None, "é"], "b": {"c": True}}),
    ("bool", True),
    ("bool", False),
    ("numeric", Decimal("123456789012345678.000001")),
    ("text[]", ["a", 'b"c', "{}", ""]),
    ("uuid[]", [AN_ID, ANOTHER_ID]),
    ("int[]", [1, -2, 3]),
]


@pytest.fixture(scope="module")
def url(fresh_database: FreshDatabases) -> str:
    """Return an empty database of these tests' own."""
    url = fresh_database.empty().owner_url
    with driver.connect_to(url) as connection:
        connection.cursor().execute("create table marks (id int primary key check (id > 0), note text)")
        connection.commit()
    return url


@pytest.fixture
def proxy(url: str) -> Iterator[CountingProxy]:
    """Return a proxy before that database."""
    with CountingProxy(url) as proxy:
        yield proxy


@pytest.fixture
def connection(url: str) -> Iterator[driver.Connection]:
    """Return a connection whose statements cost one round trip."""
    with driver.connect_to(url) as connection:
        yield connection
        connection.rollback()


@pytest.fixture(params=[{}, {"by_name": True}, {"plain": True}], ids=["one trip", "by name", "plain"])
def either(url: str, request: pytest.FixtureRequest) -> Iterator[driver.Connection]:
    """Return a connection of each kind, since both promise the same behaviour."""
    with driver.connect_to(url, **request.param) as connection:
        yield connection
        connection.rollback()


def rows(connection: driver.Connection, statement: str, *args: object) -> list[tuple[Any, ...]]:
    """Execute a statement and return what it answers."""
    cursor = connection.cursor()
    cursor.execute(statement, args)
    return [tuple(row) for row in cursor.fetchall()]


def test_a_transaction_costs_one_round_trip_a_statement_and_one_for_the_commit(proxy: CountingProxy) -> None:
    with driver.connect_to(proxy.url) as connection:
        before = proxy.turns

        connection.prelude("set local app.store_id = 'a-store'")
        seen = rows(connection, "select current_setting('app.store_id'), %s::int", 1)
        others = [rows(connection, "select %s::text, %s::uuid", str(number), AN_ID) for number in range(4)]
        connection.commit()

        assert seen == [("a-store", 1)]
        assert others == [[(str(number), AN_ID)] for number in range(4)]
        assert proxy.turns - before == 6
        assert (connection.round_trips, connection.statements) == (6, 5)


def test_an_insert_that_returns_a_row_costs_one_round_trip(proxy: CountingProxy) -> None:
    with driver.connect_to(proxy.url) as connection:
        before = proxy.turns

        returned = rows(connection, "insert into marks values (%s, %s) returning id, note", 1, None)

        assert returned == [(1, None)]
        assert proxy.turns - before == 1
        connection.rollback()
        assert proxy.turns - before == 2


def test_the_plain_driver_counts_its_round_trips_truly(proxy: CountingProxy) -> None:
    with driver.connect_to(proxy.url, plain=True) as connection:
        before = proxy.turns

        connection.prelude("set local app.store_id = 'a-store'")
        seen = rows(connection, "select current_setting('app.store_id'), %s::int", 1)
        connection.commit()

        assert seen == [("a-store", 1)]
        assert connection.round_trips == proxy.turns - before == 8
        assert connection.statements == 1


def test_many_executions_of_one_statement_share_round_trips(proxy: CountingProxy) -> None:
    with driver.connect_to(proxy.url) as connection:
        cursor = connection.cursor()
        before = proxy.turns

        cursor.executemany("insert into marks values (%s, %s)", [(number, "n") for number in range(1, 251)])

        assert (cursor.rowcount, cursor.description) == (250, None)
        assert rows(connection, "select count(*), sum(id) from marks") == [(250, 250 * 251 // 2)]
        assert proxy.turns - before == 3 + 1
        assert connection.statements == 250 + 1
        connection.rollback()


def test_many_executions_that_return_rows_keep_the_last_answer(connection: driver.Connection) -> None:
    cursor = connection.cursor()

    cursor.executemany("insert into marks values (%s, 'n') returning id", [(1,), (2,)])

    assert cursor.fetchall() == ([2],)
    assert cursor.rowcount == 2


def test_an_end_of_nothing_costs_nothing_and_drops_the_preludes(connection: driver.Connection) -> None:
    connection.prelude("set local app.store_id = 'dropped'")
    connection.commit()
    connection.prelude("set local app.store_id = 'dropped'")
    connection.rollback()

    assert connection.round_trips == 0
    assert rows(connection, "select current_setting('app.store_id', true)") in ([(None,)], [("",)])


def test_a_rollback_drops_the_preludes_that_did_not_travel(connection: driver.Connection) -> None:
    rows(connection, "select 1")
    connection.prelude("select no_such_column")

    connection.rollback()

    assert connection.round_trips == 2
    assert rows(connection, "select 1") == [(1,)]


def test_preludes_left_at_the_commit_travel_with_it(connection: driver.Connection) -> None:
    rows(connection, "insert into marks values (901, 'kept') returning id")
    connection.prelude("savepoint business")
    connection.prelude("update marks set note = 'changed' where id = 901")

    connection.commit()

    assert connection.round_trips == 2
    assert rows(connection, "delete from marks where id = 901 returning note") == [("changed",)]
    connection.commit()


def test_a_savepoint_saves_what_came_before_the_failure(either: driver.Connection) -> None:
    rows(either, "insert into marks values (902, 'before') returning id")
    either.prelude("savepoint business")
    with pytest.raises(driver.IntegrityError):
        rows(either, "insert into marks values (%s, 'after') returning id", 902)

    either.prelude("rollback to savepoint business")
    answer = rows(either, "update marks set note = %s where id = 902 returning note", "told")
    either.commit()

    assert answer == [("told",)]
    assert rows(either, "delete from marks where id = 902 returning note") == [("told",)]
    either.commit()


def test_a_prelude_that_fails_raises_from_the_statement_it_travelled_with(connection: driver.Connection) -> None:
    connection.prelude("set local no_such_setting = 'x'")

    with pytest.raises(driver.ProgrammingError) as raised:
        rows(connection, "insert into marks values (903, 'never') returning id")

    assert driver.sqlstate(raised.value) == "42704"
    connection.rollback()
    assert rows(connection, "select count(*) from marks") == [(0,)]


def test_a_prelude_that_fails_at_the_commit_commits_nothing(connection: driver.Connection) -> None:
    rows(connection, "insert into marks values (904, 'never') returning id")
    connection.prelude("set local no_such_setting = 'x'")

    with pytest.raises(driver.ProgrammingError):
        connection.commit()

    assert rows(connection, "select count(*) from marks") == [(0,)]


@pytest.mark.parametrize("commit", ["method", "statement"])
def test_a_commit_that_became_a_rollback_is_an_error(connection: driver.Connection, commit: str) -> None:
    rows(connection, "insert into marks values (905, 'never') returning id")
    with pytest.raises(driver.ProgrammingError):
        rows(connection, "select no_such_column")

    with pytest.raises(driver.InternalError) as raised:
        connection.commit() if commit == "method" else connection.cursor().execute(" COMMIT")

    assert driver.sqlstate(raised.value) == "25P02"
    assert rows(connection, "select count(*) from marks") == [(0,)]


@pytest.mark.parametrize(("kind", "value"), VALUES)
def test_every_type_comes_back_as_it_went(either: driver.Connection, kind: str, value: object) -> None:
    answer = rows(either, f"select %s::{kind}, %s::{kind}", value, None)

    assert answer == [(value, None)]


def test_large_values_pass_both_ways(either: driver.Connection) -> None:
    words, data = "কফি " * (LARGE // 4), b"\x00\xff" * (LARGE // 2)

    either.prelude("set local app.store_id = 'a-store'")
    answer = rows(either, "select %s::text, %s::bytea, current_setting('app.store_id')", words, data)

    assert answer == [(words, data, "a-store")]


def test_row_counts_and_columns_are_told(either: driver.Connection) -> None:
    cursor = either.cursor()

    cursor.execute("insert into marks select number, 'n' from generate_series(1, %s) number", (5,))
    inserted, columns_of_insert = cursor.rowcount, cursor.description
    cursor.execute("update marks set note = 'm' where id <= 3")
    updated = cursor.rowcount
    cursor.execute("select id as number from marks where id > %s", (1,))

    assert (inserted, columns_of_insert, updated) == (5, None, 3)
    assert cursor.rowcount == 4
    assert [column[0] for column in cursor.description or ()] == ["number"]


@pytest.mark.parametrize(
    ("statement", "value", "error", "sqlstate"),
    [
        ("selec %s::int", 1, driver.ProgrammingError, "42601"),  # in Parse
        ("select %s::uuid", "no uuid", driver.DataError, "22P02"),  # in Bind
        ("select 1 / %s::int", 0, driver.DataError, "22012"),  # in Execute
        ("insert into marks values (%s, '')", 0, driver.IntegrityError, "23514"),
        ("select pg_advisory_xact_lock(1) from marks where id = %s for update nowait", "x", driver.DataError, "22P02"),
    ],
)
def test_an_error_leaves_the_connection_usable(
    either: driver.Connection, statement: str, value: object, error: type[Exception], sqlstate: str
) -> None:
    with pytest.raises(error) as raised:
        rows(either, statement, value)
    either.rollback()

    assert driver.sqlstate(raised.value) == sqlstate
    assert rows(either, "select %s::int", 2) == [(2,)]


def test_an_error_amid_many_executions_undoes_them_all(connection: driver.Connection) -> None:
    cursor = connection.cursor()
    cursor.execute("insert into marks values (907, 'kept')")
    connection.commit()

    with pytest.raises(driver.IntegrityError) as raised:
        cursor.executemany("insert into marks values (%s, %s)", [(908, "a"), (907, "b"), (909, "c")])
    connection.rollback()

    assert driver.sqlstate(raised.value) == "23505"
    assert rows(connection, "delete from marks returning id") == [(907,)]
    connection.commit()


def test_a_value_that_python_cannot_hold_leaves_the_connection_usable(connection: driver.Connection) -> None:
    connection.register_in_adapter(23, lambda _: int("no number"))

    with pytest.raises(ValueError, match="no number"):
        rows(connection, "select number::int4 from generate_series(1, 3) number")

    assert rows(connection, "select 'next'") == [("next",)]


def test_a_parameter_that_cannot_be_sent_costs_nothing_and_loses_no_prelude(connection: driver.Connection) -> None:
    connection.prelude("set local app.store_id = 'a-store'")
    with pytest.raises(UnicodeEncodeError):
        rows(connection, "select %s", "\ud800")

    assert connection.round_trips == 0
    assert rows(connection, "select current_setting('app.store_id')") == [("a-store",)]


def test_copy_goes_both_ways(either: driver.Connection) -> None:
    cursor, copied = either.cursor(), io.BytesIO()

    either.prelude("set local app.store_id = 'a-store'")
    cursor.execute("copy marks from stdin", stream=io.BytesIO(b"1\tone\n2\t\\N\n"))
    cursor.execute("copy (select * from marks order by id) to stdout", stream=copied)

    assert copied.getvalue() == b"1\tone\n2\t\\N\n"
    assert rows(either, "select current_setting('app.store_id')") == [("a-store",)]


def test_a_copy_that_postgresql_refuses_leaves_the_connection_usable(either: driver.Connection) -> None:
    with pytest.raises(driver.DataError):
        either.cursor().execute("copy marks from stdin", stream=io.BytesIO(b"no number\tone\n"))
    either.rollback()

    assert rows(either, "select %s::int", 2) == [(2,)]


def test_without_transactions_no_begin_is_sent(proxy: CountingProxy) -> None:
    with driver.connect_to(proxy.url) as connection:
        connection.autocommit = True

        answer = rows(connection, "select %s::int", 1)

        assert answer == [(1,)]
        assert b"begin" not in proxy.sent


def test_sqlalchemy_names_the_constraint_and_its_state(url: str) -> None:
    engine = create_engine("postgresql+pg8000://", creator=lambda: driver.connect_to(url))

    with engine.connect() as connection, pytest.raises(IntegrityError) as raised:
        connection.execute(text("insert into marks values (:id, '')"), {"id": -1})
    engine.dispose()

    assert driver.sqlstate(raised.value) == "23514"
    assert "marks_id_check" in str(raised.value)
