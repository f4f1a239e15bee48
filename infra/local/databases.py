"""The database of the local system: the embedded PostgreSQL, or the one that STORMCOM_DATABASE_URL names."""

from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, unquote, urlsplit

import pg8000
from sqlalchemy.exc import DBAPIError

import migrations
from infra.local import operators, postgres
from infra.local.state import State
from migrations.operators import ensure_operator

DATABASE = "stormcom"


class Unreachable(Exception):
    """The database that STORMCOM_DATABASE_URL names does not let us in; the message says why, without the password."""


class Database(Protocol):
    """A PostgreSQL 18 that the system can use."""

    @property
    def identity(self) -> str:
        """What tells this database from others that the same state folder has seen."""

    def start(self) -> str:
        """Make it ready, schema included, and return the URL for the application's role."""

    def stop(self) -> None:
        """End what `start` started."""


@dataclass
class Embedded:
    """The database whose files lie in the state folder."""

    state: State
    identity: str = "embedded"

    def __post_init__(self) -> None:
        """Name the cluster; nothing starts yet."""
        self._cluster = postgres.Cluster(self.state.database)

    def start(self) -> str:
        """Start PostgreSQL and migrate."""
        self._cluster.start()
        self._cluster.prepare(DATABASE)
        password = self._cluster.password(migrations.APP_ROLE)
        _migrate(self._cluster.url(postgres.OWNER, DATABASE), self.state, app_password=password)
        return self._cluster.url(migrations.APP_ROLE, DATABASE)

    def stop(self) -> None:
        """Stop PostgreSQL."""
        self._cluster.stop()


@dataclass
class Foreign:
    """A database that somebody else runs. `url` is a superuser's, or that of the role that owns the schema."""

    url: str
    state: State

    @property
    def identity(self) -> str:
        """Host, port and name: never the password."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port or 5432}{parts.path}"

    def start(self) -> str:
        """Make the roles and the database if the URL's role may, and migrate.

        Raises:
            Unreachable: nobody answers there, or the role may not do this.

        """
        try:
            return self._prepare()
        except (OSError, pg8000.Error, DBAPIError) as refused:
            message = f"The database at {self.identity} (STORMCOM_DATABASE_URL) can't be used: {_reason(refused)}"
            raise Unreachable(message) from None

    def stop(self) -> None:
        """Leave it running: it is not ours."""

    def _prepare(self) -> str:
        owner_url = self.url
        if urlsplit(self.url).username != postgres.OWNER:
            password = self.state.secret(f"{postgres.OWNER} at {self.identity}")
            postgres.prepare_server(self._url_of(None, None, "postgres"), owner_password=password)
            postgres.create_database(self._url_of(None, None, "postgres"), self._name)
            owner_url = self._url_of(postgres.OWNER, password, self._name)
        app_password = self.state.secret(f"{migrations.APP_ROLE} at {self.identity}")
        _migrate(owner_url, self.state, app_password=app_password)
        return self._url_of(migrations.APP_ROLE, app_password, self._name)

    @property
    def _name(self) -> str:
        return urlsplit(self.url).path.lstrip("/") or DATABASE

    def _url_of(self, role: str | None, password: str | None, database: str) -> str:
        parts = urlsplit(self.url)
        user = quote(role or unquote(parts.username or postgres.SUPERUSER))
        secret = quote(password if password is not None else unquote(parts.password or ""))
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"postgresql://{user}:{secret}@{host}:{parts.port or 5432}/{database}"


def _reason(error: Exception) -> str:
    """Say what PostgreSQL said: its errors carry a dictionary whose M is the sentence."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    told = cause.args[0] if cause.args else cause
    return str(told.get("M", told)) if isinstance(told, dict) else str(told)


def _migrate(owner_url: str, state: State, *, app_password: str) -> None:
    """Bring the schema up to date, and let in the application and this machine's operator."""
    migrations.upgrade(owner_url, app_password=app_password)
    ensure_operator(owner_url, operators.token(state.folder))
