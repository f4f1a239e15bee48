"""What an endpoint may ask for by its parameters: the session, who is calling, and the version that an edit expects."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Header
from sqlalchemy.orm import Session
from starlette.requests import Request

from shared.core import browsers
from shared.core.errors import Forbidden, MalformedRequest
from shared.core.principal import Principal
from shared.core.principal import Session as SessionOf


@dataclass
class Exchange:
    """One request on its way: set by the route class, read by the endpoint's parameters."""

    request: Request
    session: Session
    principal: Principal | None
    etag: str | None = None
    tags: list[str] = field(default_factory=list)  # what the answer shows, for the edge; see `caching`
    cookies: list[str] = field(default_factory=list)  # Set-Cookie, each with its attributes
    kept: bool = True  # whether the answer may be kept at all, where its route is cached


exchange: ContextVar[Exchange] = ContextVar("exchange")


def set_cookie(cookie: str) -> None:
    """Have the present answer, if it is a success, set a cookie; see `browsers` for its form."""
    exchange.get().cookies.append(cookie)


def present_cookie(name: str = browsers.SESSION_COOKIE) -> str | None:
    """Return the session's token that the present request's browser has, valid or not; or another cookie of ours."""
    return exchange.get().request.cookies.get(name)


def act_as(principal: Principal) -> None:
    """Say who acts in the present exchange, where it turns out on its way: for what it leaves in the records."""
    exchange.get().principal = principal


class _Session:
    """The dependency of `StoreSession`; see `supplying`."""

    async def __call__(self) -> Session:
        return exchange.get().session

    def supply(self, present: Exchange) -> Session:
        return present.session


class _Caller:
    """The dependency of `Caller`; see `supplying`."""

    async def __call__(self) -> Principal | None:
        return exchange.get().principal

    def supply(self, present: Exchange) -> Principal | None:
        return present.principal


class _ExpectedVersion:
    """The dependency of `ExpectedVersion`; see `supplying`."""

    async def __call__(
        self,
        if_match: Annotated[
            str | None,
            Header(
                description='The ETag that the edit is based on, such as `"3"`; without it the edit is unconditional.'
            ),
        ] = None,
    ) -> int | None:
        return _version(if_match)

    def supply(self, present: Exchange) -> int | None:
        return _version(present.request.headers.get("if-match"))


def _version(if_match: str | None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    version = if_match.strip().removeprefix("W/").strip('"')
    if not version.isascii() or not version.isdigit() or len(version) > 18:  # noqa: PLR2004 -- digits of a bigint
        detail = 'If-Match carries the ETag of an earlier answer, such as "3".'
        raise MalformedRequest(detail)
    return int(version)


class _CartToken:
    """The dependency of `CartToken`; see `supplying`."""

    async def __call__(
        self,
        x_cart_token: Annotated[
            str | None,
            Header(alias="X-Cart-Token", description="The secret that came with the cart: who holds it owns the cart."),
        ] = None,
    ) -> str | None:
        return x_cart_token

    def supply(self, present: Exchange) -> str | None:
        return present.request.headers.get("x-cart-token")


StoreSession = Annotated[Session, Depends(_Session())]
"""The request's session: bound to the caller's store, committed by the route class and by nobody else."""

Caller = Annotated[Principal | None, Depends(_Caller())]
"""Who is calling; None on a route that is public."""


class _SignedIn:
    """The dependency of `SignedIn`; see `supplying`."""

    async def __call__(self) -> SessionOf:
        return self.supply(exchange.get())

    def supply(self, present: Exchange) -> SessionOf:
        session = present.principal.session if present.principal else None
        if session is None:
            detail = "This is for people who have signed in, and not for a token."
            raise Forbidden(detail)
        return session


SignedIn = Annotated[SessionOf, Depends(_SignedIn())]
"""The session of the person who is calling: of a member of staff, or of a store's customer."""


class _Staff:
    """The dependency of `Staff`; see `supplying`."""

    async def __call__(self) -> Principal:
        return self.supply(exchange.get())

    def supply(self, present: Exchange) -> Principal:
        principal = present.principal
        if principal is None or principal.session is None:
            detail = "This is for people who have signed in, and not for a token."
            raise Forbidden(detail)
        return principal


Staff = Annotated[Principal, Depends(_Staff())]
"""The member of staff who is calling, with what they may do where they are."""

ExpectedVersion = Annotated[int | None, Depends(_ExpectedVersion())]
"""The version in the request's If-Match, or None: what an edit must still find."""

CartToken = Annotated[str | None, Depends(_CartToken())]
"""The guest's proof that the cart is theirs."""
