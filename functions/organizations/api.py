"""Opening organizations, and going to them, over HTTP. Each route is deployed as a Lambda of its own."""

from shared.core.errors import TooManyRequests
from shared.core.functions import Api
from shared.core.request import SignedIn, StoreSession
from shared.organizations import opening, places
from shared.organizations.joining import AddressNotVerified
from shared.organizations.schemas import OpenedStoreOut, OpenOrganization, PlaceOut, PlacesOut
from shared.stores.opening import SlugTaken

api = Api("organizations", prefix="/api/v1/organizations", audience="merchant")


@api.get("", signed_in="everybody may know where they work", tenant="person")
def list_organizations(session: StoreSession, signed_in: SignedIn) -> PlacesOut:
    """List the organizations that you work for, what you are there, and the stores that you may enter."""
    return PlacesOut(data=[PlaceOut.of(place) for place in places.places(session, signed_in.user_id)])


@api.post(
    "",
    status_code=201,
    signed_in="anybody whose address is verified may become a merchant",
    tenant="none",
    raises=(AddressNotVerified, SlugTaken, TooManyRequests),
)
def open_organization(organization: OpenOrganization, session: StoreSession, signed_in: SignedIn) -> OpenedStoreOut:
    """Open an organization with its first store; you own it. Enter it with PUT /session/place.

    The publishable key is for the storefront. A secret token is made when one is needed: POST /credentials.
    """
    return OpenedStoreOut.of(opening.open_organization(session, organization, user_id=signed_in.user_id))


handler = api.lambda_handler()
