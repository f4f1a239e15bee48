"""The one way to the database: an engine, and transactions that carry their events and audit entries.

The same code runs on the embedded PostgreSQL, on any PostgreSQL 18 by URL, and through RDS Proxy with an IAM token and
TLS (`STORMCOM_DATABASE_AUTH=iam`). A Lambda environment serves one request at a time, so its pool holds one connection.
"""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import unquote, urlsplit
from uuid import UUID

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from shared.core import context, driver, outbox, queues, records, tenancy
from shared.core.principal import Principal
from shared.core.settings import settings

_lock = threading.Lock()
_engines: dict[str, Engine] = {}


def engine() -> Engine:
    """Return the process's engine; made at first use, never at import."""
    url = settings().database_url
    with _lock:
        if url not in _engines:
            _engines[url] = _make_engine()
        return _engines[url]


def _engine_beside() -> Engine:
    url = settings().database_url
    with _lock:
        name = f"beside {url}"
        if name not in _engines:
            _engines[name] = _make_engine()
        return _engines[name]


def dispose() -> None:
    """Close every connection: between tests that replace the database."""
    with _lock:
        for made in _engines.values():
            made.dispose()
        _engines.clear()


def abandon() -> None:
    """Forget every connection and close none, in a process that was just forked: they are its parent's.

    Closing one would say goodbye to PostgreSQL on the parent's socket, and end its session.
    """
    for made in _engines.values():
        made.dispose(close=False)


def open_session() -> Session:
    """Return a session that is bound to no store yet. The caller closes it; who can, uses `transaction`."""
    return tenancy.TenantSession(engine(), expire_on_commit=False, autoflush=False)


@contextmanager
def transaction(store_id: UUID | None = None, *, principal: Principal | None = None) -> Iterator[Session]:
    """Run a block in one transaction, bound to a store; commit at its end, roll back when it raises.

    Events and audit entries that the block recorded are written with the commit, and the relay is told after it.
    `principal` says who acts, where it is not who acts already in this context.
    """
    present = context.current()
    scope = replace(present, store_id=store_id or present.store_id, principal=principal or present.principal)
    with context.entered(scope), open_session() as session:
        if store_id is not None:
            tenancy.bind(session, store_id)
        yield session  # an exception leaves by the session's own exit, which rolls back
        stores = commit(session)
    outbox.kick(stores)
    queues.send_waiting(session)


@contextmanager
def transaction_beside(store_id: UUID) -> Iterator[Session]:
    """Run a block in a transaction beside the request's own, on a connection of its own: what it writes stays.

    For what must count although the request is refused. A Lambda environment's pool has one connection, and the
    request may hold it; this pool has another. Nothing is recorded in it: neither events nor audit entries.
    """
    scope = replace(context.current(), store_id=store_id)
    made = tenancy.TenantSession(_engine_beside(), expire_on_commit=False, autoflush=False)
    with context.entered(scope), made as session:
        tenancy.bind(session, store_id)
        yield session
        session.commit()


def commit(session: Session) -> frozenset[UUID]:
    """Write what the transaction recorded, commit, and return the stores whose relay is to be told."""
    stores = records.write(session)
    session.commit()
    return stores


def _make_engine() -> Engine:
    config = settings()
    return create_engine(
        "postgresql+pg8000://",
        creator=_connect,
        pool_size=config.pool_size,
        max_overflow=0,
        pool_timeout=10,  # seconds; a request that waits longer for a connection is answered 503
        pool_pre_ping=False,  # a round trip a request; a broken connection is noticed by its first statement instead
        pool_recycle=1500,  # seconds; below RDS Proxy's idle client time-out of 30 minutes
    )


def _connect() -> driver.Connection:
    config = settings()
    url = urlsplit(config.database_url)
    user, host, port = unquote(url.username or ""), url.hostname or "127.0.0.1", url.port or 5432
    return driver.connect(
        host=host,
        port=port,
        user=user,
        password=_iam_token(host, port, user) if config.database_auth == "iam" else unquote(url.password or ""),
        database=url.path.removeprefix("/"),
        ssl_context=ssl.create_default_context() if config.database_tls else None,
        application_name=config.function,
        plain=config.database_driver == "plain",
        by_name=config.database_driver == "named",
    )


def _iam_token(host: str, port: int, user: str) -> str:
    """Sign a token that RDS Proxy takes as the password for 15 minutes; local arithmetic, no network."""
    import boto3  # noqa: PLC0415 -- 100 ms that only a new connection in the cloud pays

    token: str = boto3.client("rds").generate_db_auth_token(DBHostname=host, Port=port, DBUsername=user)
    return token
