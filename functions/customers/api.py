"""Customers over HTTP, for merchants and their integrations. Each route is deployed as a Lambda of its own."""

from typing import Annotated

from fastapi import Depends

from shared.core.errors import StaleVersion
from shared.core.functions import Api
from shared.core.paging import InvalidListing, ListQuery, Page
from shared.core.request import ExpectedVersion, StoreSession
from shared.core.typeids import CustomerId
from shared.customers import accounts
from shared.customers.accounts import ContactTaken
from shared.customers.schemas import CustomerOut, EditAccount

api = Api("customers", prefix="/api/v1/customers", audience="merchant")


@api.get("", permission="customer.read", raises=(InvalidListing,))
def list_customers(
    session: StoreSession,
    query: Annotated[ListQuery, Depends(accounts.CUSTOMERS.query)],
) -> Page[CustomerOut]:
    """List customers, the newest first; deleted ones only when you ask about `deleted_at`."""
    customers, page, total = accounts.list_customers(session, query)
    return Page(data=CustomerOut.all_of(customers), page=page, total=total)


@api.get("/{customer_id}", permission="customer.read")
def get_customer(customer_id: CustomerId, session: StoreSession) -> CustomerOut:
    """Read one customer. Their orders: `GET /orders?customer_id=`."""
    return CustomerOut.of(accounts.get(session, customer_id))


@api.patch("/{customer_id}", permission="customer.write", raises=(StaleVersion,))
def edit_customer(
    customer_id: CustomerId, wanted: EditAccount, session: StoreSession, expected: ExpectedVersion
) -> CustomerOut:
    """Change a customer's name or language. Contacts are theirs to change, since they prove who signs in."""
    return CustomerOut.of(accounts.edit(session, customer_id, wanted, expected_version=expected))


@api.post("/{customer_id}/disable", permission="customer.write")
def disable_customer(customer_id: CustomerId, session: StoreSession) -> CustomerOut:
    """Lock a customer out: they are signed out everywhere at once, and nothing signs them in again."""
    return CustomerOut.of(accounts.disable(session, customer_id))


@api.post("/{customer_id}/enable", permission="customer.write")
def enable_customer(customer_id: CustomerId, session: StoreSession) -> CustomerOut:
    """Let a customer sign in again."""
    return CustomerOut.of(accounts.enable(session, customer_id))


@api.delete("/{customer_id}", permission="customer.write", raises=(StaleVersion,))
def delete_customer(customer_id: CustomerId, session: StoreSession, expected: ExpectedVersion) -> CustomerOut:
    """Delete a customer, restorable for 90 days: signed out at once, their contacts free for another account."""
    return CustomerOut.of(accounts.delete(session, customer_id, expected_version=expected))


@api.post("/{customer_id}/restore", permission="customer.write", raises=(ContactTaken,))
def restore_customer(customer_id: CustomerId, session: StoreSession) -> CustomerOut:
    """Bring a deleted customer back, within 90 days."""
    return CustomerOut.of(accounts.restore(session, customer_id))


handler = api.lambda_handler()
