"""What a statement of a hot path found, past SQLAlchemy's cursors and results, which cost more than its flush does.

The transaction, its connection, its errors and whoever watches statements are SQLAlchemy's as ever.
"""

from collections import namedtuple
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Never

from pg8000 import dbapi
from sqlalchemy import Connection
from sqlalchemy.exc import MultipleResultsFound, NoResultFound

from shared.core import plain


class Found:
    """The rows that a statement found, as tuples with the columns' names, and how many it changed."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: list[Any], rowcount: int) -> None:
        """Hold them."""
        self._rows = rows
        self.rowcount = rowcount

    def all(self) -> list[Any]:
        """Return the rows."""
        return self._rows

    def one_or_none(self) -> Any:  # noqa: ANN401 -- a row is of the class that its statement's columns make
        """Return the only row, or None where there is none.

        Raises:
            MultipleResultsFound: there are more.
        """
        if len(self._rows) > 1:
            message = f"One row was expected, and {len(self._rows)} were found."
            raise MultipleResultsFound(message)
        return self._rows[0] if self._rows else None

    def one(self) -> Any:  # noqa: ANN401 -- as above
        """Return the only row.

        Raises:
            NoResultFound: there is none.
            MultipleResultsFound: there are more.
        """
        row = self.one_or_none()
        if row is None:
            message = "One row was expected, and none was found."
            raise NoResultFound(message)
        return row

    def scalar_one_or_none(self) -> Any:  # noqa: ANN401 -- a value of any type
        """Return the first column of the only row, or None where there is no row.

        Raises:
            MultipleResultsFound: there are more rows.
        """
        row = self.one_or_none()
        return None if row is None else row[0]


def run(connection: Connection, driven: plain.Connection, sql: str, values: Sequence[Any]) -> Found:
    """Run a statement on a connection that is in a transaction; `driven` is the driver's own. It is shown to nobody.

    Raises:
        DBAPIError: PostgreSQL refused, or the connection was lost.
    """
    cursor = driven.cursor()
    try:
        cursor.execute(sql, values)
    except dbapi.Error as error:
        refuse(connection, error, sql, values)
    described = cursor.description
    if described is None:
        return Found([], cursor.rowcount)
    row = row_of(tuple([column[0] for column in described]))
    return Found(list(map(row._make, cursor.fetchall())), cursor.rowcount)


def refuse(connection: Connection, error: dbapi.Error, sql: str, values: Sequence[Any]) -> Never:
    """Raise an error of the driver's as SQLAlchemy raises those that it meets itself.

    Raises:
        DBAPIError: always.
    """
    connection._handle_dbapi_exception(error, sql, tuple(values), None, None)  # noqa: SLF001 -- there is no public way


@lru_cache(maxsize=512)
def row_of(names: tuple[str, ...]) -> Any:  # noqa: ANN401 -- a class that is made here
    """Return the class of rows whose columns have these names."""
    return namedtuple("Row", names, rename=True)  # noqa: PYI024 -- as above
