"""From API Gateway's event to the application and back, by Mangum.

A route that waits for nothing, as all of ours do, is called at once: API Gateway has matched it already, and it needs
no event loop. Mangum reads the event and writes the answer either way.
"""

import asyncio
import re
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import FastAPI
from mangum import Mangum
from mangum.handlers import HTTPGateway
from mangum.types import LambdaConfig, LambdaContext, LambdaEvent, Scope
from starlette.requests import Request
from starlette.responses import Response

from shared.core import errors
from shared.core.declarations import Handler

type Serve = Callable[[Request], Coroutine[Any, Any, Response]]
type AtOnce = tuple[re.Pattern[str], Serve]  # the form of its paths, and what it does

_TEXT = ["text/", "application/json", errors.MEDIA_TYPE]  # all else goes through API Gateway as base64
_PLAIN_HOST = re.compile(r"[A-Za-z0-9_.-]+(?::[0-9]{1,5})?")
_thread = threading.local()


def handler(application: FastAPI, at_once: Mapping[str, AtOnce]) -> Handler:
    """Return what Lambda calls; `at_once` are the routes that wait for nothing, by method and path."""
    own_loop()
    mangum = Mangum(application, lifespan="off", text_mime_types=_TEXT, custom_handlers=[_Arrival])

    def serve(event: dict[str, Any], lambda_context: Any) -> Any:  # noqa: ANN401 -- AWS's own shapes
        event = _with_a_plain_host(event)
        known = at_once.get(event.get("routeKey", ""))
        if known is not None:
            path, answer = known
            arrival = _Arrival(event, lambda_context, mangum.config)
            matched = path.match(arrival.scope["path"])
            if matched is not None:
                return _called(answer, arrival, matched.groupdict())
        own_loop()
        return mangum(event, lambda_context)

    return serve


def own_loop() -> None:
    """Give the thread its event loop, which Mangum runs. In Lambda there is one thread; locally there are many."""
    if not hasattr(_thread, "own"):
        _thread.own = _Loop()
    asyncio.set_event_loop(_thread.own.loop)


class _Arrival(HTTPGateway):
    """An event of an HTTP API as Mangum reads it, which would read it anew each time that it looks."""

    def __init__(self, event: LambdaEvent, context: LambdaContext, config: LambdaConfig) -> None:
        super().__init__(event, context, config)
        self._scope = super().scope

    @property
    def scope(self) -> Scope:
        return self._scope


class _Whole(Request):
    """A request whose body has come."""

    def __init__(self, arrival: _Arrival) -> None:
        super().__init__(arrival.scope)
        self._whole = arrival.body

    async def body(self) -> bytes:
        return self._whole


def _called(serve: Serve, arrival: _Arrival, path_parameters: dict[str, str]) -> dict[str, Any]:
    arrival.scope["path_params"] = path_parameters  # where Starlette leaves them
    running = serve(_Whole(arrival))
    try:
        running.send(None)
    except StopIteration as done:
        response: Response = done.value
        headers = [[name, value] for name, value in response.raw_headers]
        return arrival({"status": response.status_code, "headers": headers, "body": bytes(response.body)})
    running.close()
    message = "A route that was to be called at once waited for something."
    raise RuntimeError(message)


class _Loop:
    """An event loop that ends with the thread that it was made for."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()

    def __del__(self) -> None:
        self.loop.close()


def _with_a_plain_host(event: dict[str, Any]) -> dict[str, Any]:
    """Take a Host away that is no name with a port: Mangum fails on it, and URLs made of it have another path."""
    headers = event.get("headers") or {}
    if _PLAIN_HOST.fullmatch(headers.get("host", "")):
        return event
    return {**event, "headers": {**headers, "host": "localhost"}}
