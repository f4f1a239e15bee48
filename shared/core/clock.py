"""The one clock: aware, UTC, and settable by tests."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta


class FrozenClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, at: datetime) -> None:
        """Stand at `at`, which must name its time zone."""
        self._lock = threading.Lock()
        self._at = _in_utc(at)

    def now(self) -> datetime:
        """Return the moment at which this clock stands."""
        return self._at

    def tick(self, by: timedelta) -> datetime:
        """Move by `by` and return the new moment. Safe from several threads."""
        with self._lock:
            self._at += by
            return self._at

    def move_to(self, at: datetime) -> None:
        """Jump to `at`, which must name its time zone."""
        with self._lock:
            self._at = _in_utc(at)


_frozen: FrozenClock | None = None


def now() -> datetime:
    """Return the present moment in UTC, in microseconds: what PostgreSQL's `timestamptz` holds without loss."""
    stopped = _frozen
    return stopped.now() if stopped is not None else datetime.now(UTC)


@contextmanager
def frozen(at: datetime) -> Iterator[FrozenClock]:
    """Stop the clock of the whole process, every thread of it, for a test; what was before returns at the end."""
    global _frozen  # noqa: PLW0603 -- one clock a process is the point
    before = _frozen
    _frozen = FrozenClock(at)
    try:
        yield _frozen
    finally:
        _frozen = before


def _in_utc(at: datetime) -> datetime:
    if at.utcoffset() is None:
        message = "A moment needs its time zone: datetime(..., tzinfo=UTC)."
        raise ValueError(message)
    return at.astimezone(UTC)
