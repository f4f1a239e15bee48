"""Shoppers for the tests of customers: they get codes as people do, and sign in with them."""

import re
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import select

from shared.core import ids
from shared.messaging.models import QueuedMessage
from tests.client import Answer, Client
from tests.database import Sql
from tests.factories import StoreUnderTest

GOOD_PASSWORD = "seven mangoes on a boat"
_numbers = count(1)


@dataclass
class Customer:
    """A customer who is signed in."""

    store: StoreUnderTest
    told: dict[str, Any]
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        """Send the access token with every request."""
        self.client = signed_in(self.store, self.access)

    @property
    def access(self) -> str:
        """The access token."""
        token: str = self.told["access_token"]
        return token

    @property
    def refresh(self) -> str:
        """The refresh token."""
        token: str = self.told["refresh_token"]
        return token

    @property
    def id(self) -> str:
        """The id on the wire."""
        customer_id: str = self.told["account"]["id"]
        return customer_id

    @property
    def uuid(self) -> UUID:
        """The id as the database has it."""
        return ids.decode("cust", self.id)


def a_phone() -> str:
    """Return a number that no test has used."""
    return f"+88017{next(_numbers):08}"


def an_email() -> str:
    """Return an address that no test has used."""
    return f"shopper-{next(_numbers)}@mail.test"


def signed_in(store: StoreUnderTest, access: str) -> Client:
    """Return a caller with an access token."""
    return Client({"X-Publishable-Key": store.publishable_key, "Authorization": f"Bearer {access}"})


def messages(store: StoreUnderTest, purpose: str = "customer_code") -> list[tuple[str, str, str]]:
    """Return what was sent for a purpose, in order: channel, recipient, text."""
    with store.session() as session:
        found = session.scalars(
            select(QueuedMessage).where(QueuedMessage.purpose == purpose).order_by(QueuedMessage.id)
        ).all()
        return [(one.channel.value, one.recipient or "", (one.content or {})["text"]) for one in found]


def code_of(store: StoreUnderTest, asked: Answer) -> dict[str, str]:
    """Return the code that came, with its id, as a sign-in takes it."""
    assert asked.status_code == 202, asked.text
    code_id: str = asked.json()["id"]
    key = f"customer_code:{ids.decode('ccode', code_id)}"
    with store.session() as session:
        message = session.scalars(select(QueuedMessage).where(QueuedMessage.dedupe_key == key)).one()
        found = re.search(r"\b\d{6}\b", (message.content or {})["text"])
    assert found is not None
    return {"code_id": code_id, "code": found[0]}


def ask(store: StoreUnderTest, **contact: str) -> Answer:
    """Ask for a code to sign in with."""
    return store.shopper.post("/storefront/sessions/codes", json=contact)


def sign_in(store: StoreUnderTest, **contact: str) -> Customer:
    """Sign in by a code; a contact without an account gets one."""
    shown = code_of(store, ask(store, **contact))
    return customer_of(store, store.shopper.post("/storefront/sessions", json=shown))


def register(store: StoreUnderTest, **facts: str) -> Customer:
    """Register, and show the code that comes."""
    shown = code_of(store, store.shopper.post("/storefront/customers", json=facts))
    return customer_of(store, store.shopper.post("/storefront/sessions", json=shown))


def customer_of(store: StoreUnderTest, answer: Answer) -> Customer:
    """Return who has signed in with this answer."""
    assert answer.status_code == 201, answer.text
    return Customer(store, answer.json())


def wrong(code: str) -> str:
    """Return another code."""
    return f"{(int(code) + 1) % 10**6:06}"


def refused(answer: Answer) -> tuple[int, str]:
    """Return what a refusal is told apart by."""
    return answer.status_code, answer.json()["code"]


def audited(sql: Sql, store: StoreUnderTest, action: str) -> list[dict[str, Any]]:
    """Return the store's audit entries of an action, in order."""
    return sql("select * from audit_entries where store_id = %s and action = %s order by id", store.id, action)


def told(sql: Sql, store: StoreUnderTest, prefix: str = "customer.") -> list[tuple[str, int]]:
    """Return types and versions of the store's events whose type begins so."""
    found = sql(
        "select type, entity_version from domain_events where store_id = %s and starts_with(type, %s) order by id",
        store.id,
        prefix,
    )
    return [(row["type"], row["entity_version"]) for row in found]
