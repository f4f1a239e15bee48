"""The world that is measured: a PostgreSQL of its own in a temporary folder, migrated, with stores that have stock.

Commits are durable, as they are in production: each waits for the disk.
"""

import base64
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit, urlunsplit

import psutil

import migrations
from infra.local import postgres
from shared.core import database, driver, settings, telemetry
from tests.factories import StoreUnderTest, a_store

DATABASE = "stormcom"
STORES = 4  # whose shoppers do not meet at one store's counter of orders
MANY = 10_000  # stores, where a part asks for many
_PRODUCTS = 20  # a store's; whoever buys draws one
_STOCK = 1_000_000


@dataclass(frozen=True)
class World:
    """A running database, and the stores in it."""

    cluster: postgres.Cluster
    stores: tuple[StoreUnderTest, ...]
    many: int = MANY
    database: str = DATABASE
    _copies: Iterator[int] = field(default_factory=count)

    @property
    def url(self) -> str:
        """The way to the database, as the application's role."""
        return self.cluster.url(migrations.APP_ROLE, self.database)

    def url_through(self, port: int) -> str:
        """Return the same way, by another port."""
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition(":")[0] + f":{port}"))

    @contextmanager
    def connected_by(self, url: str) -> Iterator[None]:
        """Let this process reach the database by another URL, for the block."""
        before = settings.settings().database_url
        use(url)
        yield
        use(before)

    def copied(self) -> "World":
        """Copy the database as it is now, and return the world of the copy. Nobody may be connected."""
        database.dispose()
        name = f"{DATABASE}_{next(self._copies)}"
        self._on_server(f"create database {name} template {self.database} owner {postgres.OWNER} strategy file_copy")
        return replace(self, database=name)

    def copy(self) -> str:
        """Copy the database as it is now, and return the application's URL of the copy."""
        return self.copied().url

    def drop(self) -> None:
        """Remove the database, which is a copy that nobody needs any more."""
        self._on_server(f"drop database {self.database} with (force)")

    def _on_server(self, command: str) -> None:
        with driver.connect_to(self.cluster.url(postgres.SUPERUSER, "postgres")) as connection:
            connection.autocommit = True
            connection.cursor().execute(command)

    def superuser_url(self) -> str:
        """Return the way to the database for who looks behind the application's back."""
        return self.cluster.url(postgres.SUPERUSER, self.database)

    def database_cpu(self) -> float:
        """Return the CPU seconds that PostgreSQL took so far, processes that ended included."""
        postmaster = psutil.Process(int((self.cluster.data / "postmaster.pid").read_text().split("\n", 1)[0]))
        times = postmaster.cpu_times()
        gone = times.children_user + times.children_system
        return sum((cpu_of(one) for one in postmaster.children(recursive=True)), cpu_of(postmaster) + gone)


def cpu_of(process: psutil.Process) -> float:
    """Return the CPU seconds of a process; of one that has just ended, none."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    taken: float = times.user + times.system
    return taken


def use(url: str) -> None:
    """Connect by `url` from now on."""
    database.dispose()
    os.environ["STORMCOM_DATABASE_URL"] = url
    settings.reload()


@contextmanager
def running(*, many: int = MANY) -> Iterator[World]:
    """Make the world, and take it away at the end."""
    with TemporaryDirectory(prefix="stormcom-bench-") as folder, _cluster(Path(folder) / "postgres") as cluster:
        os.environ.update(_environment(Path(folder)))
        use(cluster.url(migrations.APP_ROLE, DATABASE))
        # The logger writes to what is standard output when it is made. Its lines are composed as in Lambda, and go
        # nowhere.
        with Path(os.devnull).open("w") as nowhere:
            with redirect_stdout(nowhere):
                telemetry.logger()
            try:
                yield World(cluster, tuple(stocked_store() for _ in range(STORES)), many)
            finally:
                database.dispose()


@contextmanager
def _cluster(data: Path) -> Iterator[postgres.Cluster]:
    with postgres.Cluster(data, durable=True) as cluster:
        cluster.prepare(DATABASE)
        password = cluster.password(migrations.APP_ROLE)
        migrations.upgrade(cluster.url(postgres.OWNER, DATABASE), app_password=password)
        yield cluster


def stocked_store() -> StoreUnderTest:
    """Open one more store, with products that will not be sold out."""
    # All shoppers of a bench come from 127.0.0.1, which no store would let hold so much.
    return a_store(
        stock={f"MUG-{number}": _STOCK for number in range(_PRODUCTS)}, settings={"max_open_checkouts_per_ip": 10_000}
    )


def _environment(folder: Path) -> dict[str, str]:
    keys = folder / "keys.json"
    keys.touch(mode=0o600)
    keys.write_text(json.dumps({"current": 1, "keys": {"1": base64.b64encode(secrets.token_bytes(32)).decode()}}))
    return {
        "STORMCOM_POOL_SIZE": "1",
        "STORMCOM_KEYS": f"file:{keys}",
        "STORMCOM_KICK": "false",  # an emulated queue's time would say nothing about AWS's
        "STORMCOM_QUEUE_PREFIX": "http://127.0.0.1:9/000000000000/stormcom-bench-",
        "STORMCOM_PUBLIC_URL": "https://shop.test",
        "STORMCOM_CHANNEL": "local",
        "STORMCOM_LOCAL_DIR": str(folder),
        "POWERTOOLS_LOG_LEVEL": "INFO",
        "POWERTOOLS_TRACE_DISABLED": "true",
    }
