"""What a client says to PostgreSQL, in the bytes of its protocol, and how it reads answers: used by `wire` alone."""

import re
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from pg8000 import core, dbapi
from pg8000.converters import datetime_out, make_param, timestamptz_in

type Heard = Callable[[list[Any]], None]  # what is told the rows of a question

HEAD = 5  # bytes of a message's kind and length
COUNT, LENGTH = 2, 4  # bytes of the number of a row's values, and of the length of each
length_at = struct.Struct("!i").unpack_from

_NULL = core.i_pack(-1)

# Statements that steer the transaction rather than work in it, and the empty one; they are not counted as statements.
STEERING = re.compile(r"\s*((begin|start|set|commit|end|rollback|abort|savepoint|release)\b|;|$)", re.IGNORECASE)
# Statements that claim to make a transaction permanent.
COMMITTING = re.compile(r"\s*(commit|end|prepare\s+transaction)\b", re.IGNORECASE)
# Statements whose answer is a few bytes, however many rows they touch.
ANSWERS_BRIEFLY = re.compile(r"\s*(insert|update|delete)\b(?!.*\breturning\b)", re.IGNORECASE | re.DOTALL)


ERRORS_BY_CLASS = {
    "22": dbapi.DataError,
    "23": dbapi.IntegrityError,
    "25": dbapi.InternalError,
    "40": dbapi.OperationalError,
    "42": dbapi.ProgrammingError,
    "53": dbapi.OperationalError,
    "55": dbapi.OperationalError,
    "57": dbapi.OperationalError,
}

# A prepared statement that PostgreSQL does not know, or whose columns have changed since.
FORGOTTEN = {"26000", "0A000"}


type Shape = tuple[Any, Any]  # the columns of a statement's rows, and what reads them; None and nothing for no rows


class Answer(core.Context):  # type: ignore[misc]  # pg8000 has no types
    """What a statement answers. `name`: by which PostgreSQL knows the statement; `shape`: of its rows, where known."""

    def __init__(self, sql: str, stream: Any = None, *, name: bytes = b"", shape: Shape | None = None) -> None:  # noqa: ANN401 -- a file of any kind
        """Wait for it."""
        super().__init__(sql, stream, *(shape or ()))
        self.name = name


class Question(Answer):
    """The answer to a question that travelled ahead of a statement."""

    def __init__(self, sql: str, heard: Heard, *, name: bytes = b"", shape: Shape | None = None) -> None:
        """Wait for its rows."""
        super().__init__(sql, name=name, shape=shape)
        self.heard = heard

    @property
    def is_answered(self) -> bool:
        """Tell whether it was answered: it was not where something before it failed."""
        return self.error is None and bool(self.row_count >= 0)


@dataclass(frozen=True, slots=True)
class Step:
    """What travels ahead of a statement: a prelude, a question, or a statement that nobody waits for."""

    sql: str
    messages: bytes
    heard: Heard | None = None
    is_due: bool = False  # may not be dropped, as a prelude may that nothing follows
    name: bytes = b""
    shape: Shape | None = None

    def answer(self) -> Answer:
        """Return what its answer is read into."""
        if self.heard is None:
            return Answer(self.sql)
        return Question(self.sql, self.heard, name=self.name, shape=self.shape)


def message(code: bytes, body: bytes) -> bytes:
    """Return a message of a kind."""
    return b"".join((code, core.i_pack(len(body) + 4), body))


def query(sql: str) -> bytes:
    """Return the messages of a simple query: one or more statements without parameters."""
    return message(core.QUERY, sql.encode() + core.NULL_BYTE)


@lru_cache(maxsize=512)
def parse(statement: str, oids: tuple[int, ...] = (), name: bytes = b"") -> bytes:
    """Return the message that has a statement parsed; `oids` are the types of its parameters, where they are known."""
    types = b"".join(core.i_pack(max(oid, 0)) for oid in oids)  # pg8000 says -1 where PostgreSQL says 0: unknown
    return message(core.PARSE, name + b"\0" + statement.encode() + b"\0" + core.H_pack(len(oids)) + types)


def close(name: bytes) -> bytes:
    """Return the message that takes a statement's name back; that nothing has it is no error."""
    return message(core.CLOSE, core.STATEMENT + name + core.NULL_BYTE)


def bind(values: Sequence[Any], texts: Mapping[Any, Callable[[Any], Any]], encoding: str, name: bytes = b"") -> bytes:
    """Return the message that gives a parsed statement its parameters, as text; without a name the one parsed last.

    `texts` writes values by their types, as pg8000 has them.
    """
    parts = [b"\0", name, b"\0\0\0", core.H_pack(len(values))]  # the unnamed portal, the statement, no formats
    for value in values:
        kind = type(value)
        if kind is not str:
            value = texts[kind](value) if kind in texts else make_param(texts, value)  # noqa: PLW2901 -- the same, told
        if value is None:
            parts.append(_NULL)
        else:
            encoded = value.encode(encoding)
            parts += (core.i_pack(len(encoded)), encoded)
    parts.append(b"\0\0")
    return message(core.BIND, b"".join(parts))


DESCRIBE_PORTAL = message(core.DESCRIBE, core.PORTAL + core.NULL_BYTE)


@lru_cache(maxsize=512)
def bind_nothing(name: bytes) -> bytes:
    """Return the messages that execute a parsed statement without parameters; without a name the one parsed last."""
    return b"".join((bind((), {}, "utf8", name), core.EXECUTE_MSG))


@lru_cache(maxsize=512)
def prelude(sql: str) -> Step:
    """Return a statement that has no parameters and returns nothing, as a step."""
    return Step(sql, parse(sql) + bind_nothing(b""))


BEGIN = prelude("begin")
BEGIN_READING = prelude("begin read only")
COMMIT = prelude("commit")


def answers(steps: Iterable[Step]) -> list[Answer]:
    """Return what the steps' answers are read into."""
    return [step.answer() for step in steps]


@lru_cache(maxsize=512)
def numbered(operation: str) -> str:
    """Turn %s into $1, $2, ...: pg8000 walks the text character by character, so each text is walked once."""
    statement: str = dbapi.convert_paramstyle("format", operation, ())[0]
    return statement


def moment(told: str) -> datetime | str:
    """Read a timestamptz; a tenth of what pg8000's own way through `strptime` takes, which has the rest: infinity."""
    try:
        return datetime.fromisoformat(told)
    except ValueError:
        read: datetime | str = timestamptz_in(told)
        return read


def told_moment(at: datetime) -> str:
    """Write a moment; what is in UTC already, as all of ours are, needs no conversion to it."""
    return at.isoformat() if at.tzinfo is UTC else str(datetime_out(at))
