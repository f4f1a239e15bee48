"""Carts over HTTP, for shoppers' browsers. Each route is deployed as a Lambda of its own."""

from fastapi import Response

from shared.carts import filling, viewing
from shared.carts.documents import CartClosed
from shared.carts.filling import CartFull
from shared.carts.goods import NotSold
from shared.carts.schemas import CartOut, CreateCart, NewCartOut, SetQuantity, Wanted
from shared.core.errors import NotFound, StaleVersion
from shared.core.functions import Api
from shared.core.request import CartToken, ExpectedVersion, StoreSession
from shared.core.typeids import CartId, CartLineId
from shared.pricing.cart import TotalTooLarge

api = Api("carts", prefix="/api/v1/storefront/carts", audience="storefront")

GUEST = "The cart's own token is asked for: who holds it owns the cart."


@api.post("", status_code=201, public="Any shopper may take a cart.", raises=(NotSold, CartFull, TotalTooLarge))
def create_cart(session: StoreSession, response: Response, cart: CreateCart | None = None) -> NewCartOut:
    """Take a new cart, empty or with first lines.

    Keep `token` (it is in the header X-Cart-Token, too): no other answer has it, and all other requests need it.
    """
    seen, token = filling.create(session, cart.lines if cart else [])
    response.headers["X-Cart-Token"] = token
    return NewCartOut(**dict(viewing.present(seen)), token=token)


@api.get("/{cart_id}", public=GUEST, raises=(NotFound, TotalTooLarge))
def get_cart(cart_id: CartId, session: StoreSession, token: CartToken) -> CartOut:
    """Read the cart at this moment's prices; a line warns when its price has changed or its stock runs out."""
    return viewing.present(viewing.read(session, cart_id, token))


@api.post(
    "/{cart_id}/lines",
    public=GUEST,
    raises=(NotFound, NotSold, CartFull, CartClosed, StaleVersion, TotalTooLarge),
)
def add_line(
    cart_id: CartId, wanted: Wanted, session: StoreSession, expected: ExpectedVersion, token: CartToken
) -> CartOut:
    """Put so many of a variant into the cart; if it is in it already, its quantity grows."""
    return viewing.present(filling.add_line(session, cart_id, token, wanted, expected_version=expected))


@api.patch("/{cart_id}/lines/{line_id}", public=GUEST, raises=(NotFound, CartClosed, StaleVersion, TotalTooLarge))
def set_quantity(  # noqa: PLR0913, PLR0917 -- FastAPI passes by name what the request carries
    cart_id: CartId,
    line_id: CartLineId,
    change: SetQuantity,
    session: StoreSession,
    expected: ExpectedVersion,
    token: CartToken,
) -> CartOut:
    """Set how many of a line are wanted; 0 removes it."""
    seen = filling.set_quantity(session, cart_id, token, line_id, quantity=change.quantity, expected_version=expected)
    return viewing.present(seen)


@api.delete("/{cart_id}/lines/{line_id}", public=GUEST, raises=(NotFound, CartClosed, StaleVersion, TotalTooLarge))
def remove_line(
    cart_id: CartId, line_id: CartLineId, session: StoreSession, expected: ExpectedVersion, token: CartToken
) -> CartOut:
    """Take a line out of the cart."""
    return viewing.present(
        filling.set_quantity(session, cart_id, token, line_id, quantity=0, expected_version=expected)
    )


handler = api.lambda_handler()
