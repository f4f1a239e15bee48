"""The application under test, a pytest plugin: its settings, and a watch over every statement that it sends.

Each worker runs the real handlers in its own process, against its own database, as the application's role. Whatever
statement names a store's table must run in a transaction that is bound to a store: the watch fails the test that sent
another, whether it asked for the watch or not. A test that does so on purpose says why:
`@pytest.mark.unbound("reason")`.
"""

import base64
import json
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from migrations.tenancy import APP
from shared.core import database as core_database
from shared.core import settings as core_settings
from shared.core import tenancy, topology
from tests import figures
from tests.database import Database

_LINE = "statements on stores' tables"
_NOW_AND_THEN = re.compile(
    r"\s*(?:update sessions set last_seen_at|with used as \(\s*update credentials set last_used_at)"
)


@dataclass
class Watch:
    """What was sent to the database since the watch was reset, and which of it touched a store's table unbound."""

    statements: list[str] = field(default_factory=list)
    unbound: list[str] = field(default_factory=list)
    total: int = 0  # statements on stores' tables, in all tests
    distinct: set[str] = field(default_factory=set)

    def see(self, statement: str, store_id: object) -> None:
        """Note a statement and the store it is bound to; one that names a store's table and has none is an offence.

        That somebody is still here is written some minutes apart, and so with no request that a test could name.
        """
        if _NOW_AND_THEN.match(statement):
            return
        self.statements.append(statement)
        if not names_a_stores_table(statement):
            return
        self.total += 1
        self.distinct.add(statement)
        if store_id is None:
            self.unbound.append(statement)

    def take_unbound(self) -> list[str]:
        """Return the offences, and forget them."""
        found, self.unbound = self.unbound, []
        return found

    def count_since(self, mark: int) -> int:
        """Return how many statements were sent since `mark = len(watch.statements)`."""
        return len(self.statements) - mark

    def on_stores_tables_since(self, mark: int) -> list[str]:
        """Return the statements since `mark` that name a store's table."""
        return [statement for statement in self.statements[mark:] if names_a_stores_table(statement)]


@cache  # a run has some hundreds of different statements, and sends each many times
def names_a_stores_table(statement: str) -> bool:
    """Tell whether a statement names a table whose rows belong to stores, wherever it stands in it.

    What a look-up function reads is not seen, and it is what unbound transactions may call; `lookup.` is its schema.
    """
    return _store_tables().search(statement) is not None


@cache
def _store_tables() -> re.Pattern[str]:
    list(topology.modules())  # every function's imports: so every domain's models are known
    owned = [table.name for table in tenancy.Base.metadata.tables.values() if "store_id" in table.columns]
    names = "|".join(sorted(map(re.escape, [*owned, "stores"])))
    return re.compile(rf"(?<!\blookup\.)\b(?:{names})\b", re.IGNORECASE)


_watch = Watch()


@event.listens_for(Engine, "begin")
def _begin(connection: Connection) -> None:
    connection.info.pop("store_id", None)  # whatever was bound before on this connection ended with its transaction


@event.listens_for(Engine, "before_cursor_execute")
def _see(connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
    if connection.connection.dbapi_connection.user.decode() == APP:  # type: ignore[union-attr] # migrations are not its
        _watch.see(statement, connection.info.get("store_id"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Forget the statements of the test before; those that are unbound stay until a test has answered for them."""
    _watch.statements.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fail a test in which a statement on a store's table was bound to no store; what its fixtures sent counts, too."""
    marker = item.get_closest_marker("unbound")
    try:
        result = yield
    finally:
        offences = _watch.take_unbound()
        if offences:
            kind = "unbound" if marker is None else "unbound_on_purpose"
            figures.of_this_run.add(_LINE, **{kind: len(offences)})
    if marker is None:
        assert offences == [], "statements on a store's table without a bound store"
    else:
        assert marker.args, "Say why: @pytest.mark.unbound('the reason')."
        assert offences != [], "Nothing was unbound here: take the mark `unbound` away."
    return result


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", "unbound(reason): sends statements on stores' tables without a store on purpose")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Add up what the watch saw; fail the run if something was unbound outside of any test."""
    strays = _watch.take_unbound()
    if _watch.total:
        figures.of_this_run.add(_LINE, in_all=_watch.total, unbound=len(strays))
        figures.of_this_run.add_distinct(_LINE, "distinct", _watch.distinct)
    if strays:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def environment(database: Database, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment variables of a function, for this worker's database and keys; for processes, too."""
    state = tmp_path_factory.mktemp("state")
    keys = state / "keys.json"
    master = base64.b64encode(secrets.token_bytes(32)).decode()
    keys.touch(mode=0o600)
    keys.write_text(json.dumps({"current": 1, "keys": {"1": master}}))
    sealing = state / "audit-key.json"
    sealing.touch(mode=0o600)
    sealing.write_text(json.dumps({"current": 1, "keys": {"1": base64.b64encode(secrets.token_bytes(32)).decode()}}))
    issuers = state / "issuers.json"
    issuers.write_text("[]")  # a test that needs one writes it there
    return {
        "STORMCOM_DATABASE_URL": database.app_url,
        "STORMCOM_POOL_SIZE": "20",
        "STORMCOM_KEYS": f"file:{keys}",
        "STORMCOM_ISSUERS": f"file:{issuers}",
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
def watch(application: None) -> Watch:  # noqa: ARG001 -- the watch is over the application
    """Return the watch over the statements, with none seen yet: for tests that count them."""
    _watch.statements.clear()
    return _watch
