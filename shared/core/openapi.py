"""The OpenAPI 3.1 document of the whole API, made from the endpoints' declarations."""

from collections.abc import Iterable
from typing import Any, get_type_hints

from fastapi import Response
from fastapi.openapi.utils import get_openapi

from shared.core import answers, browsers, http, prepared, topology
from shared.core.declarations import EndpointDeclaration
from shared.core.errors import Problem  # noqa: TC001 -- as everywhere: types are imported as other names are

VERSION = "1.0.0"

_DESCRIPTION = """
Multi-tenant commerce: catalog, stock, carts, checkout, orders.

**Integrations** send `Authorization: Bearer sk_...`; the token decides the store. **Members of staff** sign in with
`POST /session` and enter a store. **Storefronts** send `X-Publishable-Key: pk_...`, and for a customer who has signed
in `Authorization: Bearer ca_...`. Ids are typed (`ord_...`), money is `{"amount": 129900, "currency": "BDT"}` in minor
units, times are UTC. Writes take an `Idempotency-Key`; where money or stock moves, they require one. Documents carry an
`ETag`; edits take `If-Match`. Failures are `application/problem+json`.
""".strip()


_SCHEMES = {
    "secret_token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A store's secret API token, `sk_...`, with scopes.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": browsers.SESSION_COOKIE,
        "description": "The session of a member of staff, from `POST /session`. Requests of other sites are refused.",
    },
    "customer_token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A customer's access to one store, `ca_...`, for minutes; beside the publishable key.",
    },
    "publishable_key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Publishable-Key",
        "description": "A store's publishable key, `pk_...`: for storefronts, in the open.",
    },
    "platform_token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A platform operator's token, `op_...`.",
    },
}

_TEXT = {"schema": {"type": "string"}}
_ETAG = {"description": "The version of what was read: for If-Match and If-None-Match.", **_TEXT}

_FIELD_ERROR = {
    "type": "object",
    "required": ["pointer", "code", "message"],
    "properties": {
        "pointer": {"type": "string", "description": "JSON pointer to the field; parameters under /query or /header."},
        "code": {"type": "string"},
        "message": {"type": "string"},
    },
}

_PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code", "kind", "retryable", "errors", "correlation_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence that says what to do."},
        "instance": {"type": "string"},
        "code": {"type": "string", "description": "Stable; switch on it."},
        "kind": {"enum": ["user", "system"], "description": "Whose move it is."},
        "retryable": {"type": "boolean", "description": "Whether the same request may succeed later."},
        "errors": {"type": "array", "items": _FIELD_ERROR},
        "correlation_id": {"type": "string"},
    },
}


def document() -> dict[str, Any]:
    """Return the document. Imports every function; only the generator of the contracts does that."""
    endpoints = [endpoint for _, api in topology.apis() for endpoint in api.endpoints if endpoint.method != "OPTIONS"]
    endpoints.sort(key=lambda endpoint: (endpoint.path, endpoint.method))
    routes = http.application(endpoints).routes
    told = get_openapi(title="StormCom API", version=VERSION, description=_DESCRIPTION, routes=routes)
    components = told.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = _PROBLEM
    components["securitySchemes"] = _SCHEMES
    for endpoint in endpoints:
        _complete(told["paths"][endpoint.path][endpoint.method.lower()], endpoint)
    told["x-problems"] = _catalogue(endpoints)
    return told


def _complete(operation: dict[str, Any], endpoint: EndpointDeclaration) -> None:
    """Add what FastAPI cannot know: the credential, the permission, the Idempotency-Key."""
    if not endpoint.is_anybodys:
        operation["security"] = _security(endpoint)
    if endpoint.step_up:
        operation["x-step-up"] = True
    if endpoint.permission:
        operation["x-permission"] = endpoint.permission
    if endpoint.method == "GET" and (endpoint.cached or _is_versioned(endpoint)):
        headers = operation["responses"][str(endpoint.status_code)].setdefault("headers", {})
        headers["ETag"] = _ETAG
        if endpoint.cached:
            headers["Cache-Control"] = {
                "description": "How long browsers and caches in between may keep the answer.",
                "schema": {"type": "string", "examples": [endpoint.cached.control]},
            }
        operation["responses"]["304"] = {"description": "It is still what the reader has, by its If-None-Match."}
        operation.setdefault("parameters", []).append(
            {
                "name": "If-None-Match",
                "in": "header",
                "description": "The ETag of an answer that the reader has.",
                **_TEXT,
            }
        )
    if endpoint.writes:
        operation.setdefault("parameters", []).append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": endpoint.idempotent,
                "description": "A new one for each new purpose, the same one for each retry; kept for 72 hours.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            },
        )


def _security(endpoint: EndpointDeclaration) -> list[dict[str, list[str]]]:
    """Return the credentials that the route takes: one of these, and of each all that it names."""
    match endpoint.audience:
        case "platform":
            return [{"platform_token": []}]
        case "storefront" if endpoint.signed_in:
            return [{"publishable_key": [], "customer_token": []}]
        case "storefront":
            return [{"publishable_key": []}]
        case _ if endpoint.tenant == "store":
            return [{"secret_token": []}, {"session": []}]
        case _:
            return [{"session": []}]


def _is_versioned(endpoint: EndpointDeclaration) -> bool:
    """Tell whether the answer has an ETag: it is a document with a version, or a file."""
    told = prepared.promised(get_type_hints(endpoint.call)["return"])
    return "version" in getattr(told, "model_fields", ()) or told is Response


def _catalogue(endpoints: Iterable[EndpointDeclaration]) -> dict[str, dict[str, Any]]:
    """Every problem's code that some endpoint answers with: its title, statuses and meaning."""
    kinds: set[type[Problem]] = set()
    for endpoint in endpoints:
        kinds.update(answers.kinds(endpoint))
    return {
        kind.code: {
            "title": kind.title,
            "statuses": sorted({other.status for other in kinds if other.code == kind.code}),
            "meaning": " ".join((kind.__doc__ or kind.title).split()),
        }
        for kind in sorted(kinds, key=lambda kind: kind.code)
    }
