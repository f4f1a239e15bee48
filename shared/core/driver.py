"""The PostgreSQL driver: pg8000, with one network round trip a statement.

pg8000 flushes and waits three times for a statement with parameters, and three times for COMMIT. `OneTripConnection`
writes Parse, Bind, Describe, Execute and Sync at once and reads the answers once. BEGIN, and whatever `prelude` was
given, travel in the same flush as the statement that follows them: binding a transaction to its store costs no trip.
A question that is `ask`ed travels so, too, and a statement that was `told`, for whose answer nobody waits: COMMIT takes
the last of them along. Of a transaction that will `only_read` each statement takes its COMMIT along: such a request
costs one trip in all.

This rests on pg8000's internals, which is why pyproject.toml pins its version; `plain=True` is pg8000's own behaviour
with the same interface, and with `by_name=True` PostgreSQL keeps what it has been told before. Nothing is ever sent as
`options` of the startup message, since RDS Proxy refuses that.

    engine = create_engine("postgresql+pg8000://", creator=lambda: driver.connect_to(url))

Errors:

    pg8000.Error
    ├── InterfaceError        the connection is lost ("network error", which SQLAlchemy takes for a disconnect)
    └── DatabaseError         PostgreSQL refused; `sqlstate(error)` says why
        ├── DataError              class 22: a value does not fit
        ├── IntegrityError         class 23: a constraint
        ├── InternalError          class 25: the transaction's state, a COMMIT that became a ROLLBACK among them
        ├── OperationalError       classes 40, 53, 55, 57: deadlock, resources, lock timeout, cancelled
        └── ProgrammingError       class 42: the statement itself
"""

import socket
import ssl
from urllib.parse import unquote, urlsplit

from pg8000 import dbapi

from shared.core.named_statements import NamingConnection
from shared.core.plain import Connection
from shared.core.wire import OneTripConnection

__all__ = [
    "Connection",
    "DataError",
    "DatabaseError",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NamingConnection",
    "OneTripConnection",
    "OperationalError",
    "ProgrammingError",
    "connect",
    "connect_to",
    "sqlstate",
]

DatabaseError = dbapi.DatabaseError
DataError = dbapi.DataError
IntegrityError = dbapi.IntegrityError
InterfaceError = dbapi.InterfaceError
InternalError = dbapi.InternalError
OperationalError = dbapi.OperationalError
ProgrammingError = dbapi.ProgrammingError

# A peer that vanished without a word (a failover, a lost network) is noticed after about 25 seconds.
_KEEPALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPALIVE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 25_000}


def connect(  # noqa: PLR0913 - a connection has that many properties, each of them named by the caller
    *,
    host: str,
    port: int = 5432,
    user: str,
    password: str | None = None,
    database: str,
    ssl_context: ssl.SSLContext | None = None,
    connect_timeout: float = 5.0,
    application_name: str | None = None,
    plain: bool = False,
    by_name: bool = False,
) -> Connection:
    """Connect to PostgreSQL; with `ssl_context` over TLS or not at all, without it never.

    `connect_timeout` is in seconds and covers each step up to the authenticated session. After that nothing times out
    in the client: how long a statement may take is PostgreSQL's `statement_timeout`, a lost peer is TCP keepalive's.

    Raises:
        InterfaceError: nobody answers there, or the server refuses TLS.
        DatabaseError: PostgreSQL refuses the user, the password or the database.
    """
    kind = Connection if plain else NamingConnection if by_name else OneTripConnection
    try:
        sock = socket.create_connection((host, port), timeout=connect_timeout)
    except OSError as error:
        raise InterfaceError(f"network error: no PostgreSQL at {host}:{port} ({error})") from error
    try:
        _tune(sock)
        return kind(
            user,
            host=host,  # the name that TLS verifies; the socket is already connected
            password=password,
            database=database,
            sock=sock,
            ssl_context=ssl_context or False,  # None would mean: TLS if offered, and unverified
            application_name=application_name,
        )
    except OSError as error:
        sock.close()
        raise InterfaceError(f"network error: {host}:{port} broke off the start of the session ({error})") from error
    except BaseException:
        sock.close()
        raise


def connect_to(  # noqa: PLR0913 - as above
    url: str,
    *,
    ssl_context: ssl.SSLContext | None = None,
    connect_timeout: float = 5.0,
    application_name: str | None = None,
    plain: bool = False,
    by_name: bool = False,
) -> Connection:
    """Connect to `postgresql://user:password@host:port/database`, as `connect` does.

    A query string is refused rather than ignored: what it would switch, TLS above all, is an argument here.
    """
    parts = urlsplit(url)
    if parts.query or not parts.hostname or not parts.username:
        raise ValueError("A database URL reads postgresql://user:password@host:port/database, without a query.")
    return connect(
        host=parts.hostname,
        port=parts.port or 5432,
        user=unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        database=unquote(parts.path.removeprefix("/")) or unquote(parts.username),
        ssl_context=ssl_context,
        connect_timeout=connect_timeout,
        application_name=application_name,
        plain=plain,
        by_name=by_name,
    )


def sqlstate(error: BaseException | None) -> str | None:
    """Return PostgreSQL's five-character code of an error, also of one that SQLAlchemy wrapped; None if it has none."""
    error = getattr(error, "orig", error)
    if isinstance(error, DatabaseError) and error.args and isinstance(error.args[0], dict):
        code: str | None = error.args[0].get("C")
        return code
    return None


def _tune(sock: socket.socket) -> None:
    # A flush is complete when it is written; waiting for more (Nagle) would cost large ones a round trip.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if hasattr(socket, name):  # each platform has some of these
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
