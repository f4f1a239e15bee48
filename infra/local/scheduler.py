"""The local EventBridge: calls each schedule's handler when it is due, with the event that a rule would send."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from infra.local import events, routing, timetable
from infra.local.runs import Runs
from shared.core import clock

if TYPE_CHECKING:
    from shared.core.topology import Schedule

SOON = timedelta(seconds=2)  # after the start each schedule fires once, so that what a crash left is taken up
LONGEST_NAP = 1.0  # seconds between two looks at the clock: a laptop that slept notices it at once


@dataclass
class _Entry:
    schedule: "Schedule"
    timetable: timetable.Timetable
    due: datetime | None


class Scheduler:
    """Fires schedules one after the other. Times that passed while one ran, or the laptop slept, are one firing."""

    def __init__(self, schedules: "Iterable[Schedule]", runs: Runs) -> None:
        """Make the plan; nothing fires before `start` or `fire_due`."""
        first = clock.now() + SOON
        self._runs = runs
        self._lock = threading.Lock()
        self._entries = [_Entry(one, timetable.parse(one.expression), first) for one in schedules]
        self._asked: SimpleQueue[Schedule] = SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="scheduler", daemon=True)

    def start(self) -> None:
        """Start firing."""
        self._thread.start()

    def stop(self, patience: float = 10.0) -> None:
        """Fire no more; wait `patience` seconds for a handler that runs."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(patience)

    def next_times(self) -> Mapping[str, datetime | None]:
        """Return when each schedule is due next, by its name."""
        with self._lock:
            return {entry.schedule.name: entry.due for entry in self._entries}

    def ask(self, name: str) -> None:
        """Have a schedule fire out of turn, at the next look at the clock. An unknown name is a KeyError."""
        self._asked.put({entry.schedule.name: entry.schedule for entry in self._entries}[name])

    def fire_due(self) -> int:
        """Fire everything that is due or was asked for, once each; return how many fired."""
        fired = 0
        for entry in self._entries:
            if self._stopping.is_set():
                break
            if entry.due is not None and entry.due <= clock.now():
                self._fire(entry.schedule, entry.due)
                with self._lock:
                    # Counted from the end of the run: however long it took, the next one is in the future.
                    entry.due = entry.timetable.after(clock.now())
                fired += 1
        while not self._stopping.is_set():
            try:
                self._fire(self._asked.get_nowait(), clock.now())
            except Empty:
                break
            fired += 1
        return fired

    def _loop(self) -> None:
        while not self._stopping.wait(LONGEST_NAP):
            self.fire_due()

    def _fire(self, schedule: "Schedule", at: datetime) -> None:
        with self._runs.recorded("schedule", schedule.name, schedule.expression):
            call = routing.handler(schedule.handler)
            context = events.context(schedule.name, memory=schedule.memory, timeout=schedule.timeout)
            call(events.schedule_event(schedule.name, at=at), context)
