"""What PostgreSQL alone holds between stores: raw statements on a table as the application's role, and their offences.

Nothing but policies and grants stands in between. `test_tables` tries every table by it; the mutations of the database
try the table whose policy they took away.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from shared.core import driver
from tests.database import Sql
from tests.rules import locks
from tests.rules.locks import Table

DENIED = "42501"  # insufficient_privilege: a missing grant, or a row that the policy refuses


@dataclass(frozen=True)
class Try:
    """What became of one statement: how many rows it saw or changed, or the state in which PostgreSQL refused it."""

    rows: int
    refused: str | None = None


class Trying(Protocol):
    """Run one raw statement as the application's role, bound to a store or to none, and undo it."""

    def __call__(self, statement: str, *, store_id: UUID | None) -> Try:
        """Return what became of it."""


class AsApplication:
    """Tries over a connection of the application's role, each statement in a transaction of its own."""

    def __init__(self, connection: driver.Connection) -> None:
        self._connection = connection

    def __call__(self, statement: str, *, store_id: UUID | None) -> Try:
        cursor = self._connection.cursor()
        if store_id is not None:
            cursor.execute(f"set local app.store_id = '{store_id}'")
        try:
            return _tried(cursor, statement)
        finally:
            self._connection.rollback()


class WithinTransaction:
    """Tries inside a transaction of the superuser, who becomes the application for one statement.

    So a try sees what the transaction has done to the schema, and nobody else does.
    """

    def __init__(self, connection: driver.Connection) -> None:
        self._cursor = connection.cursor()

    def __call__(self, statement: str, *, store_id: UUID | None) -> Try:
        self._cursor.execute("savepoint before_a_try")
        self._cursor.execute(f"set local role {locks.APP}")
        if store_id is not None:
            self._cursor.execute(f"set local app.store_id = '{store_id}'")
        try:
            return _tried(self._cursor, statement)
        finally:
            self._cursor.execute("rollback to savepoint before_a_try")  # role and store go with it


def _tried(cursor: Any, statement: str) -> Try:
    try:
        cursor.execute(statement)
        return Try(len(cursor.fetchall()) if cursor.description else cursor.rowcount)
    except driver.DatabaseError as refusal:
        return Try(0, driver.sqlstate(refusal))


def offences_of_nobody(table: Table, tenant: UUID, trying: Trying) -> Iterator[str]:
    """Return what who is bound to nobody sees of a table, or does to that tenant's rows."""
    for statement in (f"select 1 from {table.name}", *writes(table, tenant)):
        tried = trying(statement, store_id=None)
        if not _is_harmless(tried, statement):
            yield f"unbound: {statement}: {tried}"


def offences_of_a_tenant(table: Table, mine: UUID, theirs: UUID, trying: Trying, sql: Sql) -> Iterator[str]:
    """Return what a tenant sees of a table that is not their own, lacks of their own, or does to another's rows."""
    seen = trying(f"select 1 from {table.name}", store_id=mine)
    if seen != Try(count(sql, table, mine)):
        yield f"{table.name}: of {count(sql, table, mine)} rows of its own, a tenant sees {seen}"
    foreign = f"select 1 from {table.name} where {table.owner_column} <> '{mine}'"
    for statement in (foreign, *writes(table, theirs), _gift(table, mine, theirs)):
        tried = trying(statement, store_id=mine)
        if not _is_harmless(tried, statement):
            yield f"{statement}: {tried}"


def count(sql: Sql, table: Table, store_id: UUID) -> int:
    """Return how many rows a store has in a table."""
    found = sql(f"select count(*) as n from {table.name} where {table.owner_column} = %s", store_id)
    return int(found[0]["n"])


def writes(table: Table, store_id: UUID) -> tuple[str, ...]:
    """Return a change, a removal and an insertion of that store's rows."""
    its_rows = f"{table.owner_column} = '{store_id}'"
    column = table.owner_column
    named = ("id, name", f"'{store_id}', 'Mine'") if column == "id" else (column, f"'{store_id}'")
    row = f"insert into {table.name} ({named[0]}) values ({named[1]})"
    return (
        f"update {table.name} set {column} = {column} where {its_rows}",
        f"delete from {table.name} where {its_rows}",
        row,
    )


def _gift(table: Table, giver: UUID, taker: UUID) -> str:
    """Return a statement that would move rows of one store into another."""
    column = table.owner_column
    return f"update {table.name} set {column} = '{taker}' where {column} = '{giver}'"


def _is_harmless(tried: Try, statement: str) -> bool:
    """Tell whether a statement did nothing; an insertion of somebody else's row must be refused as such."""
    if statement.startswith("insert"):
        return tried.refused == DENIED
    return tried.rows == 0 and tried.refused in (None, DENIED)


def over(connection: driver.Connection) -> Sql:
    """Return what runs statements over a connection, in the transaction that it is in."""
    cursor = connection.cursor()

    def run(statement: str, *args: object) -> list[dict[str, Any]]:
        cursor.execute(statement, args)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()] if names else []

    return run
