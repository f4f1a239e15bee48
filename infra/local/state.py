"""The state folder: what the local system keeps between two starts, all of it under `.stormcom/` (mode 0700).

What lies there:
    postgres/     the database's own files
    keys.json     the master key of the encrypted columns (0600); without it the database's personal data is lost
    audit-key.json  the key that seals the audit trail (0600); without it no chain can be verified
    secrets.json  passwords of the local database roles (0600)
    stores.json   the demo stores with their credentials, by database (0600)
    outgoing/     e-mails and text messages that the local channel sent
    objects/      what was uploaded and exported, and the pictures that were made of it (0700)
    log.jsonl     the functions' structured log lines
    dev.json      where the running system is, for scripts and tests (0600); gone when it has stopped
    environment.json  the running system's functions' variables, for `infra.local.within` (0600); gone with it
    lock          held while the system runs
"""

import base64
import fcntl
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

FOLDER = "STORMCOM_STATE"  # the environment variable that names another folder
_DEFAULT_FOLDER = ".stormcom"
_KEY_BYTES = 32  # AES-256
_ENVIRONMENT = "environment.json"
_OURS = "lock"  # by this file a folder is known to be ours to empty


class AlreadyRunning(Exception):
    """Another process runs the local system on this folder; the message says which, and where."""


class NotAStateFolder(Exception):
    """The folder holds something else; nothing in it was touched."""


@dataclass(frozen=True)
class DemoStore:
    """A store that was seeded, with credentials that people and tests may use."""

    id: str
    slug: str
    publishable_key: str
    secret_token: str
    owner_email: str = ""  # with which its owner signs in; none in a folder from before there were people
    owner_password: str = ""


class State:
    """The state folder. `open` it before use; it is locked until `close` or until the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; nothing is made before `open`."""
        self.folder = folder.absolute()
        self._lock: IO[str] | None = None

    @classmethod
    def from_environment(cls) -> "State":
        """Return the folder that STORMCOM_STATE names, `.stormcom` unless set."""
        return cls(Path(os.environ.get(FOLDER) or _DEFAULT_FOLDER))

    @property
    def database(self) -> Path:
        """The embedded PostgreSQL's data folder."""
        return self.folder / "postgres"

    @property
    def outgoing(self) -> Path:
        """Where the local channel leaves messages."""
        return self.folder / "outgoing"

    @property
    def objects(self) -> Path:
        """What S3 holds in the cloud."""
        return self.folder / "objects"

    @property
    def log(self) -> Path:
        """The functions' structured log."""
        return self.folder / "log.jsonl"

    @property
    def keys(self) -> Path:
        """The master key's file."""
        return self.folder / "keys.json"

    def open(self) -> None:
        """Make the folder, take its lock, and remove what a crash left of the last run's whereabouts.

        Raises:
            AlreadyRunning: another process holds the lock. A dead process holds none.
            NotAStateFolder: the folder has content that is not ours.
        """
        if not self._is_ours():
            message = f"{self.folder} is no state folder of StormCom: it has other files in it."
            raise NotAStateFolder(message)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        lock = (self.folder / _OURS).open("a+", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip()
            lock.close()
            message = f"StormCom already runs on {self.folder}: {holder or 'it is just starting'}."
            raise AlreadyRunning(message) from None
        lock.truncate(0)  # a killed process left its address in it
        self._lock = lock
        self._forget_the_run()
        self.outgoing.mkdir(exist_ok=True)

    def _is_ours(self) -> bool:
        """Tell whether the folder may be locked, and emptied later: a mistyped STORMCOM_STATE must not cost a home."""
        if self.folder.name == _DEFAULT_FOLDER or not self.folder.exists() or (self.folder / _OURS).exists():
            return True
        return not any(self.folder.iterdir())

    def announce(self, base_url: str) -> None:
        """Write into the lock who holds it, for a second start to read."""
        lock = self._held_lock()
        lock.seek(0)
        lock.truncate()
        lock.write(f"process {os.getpid()}, {base_url}\n")
        lock.flush()

    def ready(self, base_url: str, stores: list[DemoStore]) -> None:
        """Write dev.json: from now on the system answers at `base_url`."""
        whereabouts = {"base_url": base_url, "pid": os.getpid(), "stores": [asdict(store) for store in stores]}
        write(self.folder / "dev.json", whereabouts)

    def keep_environment(self, environment: Mapping[str, str]) -> None:
        """Write down the variables of the running system's functions, so that a command can have them."""
        ours = {name: value for name, value in environment.items() if name.startswith(("STORMCOM_", "AWS_"))}
        write(self.folder / _ENVIRONMENT, ours)

    @property
    def environment(self) -> dict[str, str] | None:
        """The variables of the running system's functions; None when none runs."""
        kept: dict[str, str] | None = read(self.folder / _ENVIRONMENT)
        return kept

    def close(self) -> None:
        """Remove what tells of this run, and give the lock back."""
        if self._lock is None:
            return
        self._forget_the_run()
        self._lock.close()
        self._lock = None

    def master_keys(self) -> Path:
        """Return the master key's file, made at the first start and never again."""
        if not self.keys.exists():
            key = base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
            write(self.keys, {"current": 1, "keys": {"1": key}})
        return self.keys

    def sealing_keys(self) -> Path:
        """Return the file of the key that seals the audit trail, made at the first start and never again."""
        path = self.folder / "audit-key.json"
        if not path.exists():
            key = base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
            write(path, {"current": 1, "keys": {"1": key}})
        return path

    def secret(self, name: str) -> str:
        """Return the secret of that name, made at its first use."""
        path = self.folder / "secrets.json"
        kept: dict[str, str] = read(path) or {}
        if name not in kept:
            kept[name] = secrets.token_urlsafe(24)
            write(path, kept)
        return kept[name]

    def stores(self, database: str) -> list[DemoStore] | None:
        """Return the demo stores of that database; None when it was never seeded from this folder."""
        kept = (read(self.folder / "stores.json") or {}).get(database)
        return None if kept is None else [DemoStore(**store) for store in kept]

    def keep_stores(self, database: str, stores: list[DemoStore]) -> None:
        """Keep the demo stores' credentials, which the database itself knows only as hashes."""
        path = self.folder / "stores.json"
        write(path, {**(read(path) or {}), database: [asdict(store) for store in stores]})

    def reset(self) -> None:
        """Remove everything. For an open state: its lock proves that nobody runs on it."""
        self._held_lock()
        for entry in self.folder.iterdir():
            if entry.name == _OURS:
                continue  # last, so that a folder half removed is still known as ours
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        (self.folder / _OURS).unlink()
        self.folder.rmdir()
        self.close()

    def _forget_the_run(self) -> None:
        for name in ("dev.json", _ENVIRONMENT):
            (self.folder / name).unlink(missing_ok=True)

    def _held_lock(self) -> IO[str]:
        if self._lock is None:
            message = f"The state in {self.folder} is not open."
            raise RuntimeError(message)
        return self._lock


def read(path: Path) -> Any:  # noqa: ANN401 -- JSON
    """Read a JSON file; None when it does not exist."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def write(path: Path, content: object) -> None:
    """Write a JSON file (0600) so that a reader, or a crash, sees the old content or the new, never a part."""
    text = json.dumps(content, indent=1) + "\n"
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(draft).replace(path)
