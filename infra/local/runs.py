"""What the local system ran lately: one entry for each batch of a consumer and each firing of a schedule."""

import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.core import clock

KEPT = 500  # entries; the log file has them all


@dataclass
class Run:
    """One call of a consumer's or a schedule's handler."""

    kind: Literal["consumer", "schedule"]
    name: str
    at: datetime
    what: str = ""  # "3 messages", "rate(1 minute)"
    milliseconds: float = 0.0
    outcome: Literal["done", "failed", "partly failed"] = "done"
    error: str = ""


class Runs:
    """The latest runs, newest first; safe to share between threads."""

    def __init__(self, told: Callable[[Run], None] = lambda _: None) -> None:
        """Keep runs, and tell `told` of each when it ends."""
        self._runs: deque[Run] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._told = told

    def latest(self) -> list[Run]:
        """Return what is kept, newest first."""
        with self._lock:
            return list(reversed(self._runs))

    @contextmanager
    def recorded(self, kind: Literal["consumer", "schedule"], name: str, what: str) -> Iterator[Run]:
        """Record the block as one run. What it raises becomes the run's error and goes no further: the loop goes on."""
        run = Run(kind, name, clock.now(), what)
        started = time.perf_counter()
        try:
            yield run
        except Exception:  # noqa: BLE001 -- a handler may raise anything; Lambda counts it and lives
            run.outcome, run.error = "failed", traceback.format_exc()
        finally:
            run.milliseconds = (time.perf_counter() - started) * 1000
            with self._lock:
                self._runs.append(run)
            self._told(run)
