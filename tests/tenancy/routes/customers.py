"""Calls of customers: as one of the store's own, and as its merchant."""

import re
from dataclasses import dataclass
from itertools import count
from typing import Any

from sqlalchemy import select

from shared.core import ids
from shared.messaging.models import QueuedMessage
from tests.client import Client
from tests.tenancy.calls import Call
from tests.tenancy.routes.registry import calls, simple
from tests.tenancy.world import Ref, World

_networks = count(1)  # each sign-in comes from another one: there are more of them here than one may have

PASSWORD = "seven mangoes on a boat"
CASH = {"payment_method": "cash_on_delivery"}


@dataclass
class Customer:
    """A customer of a world's store who is signed in."""

    id: str
    session_id: str
    access: str
    refresh: str
    email: str

    publishable_key: str

    @property
    def headers(self) -> dict[str, str]:
        """What goes with every request of theirs."""
        return {"Authorization": f"Bearer {self.access}"}

    @property
    def client(self) -> Client:
        """The customer as a caller."""
        return Client(self.headers | {"X-Publishable-Key": self.publishable_key})


def shopper(world: World) -> Client:
    """Return a shopper from a network that nobody else comes from."""
    number = next(_networks)
    return Client(world.store.shopper.headers, source_ip=f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}")


def asked(world: World, email: str, **facts: str) -> dict[str, str]:
    """Register an address; return the code that came, as a sign-in takes it."""
    body = {"email": email, "name": f"Rahima {world.word}", **facts}
    code_id = world.made(shopper(world).post("/storefront/customers", json=body))["id"]
    return {"code_id": code_id, "code": code_in_the_mail(world, code_id)}


def code_in_the_mail(world: World, code_id: str) -> str:
    """Return the code that was sent."""
    key = f"customer_code:{ids.decode('ccode', code_id)}"
    with world.store.session() as session:
        message = session.scalars(select(QueuedMessage).where(QueuedMessage.dedupe_key == key)).one()
        found = re.search(r"\b\d{6}\b", (message.content or {})["text"])
    assert found is not None
    return found[0]


def customer(world: World, **facts: str) -> Customer:
    """Sign a new customer in."""
    email = f"{world.new_name()}@shop.test"
    told = world.made(shopper(world).post("/storefront/sessions", json=asked(world, email, **facts)))
    tokens = told["access_token"], told["refresh_token"]
    return Customer(told["account"]["id"], told["session_id"], *tokens, email, world.store.publishable_key)


def address(world: World) -> dict[str, Any]:
    """Return an address whose every text is this store's own."""
    return {"line1": f"House {world.word}", "city": f"Town {world.word}"}


def address_of(world: World, one: Customer) -> str:
    """Put an address into a customer's book; return its id."""
    path = "/storefront/account/addresses"
    made = world.made(world.store.shopper.post(path, json=address(world), headers=one.headers))
    address_id: str = made["id"]
    return address_id


def bought_by(world: World, one: Customer) -> str:
    """Buy something as a customer; return the order's id."""
    cart = world.cart()
    path = f"/storefront/checkouts/{world.checkout(cart)}/complete"
    headers = cart.guest | one.headers
    order_id: str = world.made(world.store.shopper.post(path, json=CASH, headers=headers, key=True))["order"]["id"]
    return order_id


simple("customers-register-customer", lambda world: Call(json={"email": f"{world.new_name()}@shop.test"}))
simple("customers-request-sign-in-code", lambda world: Call(json={"email": f"{world.new_name()}@shop.test"}))
simple("customers-sign-in-customer", lambda world: Call(json=asked(world, f"{world.new_name()}@shop.test")))


@calls("customers-sign-in-customer")
def by_password(world: World) -> Call:
    return Call(json={"email": customer(world, password=PASSWORD).email, "password": PASSWORD})


simple(
    "customers-refresh-customer-session", lambda world: Call(json={"refresh_token": customer(world).refresh})
)  # what another store's does here: tests/customers/test_sessions.py


def _as_customer(route: str, **facts: Any) -> None:
    simple(route, lambda world: Call(by=customer(world).client, **facts))


