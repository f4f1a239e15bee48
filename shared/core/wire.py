"""How statements travel to PostgreSQL: by pg8000's own ways, or by one round trip each.

`shared.core.driver` connects; this is what it connects with.
"""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import batched
from typing import IO, Any

from pg8000 import core, dbapi
from pg8000.converters import make_params

_ERRORS_BY_CLASS = {
    "22": dbapi.DataError,
    "23": dbapi.IntegrityError,
    "25": dbapi.InternalError,
    "40": dbapi.OperationalError,
    "42": dbapi.ProgrammingError,
    "53": dbapi.OperationalError,
    "55": dbapi.OperationalError,
    "57": dbapi.OperationalError,
}

type Stream = IO[Any] | Iterable[str | bytes]  # what COPY reads from or writes to

# Statements that steer the transaction rather than work in it, and the empty one; they are not counted as statements.
_STEERING = re.compile(r"\s*((begin|start|set|commit|end|rollback|abort|savepoint|release)\b|;|$)", re.IGNORECASE)
# Statements that claim to make a transaction permanent.
_COMMITTING = re.compile(r"\s*(commit|end|prepare\s+transaction)\b", re.IGNORECASE)
# Statements whose answer is a few bytes, however many rows they touch.
_ANSWERS_BRIEFLY = re.compile(r"\s*(insert|update|delete)\b(?!.*\breturning\b)", re.IGNORECASE | re.DOTALL)

# PostgreSQL answers each execution with about 40 bytes and stops reading once nobody takes its answers. A hundred
# stay far below what the sockets buffer, so writing a whole flush before reading cannot deadlock.
_EXECUTIONS_PER_FLUSH = 100


class Connection(dbapi.Connection):  # type: ignore[misc]  # pg8000 has no types
    """pg8000's own connection, with what callers of either driver may use: preludes, counters, telling errors."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        """Connect as pg8000 does; afterwards reads wait as long as PostgreSQL works."""
        self.round_trips = 0  # flushes that were followed by a wait, since the session began
        self.statements = 0  # executions, without BEGIN, SET, COMMIT, SAVEPOINT and their like
        self._is_lost = False
        super().__init__(*args, **kwargs)
        self._usock.settimeout(None)

    def prelude(self, sql: str) -> None:
        """Run `sql`, which takes no parameters and returns nothing, in the transaction before the next statement.

        For `set local ...` and savepoints. Here it runs at once; `OneTripConnection` lets it travel along.
        """
        self.cursor().execute(sql)

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
        context.error = earlier or _ERRORS_BY_CLASS.get(fields.get("C", "")[:2], dbapi.DatabaseError)(fields)


class Cursor(dbapi.Cursor):  # type: ignore[misc]  # as above
    """pg8000's cursor, which counts the statements."""

    def execute(self, operation: str, args: Sequence[Any] = (), stream: Stream | None = None) -> None:
        """Execute one statement; `stream` is the file of a COPY."""
        if not _STEERING.match(operation):
            self._c.statements += 1
        super().execute(operation, args, stream)


