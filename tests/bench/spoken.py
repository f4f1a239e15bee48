r"""What a client said to PostgreSQL, read from the wire and written as a script of pgbench: the same SQL, no client.

The messages of one flush become one command of the script, joined by `\;`, so that the script takes as many network
round trips as the client did. Parameters become literals of their types.
"""

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

# What travels in front of the next statement instead of taking a round trip of its own.
_TRAVELS_ALONG = re.compile(r"\s*(begin|set|savepoint|rollback to)\b", re.IGNORECASE)
_STEERS = re.compile(r"\s*(begin|set|savepoint|rollback|commit|release)\b", re.IGNORECASE)
_PARAMETER = re.compile(r"\$(\d+)")


@dataclass(frozen=True)
class Turn:
    """What was said in one flush."""

    statements: tuple[str, ...]

    @property
    def counted(self) -> int:
        """How many of them are statements: BEGIN, SET, COMMIT and the like are none."""
        return sum(not _STEERS.match(one) for one in self.statements)

    def as_command(self) -> str:
        """Write it as one command of a pgbench script."""
        return " \\;\n".join(one.strip().rstrip(";") for one in self.statements) + ";\n"


def turns(said: bytes, types: Mapping[int, str]) -> Iterator[Turn]:
    """Read what was said over one connection, whole messages after the login; `types` names the types by their oid."""
    waiting: list[str] = []
    parsed = ""
    oids: tuple[int, ...] = ()
    for kind, body in _messages(said):
        match kind:
            case b"Q":
                waiting.append(body[:-1].decode())
                if _TRAVELS_ALONG.match(waiting[-1]):
                    continue
                yield Turn(tuple(waiting))
                waiting = []
            case b"P":
                parsed, oids = _parsed(body)
            case b"B":
                waiting.append(_with_literals(parsed, oids, list(_bound(body)), types))
            case b"S":
                yield Turn(tuple(waiting))
                waiting = []
            case _:
                pass  # Describe and Execute say nothing new, Terminate ends a connection


def _messages(said: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(said):
        (size,) = struct.unpack_from("!i", said, at + 1)
        yield said[at : at + 1], said[at + 5 : at + 1 + size]
        at += 1 + size


def _parsed(body: bytes) -> tuple[str, tuple[int, ...]]:
    _name, statement, rest = body.split(b"\0", 2)
    (count,) = struct.unpack_from("!h", rest)
    return statement.decode(), struct.unpack_from(f"!{count}i", rest, 2)


def _bound(body: bytes) -> Iterator[str | None]:
    at = body.index(b"\0", body.index(b"\0") + 1) + 1  # behind the names of the portal and the statement
    (formats,) = struct.unpack_from("!h", body, at)
    at += 2 + 2 * formats
    (count,) = struct.unpack_from("!h", body, at)
    at += 2
    for _ in range(count):
        (size,) = struct.unpack_from("!i", body, at)
        at += 4
        yield None if size < 0 else body[at : at + size].decode()
        at += max(size, 0)


def _with_literals(statement: str, oids: tuple[int, ...], values: list[str | None], types: Mapping[int, str]) -> str:
    def literal(found: re.Match[str]) -> str:
        index = int(found[1]) - 1
        value = values[index]
        text = "null" if value is None else "'" + value.replace("'", "''") + "'"
        oid = oids[index] if index < len(oids) else 0
        return f"cast({text} as {types[oid]})" if oid else text

    return _PARAMETER.sub(literal, statement)
