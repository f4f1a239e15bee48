"""What the edge (CloudFront) says of a request, and proof that it was the edge who said it.

Behind the edge a function sees the edge's address and the API's own host name. The edge passes on the viewer's in
headers that anyone could write, and a secret that only it and the functions know; where the secret is set, a request
that comes around the edge, and so around its firewall, is refused. Without an edge (a laptop) nothing is believed.
"""

import hmac
import ipaddress

from starlette.requests import Request

from shared.core.errors import Forbidden
from shared.core.settings import settings

SECRET_HEADER = "x-origin-secret"  # noqa: S105 -- the header's name
HOST_HEADER = "x-forwarded-host"
ADDRESS_HEADER = "x-viewer-address"  # written by the edge's function, which knows no port


def require_passage(request: Request) -> None:
    """Refuse a request that came around the edge, where there is one.

    Raises:
        Forbidden: the edge's secret is missing or wrong.
    """
    if settings().origin_secret is not None and not _came_through(request):
        detail = "This address is not for calling; use the public one."
        raise Forbidden(detail)


def viewer_address(request: Request, source: str | None) -> str | None:
    """Return the viewer's IP address: what the edge says, or `source`, who opened the connection."""
    if not _came_through(request):
        return source
    try:
        return str(ipaddress.ip_address(request.headers.get(ADDRESS_HEADER, "")))
    except ValueError:
        return source


def host(request: Request) -> str:
    """Return the host name that the viewer asked for, in lower case and without a port."""
    told = request.headers.get(HOST_HEADER) if _came_through(request) else None
    return (told.partition(":")[0] if told else request.url.hostname or "").lower()


def _came_through(request: Request) -> bool:
    secrets = settings().origin_secret
    if secrets is None:
        return False
    given = request.headers.get(SECRET_HEADER, "").encode()
    # Two while one is being replaced by the next.
    return any(hmac.compare_digest(given, secret.encode()) for secret in secrets.split())
