"""Who is calling, and which store: decided by the credential, or the host name, never by a field of the request.

One statement a request: a look-up function in PostgreSQL returns a credential's store, id and scopes, and whether the
browser's origin is one that the store allows. It is the narrowest thing that a session without a store may see.

A process remembers what it was told of a credential, believes it, and asks again each time all the same: along with the
request's first statement, whose answer nobody gets unless the credential still is what it was. So a revoked one is
refused at once, and looking costs no round trip of its own.

The look-up has resolved what the caller may do: a member of staff's role and overrides in the store that they entered,
a token's scopes cut by what its maker may do now.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from starlette.requests import Request

from shared.core import browsers, clock, context, credentials, edge, tenancy, token_uses
from shared.core import principal as principals
from shared.core.declarations import EndpointDeclaration
from shared.core.errors import Forbidden, StepUpRequired, Unauthenticated
from shared.core.principal import Principal
from shared.core.settings import settings

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="stormcom"'}

_BY_KEY = text("select store_id, id, origin_allowed from lookup.publishable_key(:digest, :origin, :now)")
_BY_DIGEST = text("""
select store_id, id, scopes, limits, origin_allowed, use_is_news
from lookup.api_token(:digest, :origin, cast(:address as inet), :now)
""")
_BY_SLUG = text("select store_id, origin_allowed from lookup.storefront(:slug, :origin)")
_BY_SESSION = text("""
select user_id, id, organization_id, store_id, permissions, limits, proven_at, has_second_factor, use_is_news
from lookup.staff_session(:digest, :now)
""")
_BY_CUSTOMER = text("select store_id, customer_id, id, proven_at from lookup.customer_session(:digest, :now)")
_PLATFORM = text("select * from lookup.platform_token(:digest, :now)")
_SEEN = text("update sessions set last_seen_at = :now where id = :id")

STEP_UP = timedelta(minutes=5)  # how long a proof of who one is serves for what is risky

type _Name = tuple[str, bytes | str, *tuple[str | None, ...]]  # what is remembered; never the credential itself

_memory: OrderedDict[_Name, list[Any]] = OrderedDict()
_REMEMBERED = (
    16_384  # credentials of a process, each with some hundred bytes; more stores than a process sees in an hour
)
_WATCHED = {credentials.SECRET, "session"}  # whose look-ups end in `use_is_news`
_NEWS = "use_is_news"  # the key in Session.info


class Outdated(Exception):
    """What was remembered of the caller's credential holds no more: the request is to be walked again from its start.

    Raised from whatever statement the look-up travelled with. Nothing was answered, nothing is kept.
    """


@dataclass(frozen=True)
class Caller:
    """Who is calling, whose rows they work on, and whether their browser's origin may read the answer."""

    principal: Principal
    store_id: UUID | None  # the tenant: mostly a store
    origin_allowed: bool = False


def authenticate(session: Session, endpoint: EndpointDeclaration, request: Request) -> Caller | None:
    """Return the caller; None for a route that asks for no credential.

    Raises:
        Unauthenticated: there is no credential, or none that is valid now.
        Forbidden: a page of another site had the browser send this.
    """
    if endpoint.audience == "merchant" and "authorization" not in request.headers:
        browsers.refuse_cross_site(request)
    if endpoint.is_anybodys:
        return None
    if endpoint.audience == "storefront":
        return _shopper(session, endpoint, request)
    return _merchant(session, endpoint, request) if endpoint.audience == "merchant" else _operator(session, request)


def place(endpoint: EndpointDeclaration, caller: Caller) -> Caller:
    """Return the caller with the tenant whose rows the route works on.

    Raises:
        Forbidden: their session is in no store, or in no organization.
    """
    signed_in = caller.principal.session
    if endpoint.audience != "merchant" or signed_in is None:
        return caller
    return replace(caller, store_id=_tenant(endpoint, signed_in))


def authorize(endpoint: EndpointDeclaration, caller: Caller) -> None:
    """Refuse a caller who may not do what the route does.

    Raises:
        Forbidden: the credential lacks the route's permission.
        StepUpRequired: who is signed in has to prove that it is them.
    """
    if endpoint.permission is not None and not caller.principal.may(endpoint.permission):
        detail = f"This credential lacks the permission {endpoint.permission}."
        raise Forbidden(detail)
    signed_in = caller.principal.session
    if endpoint.step_up and signed_in is not None and not _is_fresh(signed_in):
        detail = (
            "Prove that it is you with your password or second factor: POST /session/step-up. Then send this again."
        )
        raise StepUpRequired(detail)


