"""The application under test, a pytest plugin: its settings, and a watch over every statement that it sends.

Each worker runs the real handlers in its own process, against its own database, as the application's role. Whatever
statement names a store's table must run on a connection that is bound to a store: the watch fails the test otherwise.
"""

import base64
import json
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from shared.core import database as core_database
from shared.core import settings as core_settings
from shared.core import tenancy, topology
from tests.database import Database


@dataclass
class Watch:
    """What was sent to the database since the watch was reset."""

    statements: list[str] = field(default_factory=list)
    unbound: list[str] = field(default_factory=list)
    tables: re.Pattern[str] | None = None

    def see(self, connection: Connection, statement: str) -> None:
        """Note a statement; those that name a store's table without a bound store are offences."""
        self.statements.append(statement)
        if self.tables is None:
            self.tables = _store_tables()
        if self.tables.search(statement) and not connection.info.get("store_id"):
            self.unbound.append(statement)

    def count_since(self, mark: int) -> int:
        """Return how many statements were sent since `mark = len(watch.statements)`."""
        return len(self.statements) - mark


def _store_tables() -> re.Pattern[str]:
    list(topology.modules())  # every function's imports: so every domain's models are known
    owned = [table.name for table in tenancy.Base.metadata.tables.values() if "store_id" in table.columns]
    names = "|".join(sorted(map(re.escape, [*owned, "stores"])))
    return re.compile(rf"\b(?:from|join|into|update|only)\s+(?:{names})\b", re.IGNORECASE)


_watch = Watch()


@event.listens_for(Engine, "before_cursor_execute")
def _see(connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
    _watch.see(connection, statement)


@pytest.fixture(scope="session")
def environment(database: Database, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment variables of a function, for this worker's database and keys; for processes, too."""
    state = tmp_path_factory.mktemp("state")
    keys = state / "keys.json"
    master = base64.b64encode(secrets.token_bytes(32)).decode()
    keys.touch(mode=0o600)
    keys.write_text(json.dumps({"current": 1, "keys": {"1": master}}))
    return {
        "STORMCOM_DATABASE_URL": database.app_url,
        "STORMCOM_POOL_SIZE": "20",
        "STORMCOM_KEYS": f"file:{keys}",
        "STORMCOM_KICK": "false",
        "STORMCOM_QUEUE_PREFIX": "http://127.0.0.1:9/000000000000/stormcom-test-",
        "STORMCOM_PUBLIC_URL": "https://shop.test",
        "STORMCOM_STOREFRONT_DOMAIN": "shops.test",
        "STORMCOM_CHANNEL": "local",
        "STORMCOM_LOCAL_DIR": str(state),
        "STORMCOM_STRICT": "true",
        "POWERTOOLS_LOG_LEVEL": "WARNING",
    }


@pytest.fixture(scope="session")
def state(environment: dict[str, str]) -> Path:
    """Return the folder of the local state, where the local channel leaves its messages."""
    return Path(environment["STORMCOM_LOCAL_DIR"])


@pytest.fixture(scope="session")
def application(environment: dict[str, str]) -> Iterator[None]:
    """Set the process up as a function's environment is, for the rest of the run."""
    before = dict(os.environ)
    os.environ.update(environment)
    core_settings.reload()
    yield
    core_database.dispose()
    os.environ.clear()
    os.environ.update(before)
    core_settings.reload()


@pytest.fixture
def watch(application: None) -> Iterator[Watch]:  # noqa: ARG001 -- the watch is over the application
    """Return the watch over the statements; a test that sent an unbound one to a store's table fails."""
    _watch.statements.clear()
    _watch.unbound.clear()
    yield _watch
    assert _watch.unbound == [], "statements on a store's table without a bound store"
