"""The store over HTTP, for its shoppers' browsers. Each route is deployed as a Lambda of its own."""

from typing import Annotated

from fastapi import Header, Response

from shared.core import cors
from shared.core.functions import Api, Cached
from shared.core.money import EXPONENTS
from shared.core.request import StoreSession
from shared.stores import queries
from shared.stores.schemas import StorefrontOut

api = Api("stores", prefix="/api/v1/storefront", audience="storefront")


@api.get("/store", public="Any shopper may see whose shop this is.", cached=Cached(seconds=86_400))
def get_storefront(session: StoreSession) -> StorefrontOut:
    """Read the store's name, currency, language, country and time zone."""
    facts = queries.present_store(session)
    return StorefrontOut(
        id=facts.id,
        slug=facts.slug,
        name=facts.name,
        currency=facts.currency,
        currency_exponent=EXPONENTS[facts.currency],
        locale=facts.locale,
        country=facts.country,
        time_zone=facts.time_zone,
    )


@api.options(
    "/{path:path}",
    public="A browser asks before it sends credentials, so there are none.",
    tenant="none",
    status_code=204,
)
def answer_preflight(path: str, session: StoreSession, origin: Annotated[str, Header(max_length=300)] = "") -> Response:  # noqa: ARG001 -- the route's own
    """Tell a browser whether a page of this origin may call the storefront API: some store must allow it.

    Which store it is, the request itself says; its answer is readable only where that store allows the origin.
    """
    return cors.preflight(origin, allowed=queries.origin_is_allowed(session, origin))


handler = api.lambda_handler()
