"""Statements that come again, told by name: PostgreSQL keeps them parsed, and after some times planned.

A third of what a short statement costs PostgreSQL is reading and planning it. So what a connection has said once gets a
name when it comes again, and from then on its name and its parameters travel alone. What its rows look like is asked
for once: PostgreSQL refuses a statement whose rows have come to look otherwise.

Not the default, since the names live in one session of PostgreSQL's: a proxy that lends sessions by the transaction has
to know them, or to pin the session to its client. PgBouncer knows them since 1.21; AWS announced the same of RDS Proxy
for the protocol's own messages, which are what is sent here, but only an account can prove it.
"""

from collections.abc import Callable, Iterable, Sequence

from pg8000 import core, dbapi

from shared.core import messages
from shared.core.messages import Answer, Shape, Step
from shared.core.wire import OneTripConnection

MOST = 256  # names of a connection; each takes some ten kilobytes of PostgreSQL's memory
_REMEMBERED = 1024  # statements that were said once

# What a transaction that writes says finds its rows by their keys: its plan is the same whatever the values are. Left
# to itself PostgreSQL plans anew each time what takes an array: it believes that ten elements are in it, and not one.
_PLANNED_ONCE = messages.prelude("set local plan_cache_mode = force_generic_plan")

type _Statement = tuple[str, tuple[int, ...]]  # its text, and the types of its parameters


class NamingConnection(OneTripConnection):
    """A connection that writes all in one flush, and what it says again by its name."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        """Connect; no statement has a name yet."""
        self._once: set[_Statement] = set()
        self._names: dict[_Statement, bytes] = {}
        self._telling: set[_Statement] = set()  # in a flush that is not answered yet
        self._known: set[_Statement] = set()
        self._shapes: dict[bytes, Shape] = {}  # by name
        super().__init__(*args, **kwargs)

    def _told(self, statement: str, oids: Sequence[int]) -> tuple[bytes, bytes]:
        key = (statement, tuple(oids))
        name = self._names.get(key)
        if name is None:
            if key not in self._once or len(self._names) == MOST:
                if len(self._once) == _REMEMBERED:
                    self._once.clear()
                self._once.add(key)
                return super()._told(statement, oids)
            name = self._names[key] = b"s%d" % len(self._names)
        if key in self._known:
            return b"", name
        self._telling.add(key)
        self._shapes.pop(name, None)
        # Where an attempt failed nobody knows whether the name is taken already; closing what is not there is no error.
        return messages.close(name) + messages.parse(statement, key[1], name), name

    def _steps(self) -> list[Step]:
        steps = super()._steps()
        return [messages.BEGIN, _PLANNED_ONCE, *steps[1:]] if steps[:1] == [messages.BEGIN] else steps

    def _words(self, step: Step) -> bytes:
        # A question has its name already, and each store has a `set local` of its own.
        if step.is_due or step.sql.startswith("set local"):
            return step.messages
        told, name = self._told(step.sql, ())
        return told + messages.bind_nothing(name) if name else step.messages

    def _shape(self, name: bytes) -> Shape | None:
        return self._shapes.get(name)

    def _exchange(self, said: Iterable[bytes], batches: list[list[core.Context]]) -> None:
        try:
            super()._exchange(said, batches)
        except Exception as error:
            self._telling.clear()
            if isinstance(error, dbapi.DatabaseError) and error.args[0]["C"] in messages.FORGOTTEN:
                self._known.clear()
                self._shapes.clear()
            raise
        self._known |= self._telling
        self._telling.clear()
        for answer in (answer for batch in batches for answer in batch):
            if isinstance(answer, Answer) and answer.name and answer.name not in self._shapes:
                self._shapes[answer.name] = (answer.columns, answer.input_funcs)

    def register_in_adapter(self, oid: int, in_func: Callable[[str], object]) -> None:
        """Read values of a type otherwise from now on."""
        self._shapes.clear()
        super().register_in_adapter(oid, in_func)

    def _end(self) -> None:
        super()._end()
        self._telling.clear()
