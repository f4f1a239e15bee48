"""How statements travel to PostgreSQL by one round trip each, and what travels with them.

`shared.core.driver` connects; this is what it connects with.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import batched
from typing import Any

from pg8000 import core, dbapi

from shared.core import messages
from shared.core.messages import Answer, Heard, Question, Shape, Step
from shared.core.plain import Connection, Stream

# PostgreSQL answers each execution with about 40 bytes and stops reading once nobody takes its answers. A hundred
# stay far below what the sockets buffer, so writing a whole flush before reading cannot deadlock.
_EXECUTIONS_PER_FLUSH = 100

_READ = 65_536  # bytes that one read takes at most
_KNOWN_ROWS = 512  # descriptions that a connection keeps
_SAYING_NOTHING = frozenset((core.PARSE_COMPLETE, core.BIND_COMPLETE, core.CLOSE_COMPLETE))
_EXECUTED: bytes = core.EXECUTE_MSG
_DESCRIBED_AND_EXECUTED = messages.DESCRIBE_PORTAL + _EXECUTED


class OneTripConnection(Connection):
    """A connection that writes all it has to say about a statement in one flush, and reads the answers once.

    A transaction begins with its first statement: BEGIN and the preludes are sent in that statement's batch, ended by
    one Sync, as other drivers of that protocol do. One of them that fails, and PostgreSQL skips all that follows it;
    the error raises from the statement that it travelled with. Roll back then, as after any error.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        """Connect, as pg8000 does, with no prelude waiting."""
        self._ahead: list[Step] = []
        self._bound: list[Step] = []  # the settings of a transaction that only reads, for each of its statements
        self._only_reads = False
        self._known_rows: dict[bytes, tuple[Any, Any]] = {}
        super().__init__(*args, **kwargs)

    def prelude(self, sql: str) -> None:
        """Let `sql`, which takes no parameters and returns nothing, travel in front of the next statement."""
        lasting = self._only_reads and sql.startswith("set local")
        (self._bound if lasting else self._ahead).append(messages.prelude(sql))

    def ask(self, sql: str, values: Sequence[Any], heard: Heard) -> None:
        """Let a question travel in front of the next statement, whose own rows nobody gets before `heard` has these.

        What `heard` raises is raised from that statement, the commit at the latest; roll back then.
        """
        self.statements += 1
        told, name = self._told(messages.numbered(sql), ())
        shape = self._shape(name)
        asked = told + self._bind(values, name) + self._executed(shape)
        self._ahead.append(Step(sql, asked, heard, is_due=True, name=name, shape=shape))

    def tell(self, sql: str, values: Sequence[Any]) -> None:
        """Let a statement that returns nothing travel in front of the next one, or of the commit: nobody waits for it.

        When it fails, its error raises from what it travelled with, which PostgreSQL has skipped; roll back then.
        """
        self.statements += 1
        told, name = self._told(messages.numbered(sql), ())
        self._ahead.append(Step(sql, told + self._bind(values, name) + core.EXECUTE_MSG, is_due=True))

    @property
    def has_questions(self) -> bool:
        """Tell whether a question waits for a statement to travel with."""
        return any(step.heard is not None for step in self._ahead)

    def only_read(self) -> None:
        """Promise that the transaction which now begins changes nothing; PostgreSQL holds the client to it.

        Each statement then is a transaction of its own, told whole in one flush: BEGIN, `set local`, itself, COMMIT. It
        sees what it would see anyway, the moment at which it begins, and the end costs no round trip.
        """
        self._only_reads = True

    def cursor(self) -> "OneTripCursor":
        """Return a cursor whose statements cost one round trip each."""
        return OneTripCursor(self)

    def commit(self) -> None:
        """Commit in one round trip, with what was told last; in none when nothing was said since the last commit.

        A question is answered before: whoever asks decides whether there is anything to commit.

        Raises:
            InternalError: the transaction had failed, and PostgreSQL rolled it back (SQLSTATE 25P02).
        """
        try:
            if self.has_questions:
                self._settle()
            if self._in_transaction or self._has_due:
                self._say_ahead(messages.COMMIT)
        except Exception:
            # Whoever pools the connection takes a commit that failed for the end of its transaction.
            with suppress(dbapi.Error):
                self.rollback()
            raise
        self._end()

    def rollback(self) -> None:
        """Roll back in one round trip; in none when nothing was sent. Preludes that did not travel yet are dropped."""
        self._end()
        if self._in_transaction:
            self.execute_simple("rollback")

    @property
    def _has_due(self) -> bool:
        return any(step.is_due for step in self._ahead)

    def _settle(self) -> None:
        """Have said what would else be dropped, or travel ahead of what has no batch."""
        if self._has_due:
            self._say_ahead(*self._behind())

    def _say_ahead(self, *behind: Step) -> None:
        steps = [*self._steps(), *behind]
        self._exchange([*map(self._words, steps), core.SYNC_MSG], [messages.answers(steps)])

    def _end(self) -> None:
        self._ahead.clear()
        self._bound.clear()
        self._only_reads = False

    def execute_simple(self, statement: str) -> core.Context:
        """Send a statement without parameters, or several, as a simple query."""
        self._settle()
        steps = self._steps()
        context = core.Context(statement)
        said = [messages.query(sql) for sql in (*(step.sql for step in steps), statement)]
        self._exchange(said, [*([each] for each in messages.answers(steps)), [context]])
        return context

    def execute_unnamed(
        self, statement: str, vals: Sequence[Any] = (), oids: Sequence[int] = (), stream: Stream | None = None
    ) -> core.Context:
        """Send a statement with parameters: Parse, Bind, Describe, Execute and Sync in one flush."""
        steps, behind = self._steps(), self._behind()
        told, name = self._told(statement, oids)
        shape = self._shape(name)
        answer = Answer(statement, stream, name=name, shape=shape)
        said = [*map(self._words, steps), told, self._bind(vals, name), self._executed(shape)]
        said += (*map(self._words, behind), core.SYNC_MSG)
        self._exchange(said, [[*messages.answers(steps), answer, *messages.answers(behind)]])
        return answer

    def execute_repeatedly(
        self, statement: str, param_sets: Iterable[Sequence[Any]], oids: Sequence[int] = ()
    ) -> core.Context:
        """Execute one statement that returns no rows for each set of parameters, a hundred in a round trip."""
        context = core.Context(statement)
        for some in batched(param_sets, _EXECUTIONS_PER_FLUSH, strict=False):
            steps = self._steps()
            told, name = self._told(statement, oids)
            said = [*map(self._words, steps), told]
            for vals in some:
                said += (self._bind(vals, name), core.EXECUTE_MSG)
            self._exchange([*said, core.SYNC_MSG], [[*messages.answers(steps), context]])
        return context

    def _steps(self) -> list[Step]:
        """Return what goes in front of the next statement: BEGIN, unless there is a transaction, and the preludes."""
        if self._in_transaction or self.autocommit:
            return self._ahead
        if self._only_reads:
            return [messages.BEGIN_READING, *self._bound, *self._ahead]
        return [messages.BEGIN, *self._ahead]

    def _behind(self) -> list[Step]:
        return [messages.COMMIT] if self._only_reads and not self.autocommit else []

    def _told(self, statement: str, oids: Sequence[int]) -> tuple[bytes, bytes]:
        """Return what makes PostgreSQL know a statement, and the name by which it then does: none for the last told."""
        return messages.parse(statement, tuple(oids)), b""

    def _words(self, step: Step) -> bytes:
        """Return what makes PostgreSQL do a step."""
        return step.messages

    def _shape(self, _name: bytes) -> Shape | None:
        """Return what the rows of a statement look like that PostgreSQL knows by a name, where that is known here."""
        return None

    def _executed(self, shape: Shape | None) -> bytes:
        """Return what has a bound statement executed, and its rows described where nobody knows what they look like."""
        return _DESCRIBED_AND_EXECUTED if shape is None else _EXECUTED

    def _bind(self, vals: Sequence[Any], name: bytes) -> bytes:
        return messages.bind(vals, self.py_types, self._client_encoding, name)

    def _exchange(self, said: Iterable[bytes], batches: list[list[core.Context]]) -> None:
        """Send what is said, and read the answers to everything; each batch of them ends with a ReadyForQuery."""
        self._ahead = []
        if self._usock is None:
            raise dbapi.InterfaceError("connection is closed")
        try:
            self._usock.sendall(b"".join(said))
            self.round_trips += 1
            self._read_answers(batches)
        except OSError as error:
            self._abandon()
            raise dbapi.InterfaceError(f"network error: {error}") from error
        except BaseException:
            # Whatever interrupted the reading, answers are still on their way that nobody would know to skip.
            self._abandon()
            raise
        answers = [answer for batch in batches for answer in batch]
        for answer in answers:
            if isinstance(answer, Question) and answer.is_answered:
                answer.heard(answer.rows)
        for answer in answers:
            if answer.error is not None:
                raise answer.error

    def _read_answers(self, batches: Iterable[list[core.Context]]) -> None:
        """Take the messages out of whatever each read brings: mostly all of an answer at once."""
        waiting = iter(batches)
        batch = next(waiting)
        step, answer = 0, batch[0]
        heard, at, size = b"", 0, 0
        length_at, handlers = messages.length_at, self.message_types
        while True:
            if size < at + messages.HEAD or size <= at + (length := length_at(heard, at + 1)[0]):
                heard, at = heard[at:] + self._read(), 0
                if (
                    len(heard) >= messages.HEAD
                    and (missing := messages.length_at(heard, 1)[0] + 1 - len(heard)) > _READ
                ):
                    heard += self._read_whole(missing)
                size = len(heard)
                continue
            code, begin = heard[at : at + 1], at + messages.HEAD
            at += 1 + length
            if code in _SAYING_NOTHING:
                continue
            if code == core.DATA_ROW:
                if answer.error is None:
                    self._take_row(heard, begin, answer)
                continue
            handlers[code](heard[begin:at], answer)
            if code == core.COMMAND_COMPLETE and step < len(batch) - 1:
                step += 1
                answer = batch[step]
            elif code == core.READY_FOR_QUERY:
                if (following := next(waiting, None)) is None:
                    return
                batch = following
                step, answer = 0, batch[0]

    def _take_row(self, heard: bytes, at: int, answer: core.Context) -> None:
        """Read a row, as pg8000's `handle_DATA_ROW` does, where it stands."""
        row: list[object] = []
        length_at, encoding = messages.length_at, self._client_encoding
        at += messages.COUNT
        try:
            for read in answer.input_funcs:
                length = length_at(heard, at)[0]
                at += messages.LENGTH
                if length < 0:
                    row.append(None)
                else:
                    row.append(read(heard[at : at + length].decode(encoding)))
                    at += length
        except Exception as error:  # noqa: BLE001 - a value that Python can't hold; raised once all is read
            answer.error = error
            return
        answer.rows.append(row)

    def _read(self) -> bytes:
        data: bytes = self._sock.read1(_READ)
        if not data:
            raise ConnectionResetError("the server closed the connection")
        return data

    def _read_whole(self, size: int) -> bytes:
        data: bytes = self._sock.read(size)
        if len(data) < size:
            raise ConnectionResetError("the server closed the connection")
        return data

    def register_in_adapter(self, oid: int, in_func: Callable[[str], object]) -> None:
        """Read values of a type otherwise from now on."""
        self._known_rows.clear()
        super().register_in_adapter(oid, in_func)

    def handle_ROW_DESCRIPTION(self, data: bytes, context: core.Context) -> None:  # noqa: N802 - pg8000's name
        """Note the columns; the same statement is described in the same bytes each time."""
        known = self._known_rows.get(data)
        if known is None:
            super().handle_ROW_DESCRIPTION(data, context)
            if len(self._known_rows) < _KNOWN_ROWS:
                self._known_rows[data] = (context.columns, context.input_funcs)
            return
        context.columns, context.input_funcs = known
        if context.rows is None:
            context.rows = []

    def handle_COMMAND_COMPLETE(self, data: bytes, context: core.Context) -> None:  # noqa: N802 - pg8000's name
        """Count the rows; refuse to take a rollback for a commit."""
        tag = data[:-1]
        if tag == b"ROLLBACK" and messages.COMMITTING.match(context.statement):
            refusal = "the transaction had failed: PostgreSQL answered COMMIT with ROLLBACK"
            context.error = context.error or dbapi.InternalError({"V": "ERROR", "C": "25P02", "M": refusal})
        count = tag.rpartition(b" ")[2]
        if count.isdigit():  # BEGIN, CREATE TABLE and their like end in no number
            context.row_count = max(context.row_count, 0) + int(count)

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
        if not messages.STEERING.match(operation):
            connection.statements += 1
        if len(args) == 0 and stream is None:
            context = connection.execute_simple(operation)
        else:
            context = connection.execute_unnamed(messages.numbered(operation), args, oids, stream)
        self._take(context)

    def executemany(self, operation: str, param_sets: Iterable[Sequence[Any]]) -> None:
        """Execute one statement for each set of parameters; each counts as a statement.

        What returns no rows goes a hundred executions in a round trip, anything else one by one.
        """
        sets = list(param_sets)
        if len(sets) < 2 or not messages.ANSWERS_BRIEFLY.match(operation) or not all(sets):  # noqa: PLR2004 - two are many
            super().executemany(operation, sets)
            return
        connection = self._connected()
        oids = self._take_input_oids()
        connection.statements += len(sets)
        self._take(connection.execute_repeatedly(messages.numbered(operation), sets, oids))

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