_as_customer("customers-list-customer-sessions")
_as_customer("customers-sign-out-customer")
_as_customer("customers-sign-out-customer-everywhere")
_as_customer("customers-get-account")
_as_customer("customers-delete-account")
_as_customer("customers-list-account-addresses")
_as_customer("customers-list-account-orders")
_as_customer("customers-claim-account-orders")


@calls("customers-end-customer-session")
def of_ones_own(world: World) -> Call:
    one = customer(world)
    return Call(path={"session_id": one.session_id}, by=one.client)


@calls("customers-edit-account")
def by_name(world: World) -> Call:
    return Call(by=customer(world).client, json={"name": f"Begum {world.new_name()}"})


@calls("customers-set-account-password")
def after_a_code(world: World) -> Call:
    return Call(by=customer(world).client, json={"password": PASSWORD})


@calls("customers-change-account-contact")
def to_another_address(world: World) -> Call:
    return Call(by=customer(world).client, json={"email": f"{world.new_name()}@shop.test"})


@calls("customers-confirm-account-contact")
def with_the_code_that_came(world: World) -> Call:
    one = customer(world)
    body = {"email": f"{world.new_name()}@shop.test"}
    sent = shopper(world).post("/storefront/account/contacts", json=body, headers=one.headers)
    code_id = world.made(sent)["id"]
    return Call(by=one.client, json={"code_id": code_id, "code": code_in_the_mail(world, code_id)})


@calls("customers-add-account-address")
def to_ones_book(world: World) -> Call:
    return Call(by=customer(world).client, json=address(world))


@calls("customers-replace-account-address")
def of_ones_book(world: World) -> Call:
    one = customer(world)
    new = {**address(world), "line1": f"Road {world.new_name()}"}
    return Call(path={"address_id": address_of(world, one)}, by=one.client, json=new)


@calls("customers-remove-account-address")
def from_ones_book(world: World) -> Call:
    one = customer(world)
    return Call(path={"address_id": address_of(world, one)}, by=one.client)


@calls("customers-get-account-order")
def that_one_placed(world: World) -> Call:
    one = customer(world)
    return Call(path={"order_id": bought_by(world, one)}, by=one.client)


@calls("customers-list-account-orders")
def own_orders_from_a_cursor_on(world: World) -> Call:
    one = customer(world)
    for _ in range(2):
        bought_by(world, one)
    page = world.store.shopper.get("/storefront/account/orders", params={"limit": 1}, headers=one.headers)
    cursor = Ref(world.made(page)["page"]["next_cursor"])
    return Call(query={"limit": "1", "cursor": cursor}, by=one.client, narrows=True)


@calls("checkout-complete-checkout")
def by_a_customer(world: World) -> Call:
    cart = world.cart()
    path = {"checkout_id": world.checkout(cart)}
    return Call(path=path, headers=cart.guest, by=customer(world).client, json=CASH)


@calls("orders-list-orders")
def of_a_customer(world: World) -> Call:
    one = customer(world)
    bought_by(world, one)
    return Call(query={"customer_id": one.id}, narrows=True)


simple("customers-list-customers", lambda _: Call())
simple("customers-get-customer", lambda world: Call(path={"customer_id": customer(world).id}))
simple("customers-delete-customer", lambda world: Call(path={"customer_id": customer(world).id}))
simple("customers-disable-customer", lambda world: Call(path={"customer_id": customer(world).id}))
simple("customers-enable-customer", lambda world: Call(path={"customer_id": customer(world).id}))


@calls("customers-list-customers")
def of_an_email_address(world: World) -> Call:
    return Call(query={"email": Ref(customer(world).email)}, narrows=True)


@calls("customers-list-customers")
def customers_from_a_cursor_on(world: World) -> Call:
    for _ in range(2):
        customer(world)
    page = world.made(world.store.merchant.get("/customers", params={"limit": 1}))["page"]
    return Call(query={"limit": "1", "cursor": Ref(page["next_cursor"])}, narrows=True)


@calls("customers-edit-customer")
def by_its_id_and_name(world: World) -> Call:
    return Call(path={"customer_id": customer(world).id}, json={"name": f"Begum {world.new_name()}"})


@calls("customers-restore-customer")
def who_was_deleted(world: World) -> Call:
    one = customer(world)
    world.made(world.store.merchant.delete(f"/customers/{one.id}"))
    return Call(path={"customer_id": one.id})
