"""Statements told by name: what comes again is neither sent nor parsed again, and names that are lost harm nobody."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from infra.local import events
from shared.core import database, driver, named_statements, tenancy
from shared.core.functions import Api
from shared.core.request import StoreSession
from shared.core.settings import use_settings
from tests.client import answer_of
from tests.core.proxy import CountingProxy
from tests.database import FreshDatabases
from tests.factories import a_store

QUESTION = "select %s::int + 1"

api = Api("names", prefix="/api/v1/names", audience="merchant")


@api.get("", permission="order.read")
def read(session: StoreSession) -> int:
    """Read something by a statement that comes again."""
    (row,) = tenancy.read(session, _SUM, {"number": 1, "store_id": tenancy.require_store(session)})
    found: int = row.sum
    return found


_SUM = text("select cast(:number as int) + 1 as sum from stores where id = :store_id")

handler = api.lambda_handler()


@pytest.fixture(scope="module")
def url(fresh_database: FreshDatabases) -> str:
    """Return a database of these tests' own, with an empty table."""
    url = fresh_database.empty().owner_url
    with driver.connect_to(url) as connection:
        connection.cursor().execute("create table notes (id int primary key, note text)")
        connection.commit()
    return url


@pytest.fixture
def connection(url: str) -> Iterator[driver.Connection]:
    """Return a connection that gives names."""
    with driver.connect_to(url, by_name=True) as connection:
        yield connection
        connection.rollback()


def rows(connection: driver.Connection, statement: str, *args: object) -> list[tuple[Any, ...]]:
    """Execute a statement and return what it answers."""
    cursor = connection.cursor()
    cursor.execute(statement, args)
    return [tuple(row) for row in cursor.fetchall()]


def known(connection: driver.Connection) -> list[str]:
    """Return what PostgreSQL keeps for the connection."""
    return sorted(row[0] for row in rows(connection, "select statement from pg_prepared_statements"))


def test_what_comes_again_is_sent_and_parsed_no_more(url: str) -> None:
    with CountingProxy(url) as proxy, driver.connect_to(proxy.url, by_name=True) as connection:
        answers = [rows(connection, QUESTION, number) for number in range(5)]

        assert answers == [[(number + 1,)] for number in range(5)]
        assert (bytes(proxy.sent).count(b"::int + 1"), connection.round_trips) == (2, 5)
        assert known(connection) == ["select $1::int + 1"]


def test_a_question_is_told_by_its_name_too(url: str) -> None:
    heard: list[Any] = []

    with CountingProxy(url) as proxy, driver.connect_to(proxy.url, by_name=True) as connection:
        for number in range(4):
            connection.only_read()
            connection.ask(QUESTION, (number,), heard.extend)
            rows(connection, "select %s::text", str(number))
            connection.commit()

        assert heard == [[1], [2], [3], [4]]
        assert bytes(proxy.sent).count(b"::int + 1") == 2


def test_what_a_named_statements_rows_look_like_is_told_once(url: str) -> None:
    described: list[bool] = []

    with CountingProxy(url) as proxy, driver.connect_to(proxy.url, by_name=True) as connection:
        for number in range(4):
            before = len(proxy.sent)
            assert rows(connection, "select %s::int as number, null as nothing", number) == [(number, None)]
            described.append(b"D\x00\x00\x00\x06P\x00" in bytes(proxy.sent[before:]))
            cursor = connection.cursor()
            cursor.execute("select %s::int as number, null as nothing", (number,))
            assert [column[0] for column in cursor.description] == ["number", "nothing"]

    assert described == [True, False, False, False]  # the second time it is told, within the first round


def test_begin_commit_and_savepoints_are_told_by_their_names_and_settings_are_not(
    connection: driver.Connection,
) -> None:
    for number in range(3):
        connection.prelude(f"set local app.store_id = 'store {number % 2}'")
        connection.prelude("savepoint here")
        assert rows(connection, "select current_setting('app.store_id') || %s", "!") == [(f"store {number % 2}!",)]
        connection.tell("insert into notes values (%s, 'told')", (2000 + number,))
        connection.commit()

    kept = known(connection)
    assert {"begin", "commit", "savepoint here"} <= set(kept)
    assert not [one for one in kept if one.startswith("set")]
    assert rows(connection, "delete from notes where id >= %s returning note", 2000) == [("told",)] * 3
    connection.commit()


