"""What an endpoint may ask for by its parameters: the session, who is calling, and the version that an edit expects."""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header
from sqlalchemy.orm import Session

from shared.core.errors import MalformedRequest
from shared.core.principal import Principal


@dataclass
class Exchange:
    """One request on its way: set by the route class, read by the endpoint's parameters."""

    session: Session
    principal: Principal | None
    etag: str | None = None


exchange: ContextVar[Exchange] = ContextVar("exchange")


async def _session() -> Session:
    return exchange.get().session


async def _caller() -> Principal | None:
    return exchange.get().principal


async def _expected_version(
    if_match: Annotated[
        str | None,
        Header(description='The ETag that the edit is based on, such as `"3"`; without it the edit is unconditional.'),
    ] = None,
) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    version = if_match.strip().removeprefix("W/").strip('"')
    if not version.isascii() or not version.isdigit() or len(version) > 18:  # noqa: PLR2004 -- digits of a bigint
        detail = 'If-Match carries the ETag of an earlier answer, such as "3".'
        raise MalformedRequest(detail)
    return int(version)


StoreSession = Annotated[Session, Depends(_session)]
"""The request's session: bound to the caller's store, committed by the route class and by nobody else."""

Caller = Annotated[Principal | None, Depends(_caller)]
"""Who is calling; None on a route that is public."""

ExpectedVersion = Annotated[int | None, Depends(_expected_version)]
"""The version in the request's If-Match, or None: what an edit must still find."""

CartToken = Annotated[
    str | None,
    Header(alias="X-Cart-Token", description="The secret that came with the cart: who holds it owns the cart."),
]
"""The guest's proof that the cart is theirs."""
