"""The local gateway: routes, answers and limits as an HTTP API has them."""

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from infra.local import gateway
from infra.local.gateway import Gateway, Served
from infra.local.routing import Routes
from infra.local.system import Web
from shared.core.topology import Endpoint
from tests.local import handlers
from tests.local.factories import an_endpoint


@dataclass
class Running:
    """A gateway that serves, and what it told."""

    port: int
    served: list[Served] = field(default_factory=list)
    failed: list[tuple[str, BaseException]] = field(default_factory=list)

    def ask(self, method: str, path: str, *, body: bytes = b"", headers: dict[str, str] | None = None) -> "Answer":
        """Send one request and read its answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body=body or None, headers=headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()


@dataclass
class Answer:
    """An answer as it came."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


@contextmanager
def a_gateway(*endpoints: Endpoint) -> Iterator[Running]:
    web = Web(0)
    running = Running(int(web.base_url.rpartition(":")[2]))
    serving = Gateway(
        endpoints, served=running.served.append, failed=lambda name, error: running.failed.append((name, error))
    )
    web.start(serving)
    try:
        yield running
    finally:
        web.drain()
        serving.close()
        web.close()


def test_a_request_reaches_the_handler_as_an_event_and_its_answer_comes_back() -> None:
    with a_gateway(an_endpoint("POST", "/echo/{word}")) as running:
        answer = running.ask(
            "POST",
            "/echo/caf%C3%A9?a=1&a=2&b=%26",
            body=b"hi\xff",
            headers={"Cookie": "k=v", "Host": "demo.localhost:1"},
        )

    told = answer.json
    assert answer.status == 200
    assert told.pop("thread").startswith("gateway")
    assert told == {
        "word": "café",
        "query": [["a", "1"], ["a", "2"], ["b", "&"]],
        "cookies": {"k": "v"},
        "body": "hi\xff",
        "client": "127.0.0.1",
        "host": "demo.localhost:1",
    }


def test_an_answers_head_and_body_are_one_write() -> None:
    with a_gateway(an_endpoint("GET", "/echo/{word}")) as running:
        told = _first_packet(running, b"GET /echo/x HTTP/1.1\r\nHost: x\r\n\r\n")

    assert told.startswith(b"HTTP/1.1 200 OK\r\n")
    assert told.endswith(b"}")