class OneTripConnection(Connection):
    """A connection that writes all it has to say about a statement in one flush, and reads the answers once.

    A transaction begins with its first statement: BEGIN is sent in that statement's flush. A prelude that fails raises
    from the statement it travelled with; roll back then, as after any error.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        """Connect, as pg8000 does, with no prelude waiting."""
        self._preludes: list[str] = []
        super().__init__(*args, **kwargs)

    def prelude(self, sql: str) -> None:
        """Let `sql`, which takes no parameters and returns nothing, travel in front of the next statement."""
        self._preludes.append(sql)

    def cursor(self) -> "OneTripCursor":
        """Return a cursor whose statements cost one round trip each."""
        return OneTripCursor(self)

    def commit(self) -> None:
        """Commit in one round trip; in none when nothing was sent since the last end of a transaction.

        Raises:
            InternalError: the transaction had failed, and PostgreSQL rolled it back (SQLSTATE 25P02).
        """
        if self._in_transaction:
            self.execute_simple("commit")
        self._preludes.clear()

    def rollback(self) -> None:
        """Roll back in one round trip; in none when nothing was sent. Preludes that did not travel yet are dropped."""
        self._preludes.clear()
        if self._in_transaction:
            self.execute_simple("rollback")

    def execute_simple(self, statement: str) -> core.Context:
        """Send a statement without parameters as a simple query."""
        context = core.Context(statement)
        self._exchange(_query(statement), context)
        return context

    def execute_unnamed(
        self, statement: str, vals: Sequence[Any] = (), oids: Sequence[int] = (), stream: Stream | None = None
    ) -> core.Context:
        """Send a statement with parameters: Parse, Bind, Describe, Execute and Sync in one flush."""
        context = core.Context(statement, stream=stream)
        self._exchange(
            _parse(statement, oids)
            + self._bind(vals)
            + _message(core.DESCRIBE, core.PORTAL + core.NULL_BYTE)
            + core.EXECUTE_MSG
            + core.SYNC_MSG,
            context,
        )
        return context

    def execute_repeatedly(
        self, statement: str, param_sets: Iterable[Sequence[Any]], oids: Sequence[int] = ()
    ) -> core.Context:
        """Execute one statement that returns no rows for each set of parameters, a hundred in a round trip."""
        context = core.Context(statement)
        for some in batched(param_sets, _EXECUTIONS_PER_FLUSH, strict=False):
            executions = b"".join(self._bind(vals) + core.EXECUTE_MSG for vals in some)
            self._exchange(_parse(statement, oids) + executions + core.SYNC_MSG, context)
        return context

    def _bind(self, vals: Sequence[Any]) -> bytes:
        message = bytearray(2) + core.H_pack(0) + core.H_pack(len(vals))  # unnamed portal and statement, all as text
        for param in make_params(self.py_types, vals):
            if param is None:
                message += core.i_pack(-1)
            else:
                encoded = param.encode(self._client_encoding)
                message += core.i_pack(len(encoded)) + encoded
        return _message(core.BIND, message + core.H_pack(0))

    def _exchange(self, messages: bytes, context: core.Context) -> None:
        """Send `messages`, with BEGIN and the preludes in front of them, and read the answers to everything.

        A BEGIN that fails (a cancellation can hit just there) leaves the statement outside a transaction; it then runs
        without its store, so row-level security gives it nothing to see or change.
        """
        if self._usock is None:
            raise dbapi.InterfaceError("connection is closed")
        begin = ["begin"] if not self._in_transaction and not self.autocommit else []
        contexts = [core.Context(sql) for sql in begin + self._preludes] + [context]
        flush = b"".join(_query(sql) for sql in begin + self._preludes) + messages
        self._preludes.clear()
        try:
            self._sock.write(flush)
            self._sock.flush()
            self.round_trips += 1
            for each in contexts:
                self._read_answers(each)
        except OSError as error:
            self._abandon()
            raise dbapi.InterfaceError(f"network error: {error}") from error
        except BaseException:
            # Whatever interrupted the reading, answers are still on their way that nobody would know to skip.
            self._abandon()
            raise
        for each in contexts:
            if each.error is not None:
                raise each.error

    def _read_answers(self, context: core.Context) -> None:
        code = None
        while code != core.READY_FOR_QUERY:
            code, length = core.ci_unpack(self._read(5))
            body = self._read(length - 4)
            if code == core.DATA_ROW and context.error is None:
                try:
                    self.handle_DATA_ROW(body, context)
                except Exception as error:  # noqa: BLE001 - a value that Python can't hold; raised once all is read
                    context.error = error
            elif code != core.DATA_ROW:
                self.message_types[code](body, context)

    def _read(self, size: int) -> bytes:
        data: bytes = self._sock.read(size)
        if len(data) < size:
            raise ConnectionResetError("the server closed the connection")
        return data

    def handle_COMMAND_COMPLETE(self, data: bytes, context: core.Context) -> None:  # noqa: N802 - pg8000's name
        """Count the rows; refuse to take a rollback for a commit."""
        tag = data[:-1].decode("ascii")
        if tag == "ROLLBACK" and _COMMITTING.match(context.statement):
            refusal = "the transaction had failed: PostgreSQL answered COMMIT with ROLLBACK"
            context.error = context.error or dbapi.InternalError({"V": "ERROR", "C": "25P02", "M": refusal})
        with suppress(ValueError):  # CREATE TABLE and its like end in no number
            context.row_count = max(context.row_count, 0) + int(tag.rpartition(" ")[2])

    def _abandon(self) -> None:
        """Close both ends of what can't be used any more; later calls raise "connection is closed"."""
        for end in (self._sock, self._usock):
            with suppress(OSError, ValueError):
                end.close()
        self._sock: Any = None
        self._usock: Any = None
        self._is_lost = True


class OneTripCursor(dbapi.Cursor):  # type: ignore[misc]  # as above
    """A cursor whose statements cost one round trip each, BEGIN included."""

    def execute(self, operation: str, args: Sequence[Any] = (), stream: Stream | None = None) -> None:
        """Execute one statement; `stream` is the file of a COPY."""
        connection = self._connected()
        oids = self._take_input_oids()
        if not _STEERING.match(operation):
            connection.statements += 1
        if len(args) == 0 and stream is None:
            context = connection.execute_simple(operation)
        else:
            context = connection.execute_unnamed(_numbered(operation), args, oids, stream)
        self._take(context)

    def executemany(self, operation: str, param_sets: Iterable[Sequence[Any]]) -> None:
        """Execute one statement for each set of parameters; each counts as a statement.

        What returns no rows goes a hundred executions in a round trip, anything else one by one.
        """
        sets = list(param_sets)
        if len(sets) < 2 or not _ANSWERS_BRIEFLY.match(operation) or not all(sets):  # noqa: PLR2004 - two are many
            super().executemany(operation, sets)
            return
        connection = self._connected()
        oids = self._take_input_oids()
        connection.statements += len(sets)
        self._take(connection.execute_repeatedly(_numbered(operation), sets, oids))

    def _connected(self) -> OneTripConnection:
        if self._c is None:
            raise dbapi.InterfaceError("Cursor closed")
        connection: OneTripConnection = self._c
        return connection

    def _take_input_oids(self) -> Sequence[int]:
        oids: Sequence[int] = self._input_oids
        self._input_oids: Sequence[int] = ()
        return oids

    def _take(self, context: core.Context) -> None:
        self._context = context
        self._row_iter = None if context.rows is None else iter(context.rows)


@lru_cache(maxsize=512)
def _numbered(operation: str) -> str:
    """Turn %s into $1, $2, ...: pg8000 walks the text character by character, so each text is walked once."""
    statement: str = dbapi.convert_paramstyle("format", operation, ())[0]
    return statement


def _message(code: bytes, body: bytes | bytearray) -> bytes:
    return b"".join((code, core.i_pack(len(body) + 4), body))


def _query(sql: str) -> bytes:
    return _message(core.QUERY, sql.encode() + core.NULL_BYTE)


def _parse(statement: str, oids: Sequence[int]) -> bytes:
    types = b"".join(core.i_pack(max(oid, 0)) for oid in oids)  # pg8000 says -1 where PostgreSQL says 0: unknown
    return _message(core.PARSE, core.NULL_BYTE + statement.encode() + core.NULL_BYTE + core.H_pack(len(oids)) + types)
