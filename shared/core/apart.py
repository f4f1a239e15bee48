"""Reads that go past SQLAlchemy: a statement and what it begins with, on a connection of the engine's own pool.

A hot read is one flush. What SQLAlchemy would do around it (a Connection, a transaction, a result with metadata) costs
more than the flush does. Its pool, its errors and its events stay: `DBAPIError` tells of a lost connection as ever, and
whoever watches statements sees this one.
"""

from collections.abc import Callable, Sequence
from typing import Any

from pg8000 import dbapi
from sqlalchemy import Engine, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError

from shared.core import found, plain

type Said = tuple[str, Sequence[Any]]
type Show = Callable[[str, Sequence[Any]], None]  # shows a statement to whoever watches
type Begin = Callable[[plain.Connection, Any, Show], None]  # is given the connection and its pool's notes on it


class _Watched:
    """What a watcher of statements looks at: the connection, and what is noted of it."""

    def __init__(self, lent: PoolProxiedConnection) -> None:
        self.connection = lent
        self.info = lent.info


def read(engine: Engine, begin: Begin, sql: str, values: Sequence[Any]) -> list[Any]:
    """Return what a statement finds, as named tuples, in a transaction of its own that only reads.

    `begin` says what the transaction begins with. `values` are of types that the driver knows.

    Raises:
        DBAPIError: PostgreSQL refused, or the connection was lost, as SQLAlchemy would tell it.
    """
    try:
        lent = engine.raw_connection()
    except dbapi.Error as error:
        raise _told(engine, None, error) from error
    try:
        driven: Any = lent.dbapi_connection

        def show(statement: str, told: Sequence[Any]) -> None:
            for watch in engine.dispatch.before_cursor_execute:
                watch(_Watched(lent), None, statement, told, None, False)  # noqa: FBT003 -- SQLAlchemy's own order

        begin(driven, lent.info, show)
        show(sql, values)
        cursor = driven.cursor()
        cursor.execute(sql, values)
        row = found.row_of(tuple([column[0] for column in cursor.description]))
        rows = list(map(row._make, cursor.fetchall()))
        driven.commit()
    except dbapi.Error as error:
        if _is_lost(engine, error):
            engine.pool._invalidate(lent, error)  # noqa: SLF001 -- there is no public way; the others are lost with it
        raise _told(engine, (sql, values), error) from error
    finally:
        lent.close()
    return rows


def _is_lost(engine: Engine, error: dbapi.Error) -> bool:
    return bool(engine.dialect.is_disconnect(error, None, None))


def _told(engine: Engine, said: Said | None, error: dbapi.Error) -> BaseException:
    sql, values = said or (None, None)
    told: BaseException = DBAPIError.instance(
        sql,
        None if values is None else tuple(values),
        error,
        dbapi.Error,
        connection_invalidated=_is_lost(engine, error),
        dialect=engine.dialect,
    )
    return told