def _tenant(endpoint: EndpointDeclaration, signed_in: principals.Session) -> UUID | None:
    if endpoint.tenant == "none":
        return None
    tenants = {"person": signed_in.user_id, "organization": signed_in.organization_id, "store": signed_in.store_id}
    tenant_id = tenants[endpoint.tenant]
    if tenant_id is None:
        detail = f"Your session is in no {endpoint.tenant}. Enter one with PUT /session/place."
        raise Forbidden(detail)
    return tenant_id


def tell_use(session: Session, caller: Caller | None) -> None:
    """Write along with the commit, if it is time, that a token is in use: for a request that writes anyway.

    Its row is the last that such a transaction locks, so two of them never wait for each other.
    """
    principal = caller.principal if caller else None
    if principal is None or principal.kind != "api_token" or _NEWS not in session.info:
        return
    if principal.store_id is None or tenancy.store_of(session) != principal.store_id:
        return
    now, credential_id = clock.now(), UUID(principal.id)
    uses = token_uses.count(credential_id, now=now, at_once=bool(session.info[_NEWS]))
    session.info[_NEWS] = None  # it is counted
    if uses:
        token_uses.tell(session, credential_id, uses, store_id=principal.store_id, now=now)


def note_use(session: Session, caller: Caller | None) -> None:
    """Write down, a few times an hour at most, that the credential is in use; in a transaction of its own.

    `session` is the request's, which has ended. When this fails, little is lost: the next request writes it, and a
    token's uses of some minutes are not counted.
    """
    is_news, now = session.info.pop(_NEWS, False), clock.now()
    if caller is None or is_news is None:
        return
    principal, uses = caller.principal, 0
    if principal.kind == "api_token":
        uses = token_uses.count(UUID(principal.id), now=now, at_once=is_news)
    if not uses and (principal.kind == "api_token" or not is_news):
        return
    from shared.core import database  # noqa: PLC0415 -- which stands on this module's neighbours

    owner = caller.store_id if principal.session is None else principal.session.user_id
    with suppress(DBAPIError), database.transaction(owner) as own:
        if principal.session is not None:
            own.execute(_SEEN, {"now": now, "id": principal.session.id})
        elif principal.store_id is not None:
            token_uses.write(own, UUID(principal.id), uses, store_id=principal.store_id, now=now)


def _is_fresh(signed_in: principals.Session) -> bool:
    return signed_in.proven_at is not None and clock.now() - signed_in.proven_at < STEP_UP


def _merchant(session: Session, endpoint: EndpointDeclaration, request: Request) -> Caller:
    if "authorization" in request.headers or not (cookie := request.cookies.get(browsers.SESSION_COOKIE)):
        if endpoint.tenant != "store":
            raise _refused("Sign in: this belongs to a person or an organization, and a store's token can't reach it.")
        token = _bearer(request, credentials.SECRET)
        return _by_token(session, token, request)
    return _staff(session, cookie)


def _staff(session: Session, token: str) -> Caller:
    if not credentials.is_well_formed(credentials.SESSION, token):
        raise _refused("Sign in: this session's cookie is none of ours.")
    digest = credentials.digest(token)
    told = _told(session, ("session", digest), _BY_SESSION, {"digest": digest, "now": clock.now()})
    if told is None:
        raise _refused("Sign in: this session has ended.")
    user_id, session_id, organization_id, store_id, granted, limits, proven_at, has_second_factor = told
    signed_in = principals.Session(session_id, user_id, organization_id, store_id, proven_at, has_second_factor, digest)
    principal = Principal(
        kind="staff",
        id=str(user_id),
        scopes=frozenset(granted),
        store_id=store_id,
        session=signed_in,
        limits=principals.read_limits(limits),
    )
    return Caller(principal, store_id)


def _shopper(session: Session, endpoint: EndpointDeclaration, request: Request) -> Caller:
    key = request.headers.get("x-publishable-key") or request.query_params.get("publishable_key")
    caller = _by_host(session, request) if key is None else _by_key(session, key, request)
    if endpoint.cached is not None or (endpoint.signed_in is None and "authorization" not in request.headers):
        return caller  # what is cached is the same for everybody
    return _customer(session, caller, _bearer(request, credentials.CUSTOMER))


def _customer(session: Session, caller: Caller, token: str) -> Caller:
    digest = credentials.digest(token)
    told = _told(session, ("customer", digest), _BY_CUSTOMER, {"digest": digest, "now": clock.now()})
    if told is None or told[0] != caller.store_id:
        raise _refused("Sign in: this access is unknown, expired or revoked. POST /storefront/sessions/refresh renews.")
    store_id, customer_id, session_id, proven_at = told
    signed_in = principals.Session(session_id, customer_id, store_id=store_id, proven_at=proven_at)
    principal = Principal(kind="customer", id=str(customer_id), store_id=store_id, session=signed_in)
    return replace(caller, principal=principal)


