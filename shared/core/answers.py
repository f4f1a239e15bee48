"""Answers as they go out: problem documents, ETags, and what is kept of an answer for its Idempotency-Key."""

import hashlib
import json
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from shared.core import browsers, context, errors, idempotency, schemas
from shared.core.declarations import EndpointDeclaration
from shared.core.errors import MEDIA_TYPE, MalformedRequest, NotFound, Problem, ValidationFailed
from shared.core.idempotency import Answer
from shared.core.principal import Principal

_FORM = (
    errors.Unauthenticated,
    errors.Forbidden,
    errors.StepUpRequired,
    errors.TooManyRequests,  # nothing was tried: the same request may be carried out later
    ValidationFailed,
    MalformedRequest,
    errors.StaleVersion,
)
_REPEATED_HEADERS = ("etag", "cache-control", "vary", "cache-tag")  # what a 304 says again
_KEPT_HEADERS = ("content-type", "etag", "location", "x-cart-token")


class InternalError(Problem):
    """A bug of ours. The document says nothing about it; the log, by the correlation id, does."""

    status = 500
    code = "internal_error"
    title = "Internal error"
    kind = "system"
    retryable = True


def internal() -> InternalError:
    """Return the answer to a bug."""
    return InternalError("Something went wrong on our side; nothing was changed. Tell us the correlation id.")


def render(problem: Problem, request: Request) -> Response:
    """Render a problem document."""
    document = errors.document(problem, correlation_id=context.current().correlation_id, instance=request.url.path)
    # A pointer may name a key that is half a character, for which UTF-8 has no bytes.
    body = json.dumps(document, ensure_ascii=False).encode(errors="replace")
    return Response(body, status_code=problem.status, media_type=MEDIA_TYPE, headers=dict(problem.headers))


def is_declared(endpoint: EndpointDeclaration, problem: Problem) -> bool:
    """Tell whether the route says that it may answer so."""
    return type(problem) in kinds(endpoint)


def is_outcome(problem: Problem) -> bool:
    """Tell whether a refusal is the business's answer, kept for its key: not one of form, nor one of ours."""
    return problem.kind == "user" and not isinstance(problem, _FORM)


def kinds(endpoint: EndpointDeclaration) -> list[type[Problem]]:
    """Return every problem that the route may answer with: its own, and those of the way to it."""
    found: list[type[Problem]] = [MalformedRequest, ValidationFailed, InternalError, errors.Unavailable]
    found.append(errors.Forbidden)  # to whoever comes around the edge, too
    if not endpoint.is_anybodys:
        found.append(errors.Unauthenticated)
    if endpoint.audience == "merchant" and endpoint.method not in browsers.SAFE:
        found.append(browsers.CrossSiteRequest)
    if endpoint.step_up:
        found.append(errors.StepUpRequired)
    if "{" in endpoint.path:
        found.append(NotFound)
    if endpoint.writes:
        found += [
            idempotency.IdempotencyKeyInvalid,
            idempotency.IdempotencyKeyReused,
            idempotency.RequestInFlight,
        ]
    if endpoint.idempotent:
        found.append(idempotency.IdempotencyKeyRequired)
    return list(dict.fromkeys((*found, *endpoint.raises)))


def documented(endpoint: EndpointDeclaration) -> dict[int | str, dict[str, Any]]:
    """Return the route's problems for its OpenAPI operation: a response a status, naming its codes."""
    by_status: dict[int, list[type[Problem]]] = {}
    for kind in kinds(endpoint):
        by_status.setdefault(kind.status, []).append(kind)
    problems: dict[int | str, dict[str, Any]] = {
        status: {
            "description": "; ".join(f"`{kind.code}`: {_meaning(kind)}" for kind in same),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, same in sorted(by_status.items())
    }
    if endpoint.moved is not None:
        where = {"Location": {"description": "Where it is now.", "schema": {"type": "string"}}}
        problems = {301: {"description": endpoint.moved, "headers": where}, **problems}
    if not endpoint.produces:
        return problems
    content: dict[str, Any] = {media_type: {"schema": {"type": "string"}} for media_type in endpoint.produces}
    return {endpoint.status_code: {"content": content}, **problems}


def _meaning(kind: type[Problem]) -> str:
    return " ".join((kind.__doc__ or kind.title).split())


def from_validation(invalid: RequestValidationError) -> Problem:
    """Say which fields are wrong, and how. A path that cannot be an id names nothing: 404."""
    found = invalid.errors()
    if any(error["type"] == "json_invalid" for error in found):
        return MalformedRequest("The body is not JSON.")
    if any(error["loc"][0] == "path" for error in found):
        return NotFound("There is nothing at this address.")
    fields = [schemas.fault(error, _pointer(error["loc"])) for error in found]
    return ValidationFailed("Some fields are missing or wrong; see errors.", errors=fields)


def from_http_exception(refused: HTTPException) -> Problem:
    """Translate what FastAPI refuses by itself: a body that cannot be read."""
    return MalformedRequest("The body cannot be read.") if refused.status_code < InternalError.status else internal()


def refuse_unreadable(request: Request, body: bytes) -> None:
    r"""Refuse NUL characters, which PostgreSQL has no text for, before they get anywhere.

    Raises:
        MalformedRequest: the path, query or body holds U+0000, plain or escaped.
    """
    raw = request.scope["path"] + request.scope["query_string"].decode("latin-1")
    if "\0" in raw or "%00" in raw or b"\0" in body or b"\\u0000" in body:
        detail = "Text may not hold the character U+0000."
        raise MalformedRequest(detail)


def versioned(request: Request, response: Response, etag: str | None) -> Response:
    """Give the answer its ETag; answer 304 to a reader who has this version already."""
    if etag is not None and "etag" not in response.headers:
        response.headers["ETag"] = etag
    present = response.headers.get("etag")
    if request.method != "GET" or present is None:
        return response
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if present.removeprefix("W/") not in known:
        return response
    kept = {name: value for name, value in response.headers.items() if name in _REPEATED_HEADERS}
    return Response(status_code=304, headers=kept)


def kept(response: Response) -> Answer:
    """Return what is stored of an answer for its Idempotency-Key."""
    headers = {name: value for name, value in response.headers.items() if name in _KEPT_HEADERS}
    return Answer(response.status_code, headers, bytes(response.body))


def replayed(answer: Answer) -> Response:
    """Render the answer that a request had the first time."""
    return Response(answer.body, status_code=answer.status, headers={**answer.headers, "Idempotent-Replayed": "true"})


def caller_name(principal: Principal, request: Request) -> str:
    """Name the caller whose Idempotency-Keys these are: a guest is their cart's token, all others their credential."""
    cart_token = request.headers.get("x-cart-token")
    if principal.kind == "publishable_key" and cart_token:
        return "guest:" + hashlib.sha256(cart_token.encode()).hexdigest()
    return f"{principal.kind}:{principal.id}"


def _pointer(location: tuple[int | str, ...]) -> str:
    where, *inside = location
    parts = inside if where == "body" else [where, *inside]
    return errors.pointer(*parts)
