"""Schema migrations: additive, explained, reversible. `upgrade` is the one entry: laptop, tests and deployment use it.

A migration is plain SQL in a file named by date and purpose; its docstring is the decision record. `tenancy` holds the
statements that every store-owned table needs, so that no table goes without its locks. Run by the owner of the schema,
never by the application's role.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.pool import NullPool

APP_ROLE = "stormcom_app"

_LOCK = 7_265_111  # any number of our own: two deployments must not migrate at once


def upgrade(url: str, *, app_password: str | None = None, revision: str = "head") -> None:
    """Bring the database at `url` (its owner's) to `revision`; let the application's role in with a password, if given.

    Safe to run twice at once: the second waits for the first and finds nothing to do.
    """
    engine = create_engine(_dialect(url), poolclass=NullPool)
    try:
        upgrade_on(engine, app_password=app_password, revision=revision)
    finally:
        engine.dispose()


def upgrade_on(engine: Engine, *, app_password: str | None = None, revision: str = "head") -> None:
    """Do what `upgrade` does, over an engine of the schema's owner."""
    with engine.connect() as connection:
        connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": _LOCK})
        connection.commit()
        try:
            command.upgrade(_config(connection), revision)
            if app_password is not None:
                _let_app_in(connection, app_password)
        finally:
            connection.rollback()
            connection.execute(text("select pg_advisory_unlock(:lock)"), {"lock": _LOCK})
            connection.commit()


def downgrade(url: str, revision: str) -> None:
    """Take the database back to `revision` ("base": to nothing)."""
    engine = create_engine(_dialect(url), poolclass=NullPool)
    with engine.connect() as connection:
        command.downgrade(_config(connection), revision)
        connection.commit()
    engine.dispose()


def _let_app_in(connection: Connection, password: str) -> None:
    quoted = password.replace("'", "''")
    connection.exec_driver_sql(f"alter role {APP_ROLE} login password '{quoted}'")
    connection.commit()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _dialect(url: str) -> str:
    return "postgresql+pg8000://" + url.split("://", 1)[1]
