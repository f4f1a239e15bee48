"""Which browsers' origins may read a store's answers: the store's own list, on refusals too."""

from starlette.requests import Request
from starlette.responses import Response

from shared.core.declarations import EndpointDeclaration

ALLOWED_METHODS = "GET, POST, PUT, PATCH, DELETE"
ALLOWED_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, "
    "Traceparent, X-Cart-Token, X-Correlation-Id, X-Currency, X-Publishable-Key"
)
EXPOSED_HEADERS = (
    "ETag, Idempotent-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, X-Cart-Token, X-Correlation-Id"
)
MAX_AGE = 7200  # seconds; the most that Chromium keeps a preflight's answer


def allow(endpoint: EndpointDeclaration, request: Request, response: Response, *, allowed: bool) -> None:
    """Let the browser's page read the answer, where the store allows its origin. Storefront routes only."""
    if endpoint.audience != "storefront":
        return
    response.headers.append("Vary", "Origin")
    origin = request.headers.get("origin")
    if origin and allowed:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS


def preflight(request_origin: str, *, allowed: bool) -> Response:
    """Answer a browser's question before its request."""
    headers = {"Vary": "Origin", "Cache-Control": "no-store"}
    if allowed:
        headers |= {
            "Access-Control-Allow-Origin": request_origin,
            "Access-Control-Allow-Methods": ALLOWED_METHODS,
            "Access-Control-Allow-Headers": ALLOWED_HEADERS,
            "Access-Control-Max-Age": str(MAX_AGE),
        }
    return Response(status_code=204, headers=headers)
