"""The steps of what a process does towards the outside, and how to die at one of them.

Every flush to PostgreSQL makes three steps (before it is sent, sent and not answered, answered), BEGIN and COMMIT
included; every message to a queue or a person makes two. The steps of an undisturbed run are counted first; then a
forked child does the same and ends itself by SIGKILL at the step that it was told, with whatever it had open.
"""

import os
import pickle
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from shared.core import database, wire
from tests.database import Sql

ACKNOWLEDGED = "acknowledged"  # the last step: the answer is out
_LIFE = 8_112_028  # the lock that a child's session holds for as long as PostgreSQL takes it for alive
_SURVIVED, _FAILED = 0, 7  # how a child ends that was not killed


@dataclass
class Steps:
    """The steps that were made since the counting began; none is counted outside of it."""

    trail: list[str] = field(default_factory=list)
    die: Callable[[str], None] | None = None  # what ends the process, given the step's name
    fatal: int = 0  # the number of the step to die at, from 0
    counting: bool = False

    def make(self, name: str) -> None:
        """Make a step, and die if it is the one."""
        if not self.counting:
            return
        if self.die is not None and self.fatal == len(self.trail):
            self.die(name)
        self.trail.append(name)

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        """Count the steps of a block from 0, and return their names."""
        self.trail, self.counting = [], True
        try:
            yield self.trail
        finally:
            self.counting = False


steps = Steps()


@dataclass(frozen=True)
class Death:
    """How a child ended: at which step by the signal, or not by it; and what it had answered by then."""

    killed_at: str | None
    answered: Any = None


def die_at(fatal: int, act: Callable[[], Any]) -> Death:
    """Let a forked child act until it kills itself at that step; return where it was, and what it had answered before.

    The child makes connections of its own: its parent's sockets are not its to use.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        _live(fatal, act, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(pid, 0)
    if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
        return Death(None)
    return Death(*pickle.loads(said))  # noqa: S301 -- from our own child


def wait_for_the_dead(sql: Sql) -> None:
    """Wait until PostgreSQL has noticed each child's death, and undone or committed what it was at."""
    sql("select pg_advisory_xact_lock(%s)", _LIFE)


def _live(fatal: int, act: Callable[[], Any], writing: int) -> None:
    answers: list[Any] = []

    def die(name: str) -> None:
        os.write(writing, pickle.dumps((name, *answers)))
        os.kill(os.getpid(), signal.SIGKILL)

    ended = _FAILED
    try:
        database.abandon()
        # Its own connection is there before the act, as in a function that has served before.
        with database.engine().connect() as connection:
            connection.exec_driver_sql(f"select pg_advisory_lock_shared({_LIFE})")
        steps.die, steps.fatal = die, fatal
        with steps.counted():
            answers.append(act())
            steps.make(ACKNOWLEDGED)
        ended = _SURVIVED
    finally:  # whatever it was, nothing of the child may run on in its parent's code
        if ended == _FAILED:
            traceback.print_exc()
            sys.stderr.flush()
        os._exit(ended)


def watch_the_wire() -> None:
    """Make steps of every flush to PostgreSQL, from now on, in this process and its children."""
    exchange, read = wire.OneTripConnection._exchange, wire.OneTripConnection._read_answers
    unread: list[str] = []

    @wraps(exchange)
    def exchanging(self: wire.OneTripConnection, said: Any, batches: Any) -> None:
        told = [answer.statement for answer in batches[-1]]
        takes_along = len(told) > 1 and told[-1] == "commit"
        name = " ".join((told[-2] if takes_along else told[-1]).split())[:60]
        if takes_along and told[0] != "begin read only":
            name = f"commit with {name}"
        steps.make(f"before {name}")
        unread[:] = [name]
        exchange(self, said, batches)
        steps.make(f"answered {name}")

    @wraps(read)
    def reading(self: wire.OneTripConnection, batches: Any) -> None:
        if unread:
            steps.make(f"sent {unread.pop()}")
        read(self, batches)

    wire.OneTripConnection._exchange = exchanging  # type: ignore[method-assign] # as the function's purpose is
    wire.OneTripConnection._read_answers = reading  # type: ignore[method-assign] # as above


def watched[**P, R](name: str, call: Callable[P, R]) -> Callable[P, R]:
    """Return the call with a step before it and one after it."""

    @wraps(call)
    def watching(*arguments: P.args, **named: P.kwargs) -> R:
        steps.make(f"before {name}")
        result = call(*arguments, **named)
        steps.make(f"answered {name}")
        return result

    return watching


def each_boundary_once(trail: Sequence[str], pick: Callable[[Sequence[int]], int]) -> list[int]:
    """Return a step for each flush, picked from its three; of a COMMIT all of them, and the acknowledged answer."""
    chosen: list[int] = []
    flush: list[int] = []
    for number, name in enumerate(trail):
        flush.append(number)
        if name.startswith("answered"):
            chosen += flush if "commit" in name else [pick(flush)]
            flush = []
    return [*chosen, *flush, len(trail)]


def before_any_commit(trail: Sequence[str]) -> int:
    """Return how many steps there are at which a death can leave nothing behind: those before a COMMIT is sent."""
    return next((number for number, name in enumerate(trail) if "commit" in name), len(trail) - 1) + 1
