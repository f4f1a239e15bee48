"""What every test can rely on: no network beyond this machine, strict settings, warnings that are errors."""

import socket
import warnings

import pytest
from hypothesis import settings
from pytest_socket import SocketConnectBlockedError


def test_no_test_connects_beyond_this_machine() -> None:
    # Connecting a datagram socket sends nothing, so this is harmless even where the guard is missing.
    beyond = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    with beyond, pytest.raises((SocketConnectBlockedError, UserWarning), match=r"192\.0\.2\.1"):
        beyond.connect(("192.0.2.1", 9))


def test_a_test_can_connect_to_this_machine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


def test_a_warning_fails_the_test_that_meets_it() -> None:
    with pytest.raises(DeprecationWarning):
        warnings.warn("Tomorrow this will break.", DeprecationWarning, stacklevel=1)


def test_a_test_that_hangs_or_draws_lots_is_held_by_the_settings(pytestconfig: pytest.Config) -> None:
    assert float(pytestconfig.getini("timeout")) == 120
    assert pytestconfig.getini("strict") is True
    assert settings().derandomize is True
    assert isinstance(pytestconfig.getoption("randomly_seed"), int)
