"""The tests' PostgreSQL, a pytest plugin: one server a run, one migrated database a worker.

The process that pytest was started in runs the server, in a temporary folder; the first worker of pytest-xdist that
needs the schema migrates a template, and each copies it. With `STORMCOM_TEST_DATABASE_URL` (a superuser of any
PostgreSQL 18) that server is used instead, and only what the run made there is dropped. Nothing starts until a test, or
a worker, needs it.

Tests share their worker's database and never clean it: each makes stores of its own. One that needs a database to
itself asks `fresh_database` for it.
"""

import hashlib
import hmac
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import psutil
import pytest

from infra.local import postgres
from shared.core import driver

APP = "stormcom_app"
_TEMPLATE_LOCK = 8_112_026  # a number of our own
_FOLDER = "stormcom-test-"
_server: "Server | None" = None


@dataclass(frozen=True)
class Database:
    """One database, by the three ways into it."""

    app_url: str  # what the application is: bound by row-level security
    owner_url: str  # what migrations are
    superuser_url: str  # what sees the facts behind the application's back


class Sql(Protocol):
    """Run one statement as superuser, in a transaction of its own, and return its rows."""

    def __call__(self, statement: str, *args: object) -> list[dict[str, Any]]:
        """`%s` in the statement stands for each of `args`."""


@dataclass
class Server:
    """The server of this run, and how its databases are made."""

    superuser_url: str
    run: str  # tells the databases of runs on one server apart
    is_ours: bool = True  # rather than that of the process that started this worker
    cluster: postgres.Cluster | None = None

    @property
    def template(self) -> str:
        """The migrated database that others are copied from."""
        return f"stormcom_test_{self.run}_template"

    def database(self, name: str) -> Database:
        """Return the ways into the database of this name."""
        return Database(
            app_url=self._url(APP, name),
            owner_url=self._url(postgres.OWNER, name),
            superuser_url=urlunsplit(urlsplit(self.superuser_url)._replace(path=f"/{name}")),
        )

    def prepare(self) -> None:
        """Make the role that owns what the tests make."""
        postgres.prepare_server(self.superuser_url, owner_password=self._password(postgres.OWNER))

    def create_empty(self, name: str) -> Database:
        """Make a database with nothing in it."""
        postgres.create_database(self.superuser_url, name)
        return self.database(name)

    def create_migrated(self, name: str) -> Database:
        """Make a copy of the template, which the first to ask for one migrates while the others wait."""
        with driver.connect_to(self.superuser_url) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute("select pg_advisory_lock(%s)", (_TEMPLATE_LOCK,))
            cursor.execute("select from pg_database where datname = %s and not datallowconn", (self.template,))
            if not cursor.rowcount:
                self._migrate_template()
        self.execute(f"create database {name} template {self.template} owner {postgres.OWNER}")
        return self.database(name)

    def _migrate_template(self) -> None:
        import migrations  # noqa: PLC0415 - so that tests without a schema need not even load it

        template = self.create_empty(self.template)
        migrations.upgrade(template.owner_url, app_password=self._password(APP))
        # A database in use can't be copied, so nobody gets in any more. This also marks it as complete.
        self.execute(f"alter database {self.template} allow_connections false")
        self.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s", self.template)

    def drop_all(self) -> None:
        """Drop what this run made, its workers included."""
        ours = f"stormcom_test_{self.run}_"
        for (name,) in self.execute("select datname from pg_database where starts_with(datname, %s)", ours):
            self.execute(f"drop database {name} with (force)")

    def execute(self, statement: str, *args: object) -> list[Sequence[Any]]:
        """Run a statement of the server rather than of a database, outside a transaction."""
        with driver.connect_to(self.superuser_url) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(statement, args)
            return list(cursor.fetchall()) if cursor.description else []

    def _url(self, role: str, name: str) -> str:
        where = urlsplit(self.superuser_url)
        return f"postgresql://{role}:{self._password(role)}@{where.hostname}:{where.port or 5432}/{name}"

    def _password(self, role: str) -> str:
        """Derive a role's password, so that each process, and each run on a server, comes to the same one."""
        return hmac.new(self.superuser_url.encode(), role.encode(), hashlib.sha256).hexdigest()


