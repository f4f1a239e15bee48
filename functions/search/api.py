"""What shoppers are shown, over HTTP, for merchants. Each route is deployed as a Lambda of its own."""

from typing import Annotated

from fastapi import Query

from shared.core.functions import Api
from shared.core.request import StoreSession
from shared.search import misses, rebuilding
from shared.search.finding_schemas import SearchMissList
from shared.search.schemas import Rebuilding

api = Api("search", prefix="/api/v1/search", audience="merchant")


@api.post("/rebuild", status_code=202, permission="product.publish")
def rebuild_storefront(session: StoreSession) -> Rebuilding:
    """Make everything that shoppers are shown of products anew, in the background.

    Changes show by themselves within seconds; this is for when something looks wrong. 10,000 products take a minute.
    """
    return rebuilding.request(session)


@api.get("/misses", permission="analytics.view")
def list_misses(
    session: StoreSession,
    days: Annotated[int, Query(ge=1, le=misses.KEPT.days, description="Of how many days, today included.")] = 30,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> SearchMissList:
    """List what shoppers searched in vain, the most frequent first: what the store lacks, or calls otherwise.

    Kept for 90 days, at most 500 texts a day, and none that could be a phone number or an e-mail address.
    """
    return misses.report(session, days=days, limit=limit)


handler = api.lambda_handler()
