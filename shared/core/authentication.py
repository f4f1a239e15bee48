"""Who is calling, and which store: decided by the credential, or the host name, never by a field of the request.

One statement a request: a look-up function in PostgreSQL returns a credential's store, id and scopes, and whether the
browser's origin is one that the store allows. It is the narrowest thing that a session without a store may see.

A process remembers what it was told of a credential, believes it, and asks again each time all the same: along with the
request's first statement, whose answer nobody gets unless the credential still is what it was. So a revoked one is
refused at once, and looking costs no round trip of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.requests import Request

from shared.core import clock, credentials, edge, tenancy
from shared.core.declarations import EndpointDeclaration
from shared.core.errors import Forbidden, Unauthenticated
from shared.core.principal import Kind, Principal
from shared.core.settings import settings

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="stormcom"'}

_BY_CREDENTIAL = "select store_id, id, scopes, origin_allowed from lookup.credential(%s, %s, %s, %s)"
_BY_SLUG = "select store_id, origin_allowed from lookup.storefront(%s, %s)"
_PLATFORM = text("select * from lookup.platform_token(:digest, :now)")


type _Name = tuple[str, bytes | str, str | None]  # what a credential is remembered by; never the credential itself

_memory: dict[_Name, list[Any]] = {}
_REMEMBERED = 4096  # credentials of a process, each with some hundred bytes


class Outdated(Exception):
    """What was remembered of the caller's credential holds no more: the request is to be walked again from its start.

    Raised from whatever statement the look-up travelled with. Nothing was answered, nothing is kept.
    """


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
    digest, origin = credentials.digest(credential), request.headers.get("origin")
    told = _told(session, (prefix, digest, origin), _BY_CREDENTIAL, (prefix, digest, origin, clock.now()))
    if told is None:
        raise _refused("This credential is unknown, expired or revoked.")
    store_id, credential_id, scopes, origin_allowed = told
    principal = Principal(kind=kind, id=str(credential_id), scopes=frozenset(scopes), store_id=store_id)
    return Caller(principal, store_id, bool(origin_allowed))


def _by_host(session: Session, request: Request) -> Caller:
    domain, host = settings().storefront_domain, edge.host(request)
    if not domain or not host.endswith("." + domain):
        raise _refused("Send the store's publishable key in X-Publishable-Key.")
    slug, origin = host.removesuffix("." + domain), request.headers.get("origin")
    told = _told(session, ("host", slug, origin), _BY_SLUG, (slug, origin))
    if told is None:
        raise _refused("There is no store at this host name.")
    store_id, origin_allowed = told
    principal = Principal(kind="publishable_key", id=f"host:{slug}", store_id=store_id)
    return Caller(principal, store_id, bool(origin_allowed))


def _told(session: Session, name: _Name, question: str, values: Sequence[object]) -> Sequence[Any] | None:
    """Return what the look-up says of a credential: what it said last time, to be confirmed, or what it says now."""
    remembered = _memory.get(name)
    if remembered is not None:
        tenancy.ask(session, question, values, lambda rows: _confirm(name, remembered, rows))
        return remembered
    found = session.connection().exec_driver_sql(question, values).one_or_none()
    if found is None:
        return None
    if len(_memory) >= _REMEMBERED:
        _memory.clear()
    _memory[name] = list(found)
    return _memory[name]


def _confirm(name: _Name, remembered: Sequence[Any], rows: list[Any]) -> None:
    if rows != [remembered]:
        _memory.pop(name, None)
        message = "What was remembered of the credential holds no more."
        raise Outdated(message)


def _bearer(request: Request, prefix: str) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise _refused(f"Send the token as `Authorization: Bearer {prefix}_...`.")
    if not credentials.is_well_formed(prefix, token.strip()):
        raise _refused(f"This is not a token of the form {prefix}_...: it was cut or mistyped.")
    return token.strip()


def _refused(detail: str) -> Unauthenticated:
    return Unauthenticated(detail, headers=_CHALLENGE)