@dataclass
class FreshDatabases:
    """Databases for tests that can't share one; they live until the end of the run."""

    server: Server
    prefix: str
    _numbers: Iterator[int] = field(default_factory=count)

    def empty(self) -> Database:
        """Make a database with nothing in it, for migrations."""
        return self.server.create_empty(self._next_name())

    def migrated(self) -> Database:
        """Make a database at the newest migration, with no rows."""
        return self.server.create_migrated(self._next_name())

    def _next_name(self) -> str:
        return f"{self.prefix}_{next(self._numbers)}"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give a worker the server of this run, before the worker starts."""
    server = _run_server()
    node.workerinput["database_server"] = (server.superuser_url, server.run)


def pytest_configure(config: pytest.Config) -> None:
    """In a worker, take the server that the first process runs."""
    global _server  # noqa: PLW0603 - a process has one server, and hooks share nothing else
    workerinput: dict[str, Any] | None = getattr(config, "workerinput", None)
    if workerinput is not None:
        superuser_url, run = workerinput["database_server"]
        _server = Server(superuser_url, run, is_ours=False)


def pytest_unconfigure() -> None:
    """Stop the server and remove its data, or drop what the run made on a given one. Comes after Ctrl-C, too."""
    global _server
    server, _server = _server, None
    if server is None or not server.is_ours:
        return
    if server.cluster is None:
        server.drop_all()
    else:
        server.cluster.stop()
        shutil.rmtree(server.cluster.data.parent, ignore_errors=True)


@pytest.fixture(scope="session")
def database(request: pytest.FixtureRequest) -> Database:
    """Return this worker's database, at the newest migration."""
    server = _run_server()
    return server.create_migrated(_name_of_worker(request, server))


@pytest.fixture(scope="session")
def fresh_database(request: pytest.FixtureRequest) -> FreshDatabases:
    """Return a maker of further databases: `.empty()` and `.migrated()`."""
    server = _run_server()
    return FreshDatabases(server, f"{_name_of_worker(request, server)}_fresh")


@pytest.fixture
def sql(database: Database) -> Iterator[Sql]:
    """Return a function that looks behind the application's back: `sql("select ... where id = %s", id)`."""
    with driver.connect_to(database.superuser_url) as connection:
        connection.autocommit = True

        def run(statement: str, *args: object) -> list[dict[str, Any]]:
            cursor = connection.cursor()
            cursor.execute(statement, args)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()] if names else []

        yield run


def _run_server() -> Server:
    global _server  # noqa: PLW0603 - as above
    if _server is None:
        _server = _external_server() or _embedded_server()
        _server.prepare()
    return _server


def _external_server() -> Server | None:
    url = os.environ.get("STORMCOM_TEST_DATABASE_URL")
    return Server(url, run=str(os.getpid())) if url else None


def _embedded_server() -> Server:
    _remove_leftovers()
    folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-"))
    cluster = postgres.Cluster(folder / "postgres", durable=False)
    cluster.start()
    return Server(cluster.url(postgres.SUPERUSER, "postgres"), run=str(os.getpid()), cluster=cluster)


def _remove_leftovers() -> None:
    """Stop and remove what runs that were killed left behind."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        pid = folder.name.removeprefix(_FOLDER).partition("-")[0]
        if folder.stat().st_uid == os.geteuid() and pid.isdecimal() and not psutil.pid_exists(int(pid)):
            postgres.Cluster(folder / "postgres").stop_orphan()
            shutil.rmtree(folder, ignore_errors=True)


def _name_of_worker(request: pytest.FixtureRequest, server: Server) -> str:
    workerinput: dict[str, Any] = getattr(request.config, "workerinput", {})
    return f"stormcom_test_{server.run}_{workerinput.get('workerid', 'main')}"