def test_a_head_that_no_body_follows_is_written_too() -> None:
    with a_gateway(an_endpoint("HEAD", "/echo/{word}"), an_endpoint("GET", "/empty")) as running:
        heads = [
            _first_packet(running, asked + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            for asked in (b"HEAD /echo/x", b"GET /empty")
        ]

    assert [head.partition(b"\r\n")[0] for head in heads] == [
        b"HTTP/1.1 405 Method Not Allowed",
        b"HTTP/1.1 204 No Content",
    ]
    assert all(head.endswith(b"\r\n\r\n") for head in heads)


def test_who_asks_whether_to_go_on_is_told_before_they_send_more() -> None:
    asked = b"POST /echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    with a_gateway(an_endpoint("POST", "/echo/{word}")) as running:
        told = _first_packet(running, asked)

    assert told == b"HTTP/1.1 100 Continue\r\n\r\n"


def _first_packet(running: Running, asked: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as connection:
        connection.sendall(asked)
        return connection.recv(65_536)


def test_every_cookie_has_a_header_of_its_own() -> None:
    with a_gateway(an_endpoint("GET", "/echo/{word}")) as running:
        answer = running.ask("GET", "/echo/x")

    cookies = [value.partition(";")[0] for name, value in answer.headers if name == "set-cookie"]
    assert cookies == ["first=1", "second=2"]


def test_a_binary_answer_arrives_byte_by_byte() -> None:
    with a_gateway(an_endpoint("GET", "/picture")) as running:
        answer = running.ask("GET", "/picture")

    assert answer.body == bytes(range(256))
    assert dict(answer.headers)["content-type"] == "image/png"


def test_an_answer_without_content_has_no_length() -> None:
    with a_gateway(an_endpoint("GET", "/empty")) as running:
        answer = running.ask("GET", "/empty")

    assert (answer.status, answer.body) == (204, b"")
    assert "content-length" not in dict(answer.headers)


@pytest.mark.parametrize(("method", "path"), [("GET", "/nowhere"), ("DELETE", "/echo/x"), ("GET", "/echo/x/y")])
def test_what_has_no_route_is_not_found_whatever_the_method(method: str, path: str) -> None:
    with a_gateway(an_endpoint("GET", "/echo/{word}")) as running:
        answer = running.ask(method, path)

    assert (answer.status, answer.json) == (404, {"message": "Not Found"})


def test_a_handler_that_raises_is_answered_by_500_and_its_error_is_told_here_alone() -> None:
    with a_gateway(an_endpoint("GET", "/bug", "raising")) as running:
        answer = running.ask("GET", "/bug")

    assert (answer.status, answer.json) == (500, {"message": "Internal Server Error"})
    assert [(name, str(error)) for name, error in running.failed] == [("GET /bug", "a bug")]


@pytest.mark.parametrize(
    ("timeout", "status", "message"), [(1, 500, "Internal Server Error"), (60, 503, "Service Unavailable")]
)
def test_a_slow_handler_is_answered_for_as_lambda_or_the_gateway_would(
    monkeypatch: pytest.MonkeyPatch, timeout: int, status: int, message: str
) -> None:
    monkeypatch.setattr(gateway, "PATIENCE", 1.5)
    handlers.gate = handlers.Gate()
    with a_gateway(an_endpoint("GET", "/slow", "waiting", timeout=timeout)) as running:
        answer = running.ask("GET", "/slow")
        handlers.gate.opened.set()

    assert (answer.status, answer.json) == (status, {"message": message})
    assert [name for name, _ in running.failed] == ["GET /slow"]


def test_a_body_that_an_http_api_refuses_is_refused() -> None:
    with a_gateway(an_endpoint("POST", "/echo/{word}")) as running:
        answer = running.ask("POST", "/echo/x", body=b"x" * (gateway.LARGEST_BODY + 1))

    assert (answer.status, answer.json) == (413, {"message": "Request Entity Too Large"})


def test_a_body_that_lambda_refuses_is_refused() -> None:
    with a_gateway(an_endpoint("POST", "/echo/{word}")) as running:
        # As base64 it grows by a third, past what one call of a function may carry.
        refused = running.ask("POST", "/echo/x", body=b"\xff" * (5 * 1024 * 1024))
        taken = running.ask("POST", "/echo/x", body=b"x" * (2 * 1024 * 1024))

    assert (refused.status, taken.status) == (413, 200)


def test_headers_that_an_http_api_refuses_are_refused() -> None:
    with a_gateway(an_endpoint("GET", "/echo/{word}")) as running:
        answer = running.ask("GET", "/echo/x", headers={"X-Long": "x" * gateway.LARGEST_HEADERS})

    assert answer.status == 431


def test_a_slow_request_does_not_hold_up_another() -> None:
    handlers.gate = handlers.Gate()
    with a_gateway(an_endpoint("GET", "/slow", "waiting"), an_endpoint("GET", "/echo/{word}")) as running:
        slow = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
        slow.request("GET", "/slow")
        assert handlers.gate.entered.wait(10)
        quick = running.ask("GET", "/echo/x")
        handlers.gate.opened.set()
        late = slow.getresponse().read()
        slow.close()

    assert (quick.status, late) == (200, b"late")


def test_each_answer_is_told_with_its_status() -> None:
    with a_gateway(an_endpoint("GET", "/echo/{word}")) as running:
        running.ask("GET", "/echo/x")
        running.ask("GET", "/nowhere")

    assert [(told.method, told.path, told.status) for told in running.served] == [
        ("GET", "/echo/x", 200),
        ("GET", "/nowhere", 404),
    ]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/orders/new", ("/orders/new", {})),
        ("GET", "/orders/7", ("/orders/{id}", {"id": "7"})),
        ("GET", "/orders/new/lines", ("/orders/{id}/lines", {"id": "new"})),
        ("GET", "/orders/7/files/a/b", ("/orders/{id}/files/{rest+}", {"id": "7", "rest": "a/b"})),
        ("OPTIONS", "/orders/7/lines", ("/{rest+}", {"rest": "orders/7/lines"})),
        ("PATCH", "/any/7", ("/any/{id}", {"id": "7"})),
        ("GET", "/orders", None),
        ("GET", "/orders/", None),
        ("POST", "/orders/7", None),
    ],
)
def test_static_segments_win_over_parameters_and_parameters_over_the_rest(
    method: str, path: str, expected: tuple[str, dict[str, str]] | None
) -> None:
    routes = Routes(
        [
            an_endpoint("GET", "/orders/{id}"),
            an_endpoint("GET", "/orders/new"),
            an_endpoint("GET", "/orders/{id}/lines"),
            an_endpoint("GET", "/orders/{id}/files/{rest+}"),
            an_endpoint("OPTIONS", "/{rest+}"),
            an_endpoint("ANY", "/any/{id}"),
        ]
    )

    found = routes.find(method, path)

    assert (found and (found.route.path, dict(found.parameters))) == expected
