"""What a browser does for the page of another site: refused, where a cookie would speak for whoever sits before it.

A browser sends a person's cookie along with whatever any site has it send, so a cookie alone proves no intention.
Every browser of the last years says where a request comes from (`Sec-Fetch-Site`); an older one names the page's
`Origin` on every request that changes something. Programs send neither, and have no cookies but those that they were
given. The same rule as Go's `CrossOriginProtection`; it needs HTTPS, which the edge insists on.
"""

from urllib.parse import urlsplit

from starlette.requests import Request

from shared.core import edge
from shared.core.errors import Forbidden

SESSION_COOKIE = "__Host-stormcom"
ISSUER_COOKIE = "__Host-stormcom-issuer"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS = frozenset({"same-origin", "none"})


class CrossSiteRequest(Forbidden):
    """A page of another site had the browser send this."""

    code = "cross_site_request"
    title = "Sent by another site"


def refuse_cross_site(request: Request) -> None:
    """Refuse a request that changes something and comes from another site's page.

    Raises:
        CrossSiteRequest: it does.
    """
    if request.method in SAFE:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is None and origin is not None:
        site = "same-origin" if urlsplit(origin).hostname == edge.host(request) else "cross-site"
    if site is not None and site not in _OURS:
        detail = "This was sent by a page of another site. Sign in at StormCom's own address, and do it there."
        raise CrossSiteRequest(detail)


def session_cookie(token: str, *, seconds: int) -> str:
    """Return the Set-Cookie that keeps a session for `seconds`: out of scripts' reach, and for this host alone."""
    return _cookie(SESSION_COOKIE, token, seconds=seconds)


def no_session_cookie() -> str:
    """Return the Set-Cookie that has a browser forget its session."""
    return session_cookie("", seconds=0)


def issuer_cookie(flow: str, *, seconds: int) -> str:
    """Return the Set-Cookie that keeps what a sign-in at another issuer began with; with 0 seconds, forgets it."""
    return _cookie(ISSUER_COOKIE, flow, seconds=seconds)


def _cookie(name: str, value: str, *, seconds: int) -> str:
    return f"{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}"
