"""What people see while the local system runs: one line a request, a job, a message. JSON goes to a file.

The functions log JSON lines to standard output, as Lambda wants it. `Divert` stands in for it: JSON goes to the log
file, its errors to the terminal too; anything else, such as a developer's own `print`, to the terminal.
"""

import io
import json
import sys
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from infra.local.gateway import Served
from infra.local.runs import Run
from shared.core import clock

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "grey": "90", "bold": "1"}
_BROKEN, _REFUSED = 500, 400  # the lowest statuses of each kind
_LOUD = ("ERROR", "CRITICAL")
_LARGEST_LOG = 20_000_000  # bytes; a longer log is put aside at the next start, in the place of the one before
_PREFLIGHT = "OPTIONS"


class Terminal:
    """Writes lines for people; colours where a person looks."""

    def __init__(self, stream: TextIO, *, colours: bool | None = None) -> None:
        """Write to `stream`, in colours if it is a terminal unless `colours` says."""
        self._stream = stream
        self._colours = stream.isatty() if colours is None else colours
        self._lock = threading.Lock()
        self._stores: Mapping[str, str] = {}

    def know_stores(self, by_credential: Mapping[str, str]) -> None:
        """Learn which credential is which store's, to name the store in a request's line."""
        self._stores = dict(by_credential)

    def say(self, text: str) -> None:
        """Write one line as it is."""
        with self._lock:
            self._stream.write(text + "\n")
            self._stream.flush()

    def request(self, served: Served) -> None:
        """Write a request's line. Browsers' preflight requests that went well are not worth one."""
        if served.method == _PREFLIGHT and served.status < _REFUSED:
            return
        colour = "red" if served.status >= _BROKEN else "yellow" if served.status >= _REFUSED else "green"
        status = self._in(colour, str(served.status))
        store = self._stores.get(_credential(served.headers), "")
        self._line(f"{served.method:<7}{_visible(served.path)}", f"{status} {_took(served.milliseconds)} {store}")

    def job(self, run: Run) -> None:
        """Write a job's line, with its error below. A schedule that went well is not worth one."""
        if run.outcome == "done":
            if run.kind == "consumer":
                self._line(f"job    {run.name} ({run.what})", f"{self._in('green', 'done')} {_took(run.milliseconds)}")
            return
        told = f"{self._in('red', run.outcome)} {_took(run.milliseconds)}"
        self._line(f"job    {run.name} ({run.what})", told)
        self.say(self._in("grey", run.error.rstrip()))

    def message(self, channel: str, to: str, subject: str) -> None:
        """Write the line of a message that was sent."""
        self._line(f"{channel:<7}to {_visible(to)}", _visible(subject))

    def failure(self, name: str, error: BaseException) -> None:
        """Write what a handler raised, as a traceback that a person can follow."""
        self.say(self._in("red", f"{name} failed:"))
        told = "it was slower than its time-out\n" if isinstance(error, TimeoutError) else _traced(error)
        self.say(self._in("grey", told.rstrip()))

    def log_error(self, line: Mapping[str, object]) -> None:
        """Write what a function logged as an error."""
        self.say(self._in("red", f"{line.get('level')} {_visible(str(line.get('message')))}"))
        if line.get("exception"):
            self.say(self._in("grey", str(line["exception"]).rstrip()))

    def _line(self, what: str, outcome: str) -> None:
        self.say(f"{self._in('grey', clock.now().astimezone().strftime('%H:%M:%S'))} {what:<60} {outcome}".rstrip())

    def _in(self, colour: str, text: str) -> str:
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self._colours else text


class Divert(io.TextIOBase):
    """Standard output as the functions see it, line by line; safe for many threads."""

    def __init__(self, log: Path, terminal: Terminal) -> None:
        """Append JSON lines to `log`, and give the others to `terminal`."""
        self._log = log.open("a", encoding="utf-8", buffering=1)
        log.chmod(0o600)
        self._terminal = terminal
        self._partial = threading.local()
        self._lock = threading.Lock()

    def writable(self) -> bool:
        """Say yes: this is an output."""
        return True

    def write(self, text: str) -> int:
        """Take text; whole lines go where they belong."""
        pending = getattr(self._partial, "text", "") + text
        *lines, self._partial.text = pending.split("\n")
        for line in lines:
            self._take(line)
        return len(text)

    def flush(self) -> None:
        """Do nothing: lines are written as they end."""

    def close(self) -> None:
        """Close the log file."""
        self._log.close()
        super().close()

    def _take(self, line: str) -> None:
        fields = _fields(line)
        if fields is None:
            self._terminal.say(line)
            return
        with self._lock:
            self._log.write(line + "\n")
        if fields.get("level") in _LOUD:
            self._terminal.log_error(fields)


def divert_output(log: Path) -> Terminal:
    """Put a `Divert` in the place of standard output and return the terminal that people look at."""
    if log.exists() and log.stat().st_size > _LARGEST_LOG:
        log.replace(log.with_name(f"{log.name}.old"))
    terminal = Terminal(sys.stdout)
    sys.stdout = Divert(log, terminal)
    return terminal


def _fields(line: str) -> dict[str, object] | None:
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _credential(headers: Mapping[str, str]) -> str:
    return headers.get("x-publishable-key") or headers.get("authorization", "").removeprefix("Bearer ")


def _took(milliseconds: float) -> str:
    return f"{milliseconds:6.0f} ms"


def _visible(text: str) -> str:
    """Make control characters visible: what a stranger sends must not move the cursor."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _traced(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))
