"""A customer's own account over HTTP, for shoppers' browsers. Each route is deployed as a Lambda of its own."""

from typing import Annotated

from fastapi import Depends

from shared.core.errors import StaleVersion, StepUpRequired, TooManyRequests
from shared.core.functions import Api
from shared.core.paging import InvalidListing, ListQuery, Page
from shared.core.passwords import PasswordRefused
from shared.core.request import ExpectedVersion, SignedIn, StoreSession
from shared.core.typeids import AddressId, OrderId
from shared.customers import accounts, addresses, contact_change, own_orders, password_setting, proving
from shared.customers.accounts import ContactTaken
from shared.customers.addresses import TooManyAddresses
from shared.customers.codes import CodeRefused
from shared.customers.password_setting import CurrentPasswordRefused
from shared.customers.schemas import (
    AccountOut,
    AddContact,
    AddressesOut,
    AddressOut,
    ClaimedOut,
    CodeOut,
    EditAccount,
    NewAddress,
    SetPassword,
    ShownCode,
)
from shared.orders import queries
from shared.orders.guest_schemas import GuestOrderOut, OwnOrderSummaryOut

api = Api("customers", prefix="/api/v1/storefront/account", audience="storefront")

OWN = "A customer's account is their own."


@api.get("", signed_in=OWN)
def get_account(session: StoreSession, signed_in: SignedIn) -> AccountOut:
    """Read your account."""
    return AccountOut.of(accounts.get(session, signed_in.user_id))


@api.patch("", signed_in=OWN, raises=(StaleVersion,))
def edit_account(
    wanted: EditAccount, session: StoreSession, signed_in: SignedIn, expected: ExpectedVersion
) -> AccountOut:
    """Change your name or language; what is absent stays, null takes it away."""
    return AccountOut.of(accounts.edit(session, signed_in.user_id, wanted, expected_version=expected))


@api.delete("", signed_in=OWN, raises=(StepUpRequired, StaleVersion))
def delete_account(session: StoreSession, signed_in: SignedIn, expected: ExpectedVersion) -> AccountOut:
    """Delete your account and sign out everywhere; the shop can undo it for 90 days, and keeps the orders.

    Asks for a sign-in within five minutes.
    """
    proving.require_fresh(signed_in)
    return AccountOut.of(accounts.delete(session, signed_in.user_id, expected_version=expected))


@api.put(
    "/password",
    signed_in=OWN,
    raises=(PasswordRefused, CurrentPasswordRefused, StepUpRequired, TooManyRequests),
    memory=1024,  # MB: argon2 wants a whole core for a moment
)
def set_account_password(wanted: SetPassword, session: StoreSession, signed_in: SignedIn) -> AccountOut:
    """Set or change your password; your other sessions end. A forgotten one: sign in by a code, then set another.

    Asks for the present password, or for a sign-in by code within five minutes.
    """
    return AccountOut.of(password_setting.set_password(session, signed_in, wanted))


@api.post("/contacts", status_code=202, signed_in=OWN, raises=(StepUpRequired, TooManyRequests))
def change_account_contact(wanted: AddContact, session: StoreSession, signed_in: SignedIn) -> CodeOut:
    """Have a code sent to another e-mail address or phone number of yours. Asks for a sign-in within five minutes."""
    return CodeOut.of(contact_change.request(session, signed_in, wanted))


@api.post("/contacts/confirm", signed_in=OWN, raises=(CodeRefused, ContactTaken, TooManyRequests))
def confirm_account_contact(shown: ShownCode, session: StoreSession, signed_in: SignedIn) -> AccountOut:
    """Show the code: the contact takes the place of the present one of its kind, which is told."""
    return AccountOut.of(contact_change.confirm(session, signed_in, shown.code_id, shown.code))


@api.get("/addresses", signed_in=OWN)
def list_account_addresses(session: StoreSession, signed_in: SignedIn) -> AddressesOut:
    """Read your address book, the default first. `address` is what a checkout takes."""
    found = addresses.list_addresses(session, signed_in.user_id)
    return AddressesOut(data=[AddressOut.of(one) for one in found])


@api.post("/addresses", status_code=201, signed_in=OWN, raises=(TooManyAddresses,))
def add_account_address(wanted: NewAddress, session: StoreSession, signed_in: SignedIn) -> AddressOut:
    """Put an address into your book: 50 at most, and the first is the default."""
    return AddressOut.of(addresses.add(session, signed_in.user_id, wanted))


@api.put("/addresses/{address_id}", signed_in=OWN, raises=(StaleVersion,))
def replace_account_address(
    address_id: AddressId,
    wanted: NewAddress,
    session: StoreSession,
    signed_in: SignedIn,
    expected: ExpectedVersion,
) -> AddressOut:
    """Put another address in the place of one of yours. The default stays it until another becomes it."""
    changed = addresses.replace(session, signed_in.user_id, address_id, wanted, expected_version=expected)
    return AddressOut.of(changed)


@api.delete("/addresses/{address_id}", signed_in=OWN)
def remove_account_address(address_id: AddressId, session: StoreSession, signed_in: SignedIn) -> AddressOut:
    """Take an address out of your book, for good."""
    return AddressOut.of(addresses.remove(session, signed_in.user_id, address_id))


@api.get("/orders", signed_in=OWN, raises=(InvalidListing,))
def list_account_orders(
    session: StoreSession,
    signed_in: SignedIn,
    query: Annotated[ListQuery, Depends(queries.OWN_ORDERS.query)],
) -> Page[OwnOrderSummaryOut]:
    """List your orders, the newest first: those that you placed signed in, and those that you have claimed."""
    orders, page, total = queries.list_orders_of(session, signed_in.user_id, query)
    return Page(data=OwnOrderSummaryOut.all_of(orders), page=page, total=total)


@api.post("/orders/claims", signed_in=OWN)
def claim_account_orders(session: StoreSession, signed_in: SignedIn) -> ClaimedOut:
    """Take over orders that a guest placed with an e-mail address or phone that you have proven; 200 at once.

    Happens by itself at each sign-in by code.
    """
    return ClaimedOut(order_ids=own_orders.claim(session, signed_in.user_id))


@api.get("/orders/{order_id}", signed_in=OWN)
def get_account_order(order_id: OrderId, session: StoreSession, signed_in: SignedIn) -> GuestOrderOut:
    """Read one of your orders."""
    return GuestOrderOut.of(queries.get_order_of(session, signed_in.user_id, order_id))


handler = api.lambda_handler()
