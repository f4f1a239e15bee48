"""Products over HTTP, for shoppers' browsers. Each route is deployed as a Lambda of its own."""

from typing import Annotated

from fastapi import Depends

from shared.catalog.listing import ON_SALE
from shared.core.functions import Api
from shared.core.paging import InvalidListing, ListQuery, Page
from shared.core.request import StoreSession
from shared.inventory import shelf
from shared.inventory.schemas import ShelfProductOut

api = Api("catalog", prefix="/api/v1/storefront/products", audience="storefront")


@api.get("", public="Any shopper may see what is on sale.", raises=(InvalidListing,))
def browse_products(
    query: Annotated[ListQuery, Depends(ON_SALE.query)],
    session: StoreSession,
) -> Page[ShelfProductOut]:
    """List what is on sale, with variants, prices and whether they can be had now; the newest first."""
    found, page, total = shelf.list_products(session, query)
    return Page[ShelfProductOut](data=found, page=page, total=total)


@api.get("/{slug}", public="Any shopper may see what is on sale.")
def view_product(slug: str, session: StoreSession) -> ShelfProductOut:
    """Read one product that is on sale, by its slug."""
    return shelf.get_product(session, slug)


handler = api.lambda_handler()
