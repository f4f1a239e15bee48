"""pg8000's own connection, with what callers of any of the drivers may use. `shared.core.driver` connects with it."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from operator import attrgetter
from typing import IO, Any
from uuid import UUID

from pg8000 import core, dbapi

from shared.core import messages
from shared.core.messages import Heard

type Stream = IO[Any] | Iterable[str | bytes]  # what COPY reads from or writes to

_TIMESTAMPTZ = 1184  # the type's oid


class Connection(dbapi.Connection):  # type: ignore[misc]  # pg8000 has no types
    """pg8000's own connection, with what callers of either driver may use: preludes, counters, telling errors."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        """Connect as pg8000 does; afterwards reads wait as long as PostgreSQL works."""
        self.round_trips = 0  # flushes that were followed by a wait, since the session began
        self.statements = 0  # executions, without BEGIN, SET, COMMIT, SAVEPOINT and their like
        self._is_lost = False
        try:
            super().__init__(*args, **kwargs)
        except BaseException:
            if getattr(self, "_sock", None) is not None:  # pg8000 closes what fails after its first words, not before
                self.close()
            raise
        self._usock.settimeout(None)
        self.register_in_adapter(_TIMESTAMPTZ, messages.moment)
        self.register_out_adapter(datetime, messages.told_moment)
        self.register_out_adapter(UUID, attrgetter("hex"))  # half of what its dashes cost, which PostgreSQL ignores

    def prelude(self, sql: str) -> None:
        """Run `sql`, which takes no parameters and returns nothing, in the transaction before the next statement.

        For `set local ...` and savepoints. Here it runs at once; `OneTripConnection` lets it travel along.
        """
        self.cursor().execute(sql)

    def ask(self, sql: str, values: Sequence[Any], heard: Heard) -> None:
        """Run `sql` as a prelude is run, and hand its rows to `heard`, which may raise to stop what follows.

        Here it runs at once.
        """
        cursor = self.cursor()
        cursor.execute(sql, values)
        heard(list(cursor.fetchall()))

    def tell(self, sql: str, values: Sequence[Any]) -> None:
        """Run `sql`, which returns nothing, as a prelude is run: for what nobody waits for.

        Here it runs at once; `OneTripConnection` lets it travel with the next statement, or with the commit.
        """
        self.cursor().execute(sql, values)

    @property
    def has_questions(self) -> bool:
        """Tell whether a question waits for a statement to travel with."""
        return False

    def only_read(self) -> None:
        """Promise that the transaction which now begins changes nothing; PostgreSQL holds the client to it."""
        self.prelude("set transaction read only")

    def cursor(self) -> "Cursor":
        """Return a cursor that counts."""
        return Cursor(self)

    def close(self) -> None:
        """Close the connection; that the peer is gone already is no error."""
        if self._is_lost:
            return
        stream = self._sock
        try:
            super().close()
        except dbapi.InterfaceError as error:
            if "network error" not in str(error):
                raise
        finally:
            if stream is not None:
                with suppress(OSError):  # the socket stays open until its stream, which pg8000 forgets, is closed
                    stream.close()

    def handle_messages(self, context: core.Context) -> None:
        """Read the answers up to ReadyForQuery, as pg8000 does, and count the wait."""
        self.round_trips += 1
        try:
            super().handle_messages(context)
        except OSError as error:
            # pg8000 lets a reset connection's error through as it is, and SQLAlchemy would not see a disconnect.
            raise dbapi.InterfaceError(f"network error: {error}") from error

    def handle_ERROR_RESPONSE(self, data: bytes, context: core.Context) -> None:  # noqa: N802 - pg8000's name
        """Keep the first error of an answer, as the class that PEP 249 has for it."""
        earlier = context.error
        super().handle_ERROR_RESPONSE(data, context)
        fields = context.error.args[0]
        if fields.get("V") in {"FATAL", "PANIC"} and self._backend_key_data is not None:
            # The session is over: PostgreSQL closes the connection behind this message.
            raise dbapi.InterfaceError(f"network error: {fields.get('M')} ({fields.get('C')})")
        context.error = earlier or messages.ERRORS_BY_CLASS.get(fields.get("C", "")[:2], dbapi.DatabaseError)(fields)


class Cursor(dbapi.Cursor):  # type: ignore[misc]  # as above
    """pg8000's cursor, which counts the statements."""

    def execute(self, operation: str, args: Sequence[Any] = (), stream: Stream | None = None) -> None:
        """Execute one statement; `stream` is the file of a COPY."""
        if not messages.STEERING.match(operation):
            self._c.statements += 1
        super().execute(operation, args, stream)
