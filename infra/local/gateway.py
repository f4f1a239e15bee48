"""The local API Gateway: takes HTTP, finds the endpoint in the topology, calls the very handler that Lambda calls.

It keeps the limits and answers of a real HTTP API (404 for what has no route, 413, 431, 500 for a function that fails,
503 for one that is too slow), so that what works here works there. CORS is the functions' work, here as there.
"""

import asyncio
import base64
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra.local import events, routing

if TYPE_CHECKING:
    from shared.core.topology import Endpoint

type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type ASGI = Callable[[Message, Receive, Send], Awaitable[None]]

PATIENCE = 30.0  # seconds that an HTTP API waits for an integration
LARGEST_BODY = 10 * 1024 * 1024  # bytes that an HTTP API takes
LARGEST_PAYLOAD = 6 * 1024 * 1024  # bytes of the event, and of the answer, that Lambda takes in a synchronous call
_SURELY_TAKEN = LARGEST_PAYLOAD // 8  # characters of a body: JSON makes six bytes of one at most, and the rest is small
LARGEST_HEADERS = 10_240  # bytes of all header lines together that an HTTP API takes
WORKERS = 16  # requests served at once; past it they wait, as they would for an account's concurrency


@dataclass(frozen=True)
class Served:
    """One request and its answer, as the terminal tells it."""

    method: str
    path: str
    status: int
    milliseconds: float
    headers: Mapping[str, str]


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class _TooLarge(Exception):
    """The client sends more than the gateway takes."""


class Gateway:
    """An ASGI application over a topology's endpoints. Handlers are imported when their first request comes."""

    def __init__(
        self,
        endpoints: "Iterable[Endpoint]",
        *,
        served: Callable[[Served], None] = lambda _: None,
        failed: Callable[[str, BaseException], None] = lambda *_: None,
        workers: int = WORKERS,
    ) -> None:
        """Route to `endpoints`; tell `served` of each answer, `failed` of each handler that raised or was too slow."""
        self._routes = routing.Routes(endpoints)
        self._served = served
        self._failed = failed
        self._pool = ThreadPoolExecutor(workers, "gateway")
        self._importing = threading.Lock()
        self._handlers: dict[str, routing.Handler] = {}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return  # neither lifespan nor websockets
        started = time.perf_counter()
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        try:
            answer = await self._answer(scope, headers, receive)
        except _TooLarge:
            answer = _plain(413, "Request Entity Too Large")
        await _send(send, answer, head=scope["method"] == "HEAD")
        took = (time.perf_counter() - started) * 1000
        self._served(Served(scope["method"], scope["path"], answer.status, took, dict(headers)))

    def close(self) -> None:
        """Stop taking work; a handler that runs is left to end by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _answer(self, scope: Message, headers: list[tuple[str, str]], receive: Receive) -> _Answer:
        if sum(len(name) + len(value) + 4 for name, value in headers) > LARGEST_HEADERS:  # ": " and the line's end
            return _plain(431, "Request Header Fields Too Large")
        match = self._routes.find(scope["method"], scope["path"])  # decoded by the server, as HTTP APIs decode it
        if match is None:
            return _plain(404, "Not Found")
        endpoint = match.route
        event = events.http_event(
            scope["method"],
            scope["path"],
            route=endpoint.path,
            path_parameters=match.parameters,
            query=scope["query_string"].decode("latin-1"),
            headers=headers,
            body=await _body(receive),
            source_ip=scope["client"][0] if scope.get("client") else "127.0.0.1",
            scheme=scope.get("scheme", "http"),
        )
        if len(event.get("body", "")) > _SURELY_TAKEN and len(json.dumps(event)) > LARGEST_PAYLOAD:
            return _plain(413, "Request Entity Too Large")
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[_Answer] = loop.create_future()
        # One future and one call back to the loop: what `run_in_executor` and `wait_for` put together takes 60 us more.
        self._pool.submit(self._work, endpoint, event, loop, answered)
        # Lambda would end the function; a thread can't be ended, so it goes on, but nobody hears its answer.
        end = loop.call_later(min(endpoint.timeout, PATIENCE), _settle, answered, None, TimeoutError())
        try:
            return await answered
        except TimeoutError as slow:
            self._failed(endpoint.name, slow)
            return _plain(503, "Service Unavailable") if endpoint.timeout > PATIENCE else _plain(500, _BROKEN)
        except Exception as broken:  # noqa: BLE001 -- whatever a handler raises, Lambda turns into one answer
            self._failed(endpoint.name, broken)
            return _plain(500, _BROKEN)
        finally:
            end.cancel()

    def _work(
        self,
        endpoint: "Endpoint",
        event: events.Event,
        loop: asyncio.AbstractEventLoop,
        answered: "asyncio.Future[_Answer]",
    ) -> None:
        """Call the handler, in a thread of the pool, and tell the loop what came of it."""
        answer: _Answer | None = None
        broken: BaseException | None = None
        try:
            answer = _from_lambda(self._invoke(endpoint, event))
        except BaseException as error:  # noqa: BLE001 -- as above
            broken = error
        with suppress(RuntimeError):  # the loop has ended, and who asked has gone with it
            loop.call_soon_threadsafe(_settle, answered, answer, broken)

    def _invoke(self, endpoint: "Endpoint", event: events.Event) -> Any:  # noqa: ANN401 -- the handler's own shape
        call = self._handlers.get(endpoint.handler) or self._import(endpoint.handler)
        return call(event, events.context(endpoint.name, memory=endpoint.memory, timeout=endpoint.timeout))

    def _import(self, name: str) -> routing.Handler:
        with self._importing:  # two first requests at once must not see a half-made module
            return self._handlers.setdefault(name, routing.handler(name))


_BROKEN = "Internal Server Error"


def _settle(answered: "asyncio.Future[_Answer]", answer: _Answer | None, broken: BaseException | None) -> None:
    if answered.done():
        return  # it was given up, or who asked has gone
    if answer is None:
        answered.set_exception(broken or TimeoutError())
    else:
        answered.set_result(answer)


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size > LARGEST_BODY:
            raise _TooLarge
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


def _from_lambda(result: Any) -> _Answer:  # noqa: ANN401 -- the handler's own shape
    """Read a function's answer as an HTTP API does: the proxy shape, or any other value as a JSON body of a 200."""
    if not isinstance(result, dict) or "statusCode" not in result:
        return _Answer(200, [("content-type", "application/json")], json.dumps(result).encode())
    body = result.get("body") or ""
    content = base64.b64decode(body) if result.get("isBase64Encoded") else body.encode()
    if len(content) > LARGEST_PAYLOAD:
        message = f"The answer has {len(content)} bytes; Lambda passes on {LARGEST_PAYLOAD}."
        raise ValueError(message)
    headers = [(name.lower(), str(value)) for name, value in (result.get("headers") or {}).items()]
    for name, values in (result.get("multiValueHeaders") or {}).items():
        headers += [(name.lower(), str(value)) for value in values]
    headers += [("set-cookie", cookie) for cookie in result.get("cookies") or []]
    return _Answer(int(result["statusCode"]), headers, content)


def _plain(status: int, message: str) -> _Answer:
    return _Answer(status, [("content-type", "application/json")], json.dumps({"message": message}).encode())


async def _send(send: Send, answer: _Answer, *, head: bool) -> None:
    headers = [(name, value) for name, value in answer.headers if name != "content-length"]
    if answer.status not in (204, 304):
        headers.append(("content-length", str(len(answer.body))))
    lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": lines})
    await send({"type": "http.response.body", "body": b"" if head or answer.status in (204, 304) else answer.body})
