"""Sessions of the driver with PostgreSQL: how they start, and what becomes of one that is lost."""

import os
import socket
import ssl
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from shared.core import driver
from tests.core.proxy import CountingProxy
from tests.database import FreshDatabases


@pytest.fixture(scope="module")
def url(fresh_database: FreshDatabases) -> str:
    """Return an empty database of these tests' own."""
    return fresh_database.empty().owner_url


@pytest.fixture
def proxy(url: str) -> Iterator[CountingProxy]:
    """Return a proxy before that database."""
    with CountingProxy(url) as proxy:
        yield proxy


def test_nothing_but_the_session_is_asked_for_at_the_start(proxy: CountingProxy) -> None:
    driver.connect_to(proxy.url, application_name="orders").close()

    assert b"application_name\0orders\0" in proxy.sent
    assert b"options\0" not in proxy.sent


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("end", ["terminated", "cut"])
def test_sqlalchemy_replaces_a_connection_that_was_lost(
    proxy: CountingProxy, url: str, end: str, *, plain: bool
) -> None:
    engine = create_engine("postgresql+pg8000://", creator=lambda: driver.connect_to(proxy.url, plain=plain))
    with engine.connect() as connection:
        pid = connection.scalar(text("select pg_backend_pid()"))
    if end == "cut":
        proxy.cut()
    else:
        with driver.connect_to(url) as other:
            other.cursor().execute("select pg_terminate_backend(%s::int, 5000)", (pid,))

    with pytest.raises(DBAPIError, match="network error") as raised, engine.connect() as connection:
        connection.scalar(text("select 1 where 1 = :one"), {"one": 1})
    with engine.connect() as connection:
        answer = connection.scalar(text("select pg_backend_pid()"))
    engine.dispose()

    assert raised.value.connection_invalidated
    assert answer != pid


def test_a_lost_connection_stays_closed(proxy: CountingProxy) -> None:
    connection = driver.connect_to(proxy.url)
    proxy.cut()
    with pytest.raises(driver.InterfaceError, match="network error"):
        connection.cursor().execute("select 1")

    with pytest.raises(driver.InterfaceError, match="connection is closed"):
        connection.cursor().execute("select 1")
    connection.close()


def test_a_closed_connection_says_so(url: str) -> None:
    connection = driver.connect_to(url)
    connection.close()

    with pytest.raises(driver.InterfaceError, match="connection is closed"):
        connection.cursor().execute("select 1")


def test_an_interrupted_answer_is_never_read_by_the_next_statement(url: str) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    connection = driver.connect_to(url)
    connection.register_in_adapter(23, interrupt)
    with pytest.raises(KeyboardInterrupt):
        connection.cursor().execute("select number::int4 from generate_series(1, 3) number")

    with pytest.raises(driver.InterfaceError, match="connection is closed"):
        connection.cursor().execute("select 'next'")
    with pytest.raises(driver.InterfaceError, match="connection is closed"):
        connection.commit()
    connection.close()


def test_a_wrong_password_is_refused_by_its_code(url: str) -> None:
    user, _, rest = url.partition("@")

    with pytest.raises(driver.DatabaseError) as raised:
        driver.connect_to(f"{user}wrong@{rest}")

    assert driver.sqlstate(raised.value) == "28P01"


def test_nobody_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(driver.InterfaceError, match=f"no PostgreSQL at 127.0.0.1:{port}"):
        driver.connect(host="127.0.0.1", port=port, user="somebody", database="anything")


def test_a_server_that_says_nothing_is_given_up() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(driver.InterfaceError, match="network error"),
    ):
        driver.connect(
            host="127.0.0.1", port=silent.getsockname()[1], user="somebody", database="anything", connect_timeout=0.05
        )


def test_with_tls_asked_for_nothing_goes_in_clear(proxy: CountingProxy) -> None:
    with pytest.raises(driver.InterfaceError, match="refuses SSL"):
        driver.connect_to(proxy.url, ssl_context=ssl.create_default_context())

    assert bytes(proxy.sent) == bytes.fromhex("00000008 04d2162f")


def test_a_query_in_the_url_is_refused() -> None:
    with pytest.raises(ValueError, match="without a query"):
        driver.connect_to("postgresql://user:password@127.0.0.1/database?sslmode=require")


@pytest.mark.parametrize("kind", [driver.Connection, driver.OneTripConnection, driver.NamingConnection])
def test_a_session_that_is_broken_off_before_its_first_word_leaves_no_socket_open(
    kind: type[driver.Connection],
) -> None:
    ours, theirs = socket.socketpair()
    handle = ours.fileno()
    with theirs:
        ours.shutdown(socket.SHUT_WR)
        with pytest.raises(driver.InterfaceError, match="network error"):
            kind("app", database="orders", sock=ours, ssl_context=False)

    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(handle)
