"""The e-mails and text messages that the local channel sent: files that can be read instead of received."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SHOWN = 200  # the newest; the folder keeps them all


@dataclass(frozen=True)
class Sent:
    """One message, as its file has it. Everything in it may come from a stranger."""

    name: str  # the file's, without its ending
    at: str  # RFC 3339, as the channel wrote it
    channel: str
    to: str
    subject: str
    text: str
    html: str
    store_id: str


class Outgoing:
    """The folder of sent messages."""

    def __init__(self, folder: Path) -> None:
        """Read from `folder`, which may not exist yet."""
        self._folder = folder

    def latest(self) -> list[Sent]:
        """Return the newest messages, newest first."""
        files = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)[:SHOWN]
        return sorted((sent for path in files if (sent := _read(path))), key=lambda sent: sent.at, reverse=True)

    def find(self, name: str) -> Sent | None:
        """Return the message of that name; None when there is none."""
        known = {path.stem: path for path in self._folder.glob("*.json")}
        return _read(known[name]) if name in known else None

    def names(self) -> set[str]:
        """Return the names of all messages."""
        return {path.stem for path in self._folder.glob("*.json")}

    def changed_at(self) -> int:
        """Return a number that is another one once a message came or went."""
        try:
            return self._folder.stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def read(self, name: str) -> Sent | None:
        """Return the message of a name that `names` returned; None when it is gone."""
        return _read(self._folder / f"{name}.json")


class Watch:
    """Tells of every message that is sent while it runs."""

    def __init__(self, outgoing: Outgoing, told: Callable[[Sent], None], *, pause: float = 0.5) -> None:
        """Look every `pause` seconds; what is there already is not told."""
        self._outgoing = outgoing
        self._told = told
        self._pause = pause
        self._changed_at = -1
        self._is_known = False  # whether the names were read after that change, and its moment was over
        self._seen = outgoing.names()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="messages", daemon=True)

    def start(self) -> None:
        """Start looking."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(2)

    def look(self) -> None:
        """Tell of what is new since the last look."""
        changed_at = self._outgoing.changed_at()
        was_known, self._is_known = self._is_known, changed_at == self._changed_at
        self._changed_at = changed_at
        if was_known and self._is_known:  # the folder may hold all the messages of a year
            return
        now = self._outgoing.names()
        for name in sorted(now - self._seen):
            if sent := self._outgoing.read(name):
                self._told(sent)
        self._seen |= now

    def _loop(self) -> None:
        while not self._stopping.wait(self._pause):
            self.look()


def _read(path: Path) -> Sent | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # removed meanwhile, or half written by a channel that a crash stopped
    if not isinstance(content, dict):
        return None

    def field(name: str) -> str:
        return str(content.get(name) or "")

    return Sent(
        name=path.stem,
        at=field("at"),
        channel=field("channel"),
        to=field("to"),
        subject=field("subject"),
        text=field("text"),
        html=field("html"),
        store_id=field("store_id"),
    )
