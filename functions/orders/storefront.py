"""Orders over HTTP, for guests: by the link that came with the confirmation, and by nothing else."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import HTMLResponse

from shared.core import tenancy
from shared.core.functions import Api
from shared.core.request import StoreSession
from shared.core.typeids import OrderId
from shared.orders import guest_links, guest_page, queries
from shared.orders.guest_links import LinkExpired
from shared.orders.guest_schemas import GuestOrderOut

api = Api("orders", prefix="/api/v1/storefront/orders", audience="storefront")

PROOF = "The signed token in the link is the guest's proof."

Token = Annotated[str, Query(max_length=100, description="The token of the link that came with the confirmation.")]


@api.get("/{order_id}", public=PROOF, raises=(LinkExpired,))
def get_guest_order(order_id: OrderId, session: StoreSession, token: Token) -> GuestOrderOut:
    """Read the order of a guest who holds its link. A forged token answers 404, an expired one 410."""
    guest_links.require(tenancy.require_store(session), order_id, token)
    return GuestOrderOut.of(queries.get_order(session, order_id))


@api.get("/{order_id}/page", public=PROOF, raises=(LinkExpired,), produces=("text/html",))
def show_guest_order(order_id: OrderId, session: StoreSession, token: Token) -> HTMLResponse:
    """Show the order of a guest who holds its link, as a page for people."""
    guest_links.require(tenancy.require_store(session), order_id, token)
    return HTMLResponse(guest_page.render(queries.get_order(session, order_id)), headers=guest_page.HEADERS)


handler = api.lambda_handler()
