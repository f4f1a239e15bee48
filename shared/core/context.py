"""What holds for one request, message or schedule as a whole: who acts, for which store, by which correlation id."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from uuid import UUID

from shared.core import ids
from shared.core.principal import Principal


def _new_correlation_id() -> str:
    return str(ids.new_id())


@dataclass(frozen=True)
class Context:
    """The circumstances of what is being done. Immutable: `dataclasses.replace` makes the next one.

    `correlation_id` ties a request to its events, jobs and log lines. `store_id` was decided by the server. `ip` is
    personal data: it is stored encrypted and never logged.
    """

    correlation_id: str = field(default_factory=_new_correlation_id)
    request_id: str | None = None
    function: str | None = None
    principal: Principal | None = None
    store_id: UUID | None = None
    ip: str | None = None
    user_agent: str | None = None


_present: ContextVar[Context | None] = ContextVar("context", default=None)


def current() -> Context:
    """Return the present context; outside any (a script, a test) one of nobody and no store, new at each call."""
    return _present.get() or Context()


@contextmanager
def entered(context: Context) -> Iterator[Context]:
    """Make `context` the present one for the block, in this thread or task; the one before returns after it."""
    token = _present.set(context)
    try:
        yield context
    finally:
        _present.reset(token)
