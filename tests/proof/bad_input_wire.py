"""How bad input gets to the handlers, and what every answer must be, whatever was asked.

A request goes as API Gateway's event to the handler that Lambda calls. An answer must be one that the OpenAPI document
names, by status, media type and schema; a problem must be one of the catalogue; and nothing of our insides may show.
"""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import unquote

import requests
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from infra.local import events, routing
from shared.core import topology
from shared.core.topology import Endpoint
from tests.client import Answer, answer_of

ORIGIN = "https://api.shop.test"
SLOWEST_SECONDS = 20.0  # of one answer, on a machine that does much else: a limit against what never ends

# What only our side of the wire knows: stack traces, SQL and its errors, files, libraries, Python's own words.
_INSIDES = re.compile(
    r"Traceback|\bFile \"|\.py\b|site-packages|/var/task|/opt/|/usr/|/tmp/|/home/|python3|\bline \d+, in\b"
    r"|sqlalchemy|pg8000|sqlstate|pydantic|fastapi|starlette|mangum|powertools|botocore|postgres|psycopg"
    r"|\bselect\b.+\bfrom\b|\binsert into\b|\bupdate \w+ set\b|\bdelete from\b"
    r"|relation \"|column \"|constraint \"|violates|duplicate key|row-level security|invalid input syntax"
    r"|\bshared\.\w+|\bfunctions\.\w+|object at 0x|<class|<function|\bNoneType\b"
    r"|(?-i:\b[A-Z]\w+(?:Error|Exception)\b)|stormcom_app|stormcom_owner",
    re.IGNORECASE,
)
_TOLD_ON_PURPOSE = {"docs_get_openapi", "docs_get_docs", "docs_get_docs_asset"}  # files that no input has a part in


@dataclass(frozen=True)
class Asked:
    """One request as it goes over the wire."""

    method: str
    path: str  # percent-encoded
    query: str = ""  # the same
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def __str__(self) -> str:
        """Write it as a person would repeat it."""
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _SECRET}
        url = f"{self.path}?{self.query}" if self.query else self.path
        return f"{self.method} {url[:600]} {headers} {self.body[:600]!r}"


_SECRET = {"authorization", "x-publishable-key"}


def sent(case: schemathesis.Case[Any], credentials: Mapping[str, str]) -> Asked:
    """Return what schemathesis would send for a case, with the credentials of who may ask."""
    told = case.as_transport_kwargs(base_url=ORIGIN)
    prepared = requests.Request(
        method=told["method"],
        url=told["url"],
        headers=told["headers"],
        params=told.get("params"),
        data=told.get("data"),
        json=told.get("json"),
        cookies=told.get("cookies"),
    ).prepare()
    path, _, query = (prepared.path_url or "").partition("?")
    body = prepared.body if isinstance(prepared.body, str | bytes) else b""
    headers = {str(name): _text(value) for name, value in prepared.headers.items()} | dict(credentials)
    return Asked(case.method, path, query, headers, body.encode() if isinstance(body, str) else body)


def deliver(asked: Asked) -> Answer | None:
    """Give a request to its handler; None for a path that API Gateway has no route for."""
    path = unquote(asked.path)
    match = _routes().find(asked.method, path)
    if match is None:
        return None
    event = events.http_event(
        asked.method,
        path,
        route=match.route.path,
        path_parameters=match.parameters,
        query=asked.query,
        headers=asked.headers,
        body=asked.body,
        scheme="https",
    )
    context = events.context(match.route.name, memory=match.route.memory, timeout=match.route.timeout)
    # As it comes from API Gateway: JSON, and through JSON again.
    return answer_of(routing.handler(match.route.handler)(json.loads(json.dumps(event)), context))


def handled_by(asked: Asked) -> str | None:
    """Return the operation that a request gets to; a hostile path may lead to a neighbour, or nowhere."""
    match = _routes().find(asked.method, unquote(asked.path))
    return match.route.name.replace("-", "_") if match else None


@dataclass(frozen=True)
class Judge:
    """What the OpenAPI document lets every answer be."""

    catalogue: Mapping[str, Mapping[str, Any]]  # problems by their code

    def offences(
        self, case: schemathesis.Case[Any], asked: Asked, answer: Answer, *, seconds: float, breaks_the_schema: bool
    ) -> list[str]:
        """Return everything about an answer that is not as it must be."""
        found = self._against_the_document(case, asked, answer, breaks_the_schema=breaks_the_schema)
        found += self._of_a_problem(answer)
        if answer.status_code >= 400 or case.operation.definition.raw["operationId"] not in _TOLD_ON_PURPOSE:
            found += [f"insides: {word}" for word in _shown(asked, answer)]
        if seconds > SLOWEST_SECONDS:
            found.append(f"{seconds:.1f} seconds")
        return found

    @staticmethod
    def _against_the_document(
        case: schemathesis.Case[Any], asked: Asked, answer: Answer, *, breaks_the_schema: bool
    ) -> list[str]:
        checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
        if breaks_the_schema:
            checks.append(negative_data_rejection)
        if answer.status_code == 304:
            checks.remove(content_type_conformance)  # it has no content
        try:
            case.validate_response(response_of(asked, answer), checks=checks)
        except FailureGroup as failed:
            return [_line(one) for one in failed.exceptions]
        return []

    def _of_a_problem(self, answer: Answer) -> list[str]:
        if answer.status_code < 400:
            return []
        if answer.headers.get("content-type") != "application/problem+json":
            return [f"{answer.status_code} is no problem document"]
        told = json.loads(answer.body, parse_constant=_no_number)
        known = self.catalogue.get(told["code"])
        if known is None or answer.status_code not in known["statuses"] or told["status"] != answer.status_code:
            return [f"{answer.status_code} {told['code']} is not in the catalogue"]
        if told["correlation_id"] != answer.headers.get("x-correlation-id"):
            return ["the correlation id of the document is not that of the header"]
        return []


def response_of(asked: Asked, answer: Answer) -> Response:
    """Return an answer as schemathesis has it."""
    request = requests.Request(asked.method, ORIGIN + asked.path, headers=dict(asked.headers)).prepare()
    headers = {name: [value] for name, value in answer.headers.items()}
    return Response(answer.status_code, headers, answer.body, request, elapsed=0.0, verify=False)


def timed(asked: Asked) -> tuple[Answer | None, float]:
    """Deliver a request, and return the seconds that it took."""
    started = time.perf_counter()
    answer = deliver(asked)
    return answer, time.perf_counter() - started


def _shown(asked: Asked, answer: Answer) -> set[str]:
    """Return what an answer tells of our insides, but for the words that the caller sent and gets back."""
    text = answer.body.decode("utf-8", "replace").replace('\\"', '"') + "".join(answer.headers.values())
    given = unquote(asked.path) + unquote(asked.query.replace("+", " ")) + asked.body.decode("utf-8", "replace")
    given = (given + "".join(asked.headers.values())).lower()
    return {found for found in (one[0] for one in _INSIDES.finditer(text)) if found.lower() not in given}


def _line(failure: BaseException) -> str:
    return f"{type(failure).__name__}: {' '.join(str(failure).split())[:300]}"


def _no_number(word: str) -> float:
    message = f"{word} is no JSON"
    raise ValueError(message)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


@cache
def _routes() -> routing.Routes[Endpoint]:
    return routing.Routes(topology.load().endpoints)
