"""Who is calling, and which store: decided by the credential, or the host name, never by a field of the request.

One statement a request: a look-up function in PostgreSQL returns a credential's store, id and scopes, and whether the
browser's origin is one that the store allows. It is the narrowest thing that a session without a store may see.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.requests import Request

from shared.core import clock, credentials, edge
from shared.core.declarations import EndpointDeclaration
from shared.core.errors import Forbidden, Unauthenticated
from shared.core.principal import Kind, Principal
from shared.core.settings import settings

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="stormcom"'}

_BY_CREDENTIAL = text("select * from lookup.credential(:kind, :digest, :origin, :now)")
_BY_SLUG = text("select * from lookup.storefront(:slug, :origin)")
_PLATFORM = text("select * from lookup.platform_token(:digest, :now)")


@dataclass(frozen=True)
class Caller:
    """Who is calling, and whether their browser's origin may read the answer."""

    principal: Principal
    store_id: UUID | None
    origin_allowed: bool = False


def authenticate(session: Session, endpoint: EndpointDeclaration, request: Request) -> Caller | None:
    """Return the caller; None for a route that belongs to no store and is public.

    Raises:
        Unauthenticated: there is no credential, or none that is valid now.
        Forbidden: the credential lacks the route's permission.
    """
    if endpoint.audience == "storefront":
        if not endpoint.needs_store:
            return None
        return _shopper(session, request)
    if endpoint.public is not None:
        return None
    caller = _merchant(session, request) if endpoint.audience == "merchant" else _operator(session, request)
    if endpoint.permission is not None and not caller.principal.may(endpoint.permission):
        detail = f"This credential lacks the permission {endpoint.permission}."
        raise Forbidden(detail)
    return caller


def _merchant(session: Session, request: Request) -> Caller:
    token = _bearer(request, credentials.SECRET)
    return _by_credential(session, credentials.SECRET, token, request, kind="api_token")


def _shopper(session: Session, request: Request) -> Caller:
    key = request.headers.get("x-publishable-key") or request.query_params.get("publishable_key")
    if key is None:
        return _by_host(session, request)
    if not credentials.is_well_formed(credentials.PUBLISHABLE, key):
        raise _refused("The X-Publishable-Key is not one of ours: it was cut or mistyped.")
    return _by_credential(session, credentials.PUBLISHABLE, key, request, kind="publishable_key")


def _operator(session: Session, request: Request) -> Caller:
    digest = credentials.digest(_bearer(request, credentials.PLATFORM))
    row = session.execute(_PLATFORM, {"digest": digest, "now": clock.now()}).one_or_none()
    if row is None:
        raise _refused("This token is unknown, expired or revoked.")
    return Caller(Principal(kind="platform", id=str(row.id), scopes=frozenset(row.scopes)), None)


def _by_credential(session: Session, prefix: str, credential: str, request: Request, *, kind: Kind) -> Caller:
    values = {
        "kind": prefix,
        "digest": credentials.digest(credential),
        "origin": request.headers.get("origin"),
        "now": clock.now(),
    }
    row = session.execute(_BY_CREDENTIAL, values).one_or_none()
    if row is None:
        raise _refused("This credential is unknown, expired or revoked.")
    principal = Principal(kind=kind, id=str(row.id), scopes=frozenset(row.scopes), store_id=row.store_id)
    return Caller(principal, row.store_id, bool(row.origin_allowed))


def _by_host(session: Session, request: Request) -> Caller:
    domain, host = settings().storefront_domain, edge.host(request)
    if not domain or not host.endswith("." + domain):
        raise _refused("Send the store's publishable key in X-Publishable-Key.")
    slug = host.removesuffix("." + domain)
    row = session.execute(_BY_SLUG, {"slug": slug, "origin": request.headers.get("origin")}).one_or_none()
    if row is None:
        raise _refused("There is no store at this host name.")
    principal = Principal(kind="publishable_key", id=f"host:{slug}", store_id=row.store_id)
    return Caller(principal, row.store_id, bool(row.origin_allowed))


def _bearer(request: Request, prefix: str) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise _refused(f"Send the token as `Authorization: Bearer {prefix}_...`.")
    if not credentials.is_well_formed(prefix, token.strip()):
        raise _refused(f"This is not a token of the form {prefix}_...: it was cut or mistyped.")
    return token.strip()


def _refused(detail: str) -> Unauthenticated:
    return Unauthenticated(detail, headers=_CHALLENGE)