def _operator(session: Session, request: Request) -> Caller:
    digest = credentials.digest(_bearer(request, credentials.PLATFORM))
    row = session.execute(_PLATFORM, {"digest": digest, "now": clock.now()}).one_or_none()
    if row is None:
        raise _refused("This token is unknown, expired or revoked.")
    return Caller(Principal(kind="platform", id=str(row.id), scopes=frozenset(row.scopes)), None)


def _by_token(session: Session, token: str, request: Request) -> Caller:
    digest, origin, address = credentials.digest(token), request.headers.get("origin"), context.current().ip
    values = {"digest": digest, "origin": origin, "address": address, "now": clock.now()}
    told = _told(session, (credentials.SECRET, digest, origin, address), _BY_DIGEST, values)
    if told is None:
        raise _refused("This token is unknown, expired or revoked, or may not be used from this address.")
    store_id, token_id, scopes, limits, origin_allowed = told
    principal = Principal(
        kind="api_token",
        id=str(token_id),
        scopes=frozenset(scopes),
        store_id=store_id,
        limits=principals.read_limits(limits),
    )
    return Caller(principal, store_id, bool(origin_allowed))


def _by_key(session: Session, key: str, request: Request) -> Caller:
    digest, origin = credentials.digest(key) if key.isascii() else b"", request.headers.get("origin")
    name = (credentials.PUBLISHABLE, digest, origin)
    if name not in _memory and not credentials.is_well_formed(credentials.PUBLISHABLE, key):
        raise _refused("The X-Publishable-Key is not one of ours: it was cut or mistyped.")
    told = _told(session, name, _BY_KEY, {"digest": digest, "origin": origin, "now": clock.now()})
    if told is None:
        raise _refused("This key is unknown or revoked.")
    store_id, key_id, origin_allowed = told
    return Caller(Principal(kind="publishable_key", id=str(key_id), store_id=store_id), store_id, bool(origin_allowed))


def _by_host(session: Session, request: Request) -> Caller:
    domain, host = settings().storefront_domain, edge.host(request)
    if not domain or not host.endswith("." + domain):
        raise _refused("Send the store's publishable key in X-Publishable-Key.")
    slug, origin = host.removesuffix("." + domain), request.headers.get("origin")
    told = _told(session, ("host", slug, origin), _BY_SLUG, {"slug": slug, "origin": origin})
    if told is None:
        raise _refused("There is no store at this host name.")
    store_id, origin_allowed = told
    principal = Principal(kind="publishable_key", id=f"host:{slug}", store_id=store_id)
    return Caller(principal, store_id, bool(origin_allowed))


def _told(session: Session, name: _Name, question: TextClause, values: Mapping[str, Any]) -> Sequence[Any] | None:
    """Return what the look-up says of a credential: what it said last time, to be confirmed, or what it says now."""
    remembered = _memory.get(name)
    if remembered is not None:
        tenancy.ask(session, question, values, lambda rows: _confirm(session, name, remembered, rows))
        return remembered
    found = tenancy.run(session, question, values).one_or_none()
    if found is None:
        return None
    while len(_memory) >= _REMEMBERED:
        _memory.popitem(last=False)  # who came first, and comes again as a stranger
    _memory[name] = _lasting(session, name, found)
    return _memory[name]


def _confirm(session: Session, name: _Name, remembered: Sequence[Any], rows: list[Any]) -> None:
    if [_lasting(session, name, row) for row in rows] != [remembered]:
        _memory.pop(name, None)
        message = "What was remembered of the credential holds no more."
        raise Outdated(message)


def _lasting(session: Session, name: _Name, row: Sequence[Any]) -> list[Any]:
    """Return what of a look-up's row may be remembered: all but whether this use is news, which is noted."""
    if name[0] not in _WATCHED:
        return list(row)
    *lasting, session.info[_NEWS] = row
    return lasting


def _bearer(request: Request, prefix: str) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise _refused(f"Send the token as `Authorization: Bearer {prefix}_...`.")
    if not credentials.is_well_formed(prefix, token.strip()):
        raise _refused(f"This is not a token of the form {prefix}_...: it was cut or mistyped.")
    return token.strip()


def _refused(detail: str) -> Unauthenticated:
    return Unauthenticated(detail, headers=_CHALLENGE)
