"""Callers of the API, for tests: each request goes as API Gateway's event to the very handler that Lambda calls."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import unquote, urlencode

from infra.local import events, routing
from shared.core import ids, topology
from shared.core.topology import Endpoint


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status_code: int
    headers: dict[str, str]
    body: bytes
    cookies: tuple[str, ...] = ()  # each as its Set-Cookie says it

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode()


@dataclass
class Client:
    """A caller with a credential. Paths are below /api/v1; `headers` go with every request.

    `key=True` on a request sends a new Idempotency-Key, `key="..."` that one.
    """

    headers: dict[str, str] = field(default_factory=dict)
    source_ip: str = "127.0.0.1"

    def get(self, path: str, **request: Any) -> Answer:
        """Send a GET."""
        return self.request("GET", path, **request)

    def post(self, path: str, **request: Any) -> Answer:
        """Send a POST."""
        return self.request("POST", path, **request)

    def put(self, path: str, **request: Any) -> Answer:
        """Send a PUT."""
        return self.request("PUT", path, **request)

    def patch(self, path: str, **request: Any) -> Answer:
        """Send a PATCH."""
        return self.request("PATCH", path, **request)

    def delete(self, path: str, **request: Any) -> Answer:
        """Send a DELETE."""
        return self.request("DELETE", path, **request)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        body: bytes | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        key: str | bool = False,
    ) -> Answer:
        """Send a request and return its answer; a path that no route has is a mistake of the test."""
        sent = {**self.headers, **(headers or {})}
        if key:
            sent["Idempotency-Key"] = key if isinstance(key, str) else str(ids.new_id())
        content = body if body is not None else b"" if json is None else _encoded(json)
        if content:
            sent.setdefault("Content-Type", "application/json")
        whole = "/api/v1" + path
        bare, _, query = whole.partition("?")
        query = "&".join(part for part in (query, urlencode(params or {}, doseq=True)) if part)
        match = _routes().find(method, bare)
        assert match is not None, f"no route {method} {bare}"
        event = events.http_event(
            method,
            unquote(bare),
            route=match.route.path,
            path_parameters=match.parameters,
            query=query,
            headers=sent,
            body=content,
            source_ip=self.source_ip,
        )
        lambda_context = events.context(match.route.name, memory=match.route.memory, timeout=match.route.timeout)
        return answer_of(routing.handler(match.route.handler)(event, lambda_context))


def _encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


def answer_of(result: dict[str, Any]) -> Answer:
    """Read what a handler returns to API Gateway."""
    body = result.get("body") or ""
    content = base64.b64decode(body) if result.get("isBase64Encoded") else body.encode()
    headers = {k.lower(): v for k, v in result["headers"].items()}
    return Answer(result["statusCode"], headers, content, tuple(result.get("cookies") or ()))


@cache
def _routes() -> routing.Routes[Endpoint]:
    return routing.Routes(topology.load().endpoints)
