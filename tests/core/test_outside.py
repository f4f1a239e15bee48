"""Asking strangers' servers: no address leads inside, no answer is too large, none takes too long.

The server of these tests is on this machine, which no production code can reach by `Outside`: its loopback is let in
by an object that only tests make.
"""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.core.outside import Outside
from tests.core.strangers import SECONDS, Answers, Server, certified, fetch, is_this_machine, unreachable


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


def test_it_fetches_what_lies_there_and_tells_nothing_of_us(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server.on("/a%20b/%E0%A6%9B.jpg", lambda it: it.answer(200, b"a picture", content_type="Image/JPEG; q=1"))

    found = server.outside.fetch(
        server.url("/a b/ছ.jpg?v=1&w= 2"), most_bytes=1000, seconds=SECONDS, accepts=("image/",)
    )

    assert (found.content, found.media_type) == (b"a picture", "image/jpeg")
    [(path, headers)] = server.handler.asked
    assert path == "/a%20b/%E0%A6%9B.jpg?v=1&w=%202"
    assert headers["host"] == f"pictures.example:{server.port}"
    assert headers.keys() == {"host", "accept-encoding", "user-agent", "connection"}


def test_a_name_that_leads_elsewhere_the_second_time_changes_nothing(server: Server) -> None:
    server.addresses = iter([["127.0.0.1"], ["10.0.0.1"]])
    server.on("/", lambda it: it.answer(200, b"x"))

    assert fetch(server.outside, server.url("/")) == b"x"
    assert server.resolved == ["pictures.example"]  # once: the connection went to what was checked
    with unreachable("forbidden_address", retryable=False):
        fetch(server.outside, server.url("/"))


def test_redirects_are_followed_three_times_and_each_is_checked_anew(server: Server) -> None:
    for number in range(5):
        server.on(f"/{number}", lambda it, n=number: it.answer(302, location=f"/{n + 1}"))  # type: ignore[misc]  # a lambda with a default
    server.on("/end", lambda it: it.answer(200, b"x"))
    server.on("/3", lambda it: it.answer(301, location=server.url("/end", host="other.example")))

    assert fetch(server.outside, server.url("/1")) == b"x"
    assert server.resolved == ["pictures.example"] * 3 + ["other.example"]
    with unreachable("too_many_redirects", retryable=False):
        fetch(server.outside, server.url("/0"))


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("http://169.254.169.254/latest/", "invalid_url"),  # a port that this test's server does not have
        ("http://10.0.0.1:{port}/", "forbidden_address"),
        ("file:///etc/passwd", "invalid_url"),
        ("http://user:secret@pictures.example:{port}/", "invalid_url"),
        ("http://[", "invalid_redirect"),
        ("", "invalid_redirect"),
    ],
)
def test_a_redirect_does_not_lead_inside(server: Server, location: str, code: str) -> None:
    server.addresses = iter([["127.0.0.1"], ["10.0.0.1"]])
    server.on("/", lambda it: it.answer(302, location=location.format(port=server.port)))

    with unreachable(code, retryable=False):
        fetch(server.outside, server.url("/"))


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (204, "denied", False),
        (206, "denied", False),
        (304, "denied", False),
        (400, "denied", False),
        (401, "denied", False),
        (403, "denied", False),
        (404, "not_found", False),
        (408, "server_error", True),
        (410, "not_found", False),
        (429, "server_error", True),
        (500, "server_error", True),
        (503, "server_error", True),
    ],
)
def test_an_answer_without_a_picture_says_whether_to_ask_again(
    server: Server,
    status: int,
    code: str,
    retryable: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    server.on("/", lambda it: it.answer(status))

    with unreachable(code, retryable=retryable):
        fetch(server.outside, server.url("/"))


@pytest.mark.parametrize(
    ("headers", "code"),
    [({"content_type": "text/html"}, "wrong_type"), ({"content_encoding": "gzip"}, "encoded")],
)
def test_what_was_not_asked_for_is_not_read(server: Server, headers: dict[str, str], code: str) -> None:
    server.on("/", lambda it: it.answer(200, b"x", **headers))

    with unreachable(code, retryable=False):
        fetch(server.outside, server.url("/"))


def test_an_answer_that_announces_too_much_is_not_read(server: Server) -> None:
    server.on("/", lambda it: it.answer(200, b"x", content_length="1001"))

    with unreachable("too_large", retryable=False):
        fetch(server.outside, server.url("/"))


def test_an_answer_that_does_not_end_is_cut_off(server: Server) -> None:
    def endless(it: Answers) -> None:
        it.send_response(200)
        it.send_header("transfer-encoding", "chunked")
        it.end_headers()
        try:
            while True:
                it.wfile.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
        except OSError:
            it.close_connection = True

    server.on("/", endless)

    with unreachable("too_large", retryable=False):
        fetch(server.outside, server.url("/"), most=1_000_000)


def test_an_answer_that_breaks_off_is_asked_for_again(server: Server) -> None:
    def broken(it: Answers) -> None:
        it.answer(200, b"x" * 10, content_length="20")
        it.close_connection = True

    server.on("/", broken)

    with unreachable("broken_off", retryable=True):
        fetch(server.outside, server.url("/"))


@pytest.mark.parametrize("part", ["headers", "body"])
def test_an_answer_that_trickles_ends_with_the_time_of_the_whole(server: Server, part: str) -> None:
    def trickle(it: Answers) -> None:
        try:
            if part == "body":
                it.send_response(200)
                it.end_headers()
            while True:
                it.wfile.write(b"x")
                it.wfile.flush()
                time.sleep(0.02)
        except OSError:
            it.close_connection = True

    server.on("/", trickle)
    begun = time.monotonic()

    with unreachable("timeout", retryable=True):
        fetch(server.outside, server.url("/"), seconds=0.5)
    assert time.monotonic() - begun < 30  # rather than never; a busy machine may stand still for seconds


def test_a_server_that_is_not_there_or_speaks_something_else_is_asked_again(server: Server) -> None:
    def something_else(it: Answers) -> None:
        it.wfile.write(b"SSH-2.0-OpenSSH\r\n")
        it.close_connection = True

    server.on("/", something_else)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    closed = Outside(resolve=lambda _host, _port: ["127.0.0.1"], allow=is_this_machine, ports={port})

    with unreachable("unreachable", retryable=True):
        fetch(server.outside, server.url("/"))
    with unreachable("unreachable", retryable=True):
        fetch(closed, f"http://pictures.example:{port}/")


def test_a_name_that_leads_nowhere_is_asked_again_later() -> None:
    def nowhere(_host: str, _port: int) -> list[str]:
        raise socket.gaierror

    with unreachable("unresolvable", retryable=True):
        fetch(Outside(resolve=nowhere), "http://nowhere.example/")


def test_a_name_that_nobody_answers_for_ends_with_the_time_of_the_whole() -> None:
    released = threading.Event()

    def silent(_host: str, _port: int) -> list[str]:
        released.wait()
        return []

    begun = time.monotonic()
    with unreachable("timeout", retryable=True):
        fetch(Outside(resolve=silent), "http://silent.example/", seconds=0.3)
    released.set()
    assert time.monotonic() - begun < 30  # as above


def test_a_name_without_any_address_is_asked_again_later() -> None:
    with unreachable("unreachable", retryable=True):
        fetch(Outside(resolve=lambda _host, _port: []), "http://empty.example/")


def test_the_name_is_what_a_certificate_has_to_be_for(tmp_path: Path) -> None:
    served, trust = certified(tmp_path, "pictures.example")
    server = Server(trust, served)
    server.on("/", lambda it: it.answer(200, b"x"))
    try:
        assert fetch(server.outside, server.url("/", scheme="https")) == b"x"
        with unreachable("unreachable", retryable=True):
            fetch(server.outside, server.url("/", scheme="https", host="other.example"))
        with unreachable("unreachable", retryable=True):
            strict = Outside(resolve=lambda *_: ["127.0.0.1"], allow=is_this_machine, ports={server.port})
            fetch(strict, server.url("/", scheme="https"))
    finally:
        server.close()