def test_a_commit_that_is_told_by_its_name_still_tells_that_all_was_rolled_back(connection: driver.Connection) -> None:
    for _ in range(3):
        rows(connection, "select %s::int", 1)
        connection.commit()
    rows(connection, "select %s::int", 1)
    with pytest.raises(driver.DataError):
        rows(connection, "select 1 / %s::int", 0)

    with pytest.raises(driver.InternalError) as raised:
        connection.commit()

    assert driver.sqlstate(raised.value) == "25P02"


def test_what_is_written_many_times_is_told_by_its_name(connection: driver.Connection) -> None:
    insert = "insert into notes values (%s, %s)"

    for begin in (0, 300, 600):
        connection.cursor().executemany(insert, [(begin + number, "n") for number in range(250)])

    assert rows(connection, "select count(*), %s::text from notes", "x") == [(750, "x")]
    assert known(connection) == ["insert into notes values ($1, $2)"]


def test_the_same_text_with_other_types_is_another_statement(connection: driver.Connection) -> None:
    for value in ("7", "8", "9"):
        for oid in (23, 25):  # integer, text
            cursor = connection.cursor()
            cursor.setinputsizes(oid)
            cursor.execute("select pg_typeof(%s)::text", (value,))
            assert cursor.fetchone() == ["integer" if oid == 23 else "text"]

    assert len(known(connection)) == 2


def test_a_name_that_was_told_in_vain_is_told_again(connection: driver.Connection) -> None:
    rows(connection, QUESTION, 0)
    connection.rollback()
    connection.prelude("set local no_such_setting = 'x'")
    with pytest.raises(driver.ProgrammingError):
        rows(connection, QUESTION, 1)  # PostgreSQL skipped it
    connection.rollback()

    assert [rows(connection, QUESTION, number) for number in (2, 3)] == [[(3,)], [(4,)]]


def test_a_name_that_was_told_and_whose_statement_failed_is_told_again(connection: driver.Connection) -> None:
    rows(connection, "select 1 / %s::int", 1)
    for _ in range(2):
        with pytest.raises(driver.DataError):
            rows(connection, "select 1 / %s::int", 0)  # told and parsed, and then it failed
        connection.rollback()

    assert rows(connection, "select 1 / %s::int", 1) == [(1,)]


def test_a_name_that_was_never_sent_is_told_again(connection: driver.Connection) -> None:
    rows(connection, QUESTION, 0)
    connection.ask(QUESTION, (1,), lambda _: None)
    connection.rollback()  # which drops what would have told it

    rows(connection, "select %s::text", "something that goes well")

    assert [rows(connection, QUESTION, number) for number in (2, 3)] == [[(3,)], [(4,)]]


def test_names_that_are_lost_are_given_anew(connection: driver.Connection) -> None:
    for number in range(3):
        rows(connection, QUESTION, number)
    connection.cursor().execute("deallocate all")

    with pytest.raises(driver.DatabaseError) as raised:
        rows(connection, QUESTION, 3)
    connection.rollback()

    assert driver.sqlstate(raised.value) == "26000"
    assert [rows(connection, QUESTION, number) for number in (4, 5)] == [[(5,)], [(6,)]]


def test_a_table_that_has_changed_is_read_anew(url: str, connection: driver.Connection) -> None:
    with driver.connect_to(url) as other:
        other.autocommit = True
        other.cursor().execute("create table changing (id int)")
        for _ in range(3):
            rows(connection, "select * from changing where id = %s", 1)
        connection.rollback()
        other.cursor().execute("alter table changing add column note text")

    with pytest.raises(driver.DatabaseError) as raised:
        rows(connection, "select * from changing where id = %s", 1)
    connection.rollback()

    assert driver.sqlstate(raised.value) == "0A000"
    assert rows(connection, "select * from changing where id = %s", 1) == []


def test_a_connection_gives_so_many_names_and_no_more(
    connection: driver.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(named_statements, "MOST", 3)

    for _ in range(3):
        for number in range(5):
            assert rows(connection, f"select {number} + %s::int", 1) == [(number + 1,)]

    assert len(known(connection)) == 3


@pytest.mark.usefixtures("watch")
def test_a_request_whose_statement_was_forgotten_is_answered() -> None:
    store = a_store()
    request = events.http_event("GET", api.prefix, headers=store.merchant.headers)

    with use_settings(database_driver="named"):
        database.dispose()  # the next connection is of that kind
        try:
            answers = [answer_of(handler(request, events.context("names"))).json() for _ in range(4)]
            with database.engine().connect() as connection:
                connection.exec_driver_sql("deallocate all")
            answers.append(answer_of(handler(request, events.context("names"))).json())
        finally:
            database.dispose()

    assert answers == [2] * 5
