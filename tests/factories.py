"""Worlds for tests: `a_store()` is a new tenant, with callers for its merchant and its shoppers.

A test names only what it is about; whatever it does not name is the same everywhere.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from shared.core import database, ids
from shared.core.principal import Principal
from shared.identity import onboarding
from shared.search import keeping
from shared.stores.queries import get_store
from shared.stores.schemas import OpenStore
from shared.stores.settings import CommerceSettings
from tests.client import Client
from tests.staff import NOBODY, Person, a_person, join, own

_numbers = count(1)


@dataclass
class StoreUnderTest:
    """A store and its keys."""

    id: UUID
    slug: str
    publishable_key: str
    secret_token: str
    variants: dict[str, str] = field(default_factory=dict)  # SKU to variant id, as the wire has it

    @cached_property
    def merchant(self) -> Client:
        """A caller with the store's secret token, which has every scope."""
        return Client({"Authorization": f"Bearer {self.secret_token}"})

    @cached_property
    def shopper(self) -> Client:
        """A caller with the store's publishable key."""
        return Client({"X-Publishable-Key": self.publishable_key})

    def variant(self, sku: str) -> str:
        """Return the id of the variant with that SKU, as the wire has it."""
        return self.variants[sku]

    def variant_id(self, sku: str) -> UUID:
        """Return the id of the variant with that SKU, as the database has it."""
        return ids.decode("var", self.variants[sku])

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a transaction of this store, as a consumer has it."""
        with database.transaction(self.id, principal=Principal(kind="system", id="test")) as session:
            yield session

    def show(self) -> None:
        """Let shoppers see what is on sale now, as events do within a second or two where the system runs."""
        stretch: keeping.Stretch | None = keeping.Stretch()
        while stretch is not None:
            with self.session() as session:
                stretch = keeping.go_through(session, stretch)

    def token(self, *scopes: str) -> Client:
        """Return a caller with a new secret token of these scopes alone."""
        issued = self.merchant.post("/credentials", json={"name": "Test", "scopes": list(scopes)})
        return self.bearer(issued.json()["token"])

    @staticmethod
    def bearer(token: str) -> Client:
        """Return a caller with a secret token."""
        return Client({"Authorization": f"Bearer {token}"})

    @cached_property
    def organization_id(self) -> UUID:
        """The organization that the store belongs to."""
        with self.session() as session:
            return get_store(session).organization_id

    @cached_property
    def owner(self) -> Person:
        """The organization's owner, who has entered the store; nobody owns it until a test asks."""
        owner = own(a_person("Rahima"), self.organization_id)
        return owner.at(organization_id=self.organization_id, store_id=self.id)

    def staff(
        self,
        role: str = "member",
        *,
        permissions: Iterable[str] | None = None,
        limits: Mapping[str, int] | None = None,
        store_ids: Iterable[UUID] | None = None,
    ) -> Person:
        """Return somebody who works for the store's organization and has entered the store.

        With `permissions` they have a role of the organization's own, which `limits` by amounts.
        """
        assert self.owner.member_id != NOBODY  # an organization with members has an owner
        member = join(
            a_person("Karim"),
            self.organization_id,
            role=role,
            permissions=permissions,
            limits=limits,
            store_ids=store_ids,
        )
        return member.at(organization_id=self.organization_id, store_id=self.id)

    def stock(self, sku: str) -> dict[str, Any]:
        """Return the stock level of a variant, as the merchant reads it."""
        read: dict[str, Any] = self.merchant.get(f"/inventory/{self.variants[sku]}").json()
        return read


def a_store(
    *,
    stock: Mapping[str, int] | None = None,
    price: Mapping[str, int] | None = None,
    settings: Mapping[str, Any] | None = None,
    **facts: Any,
) -> StoreUnderTest:
    """Open a store; with `stock`, one product a SKU, for 10.00 unless `price` says otherwise (minor units).

    The pytest fixture `application` must be active: ask for it, or for `watch`.
    """
    number = next(_numbers)
    request = OpenStore(
        name=f"Test store {number}",
        slug=f"test-{number}-{ids.new_id().hex[-12:]}",
        owner_email="owner@shop.test",
        settings=CommerceSettings.model_validate(settings or {}),
        **facts,
    )
    with database.transaction(principal=Principal(kind="system", id="test")) as session:
        opened = onboarding.onboard(session, request)
        store = StoreUnderTest(opened.store.id, opened.store.slug, opened.publishable_key, opened.secret_token)
    for sku, quantity in (stock or {}).items():
        add_product(store, sku, price=(price or {}).get(sku, 1000), stock=quantity)
    return store


def add_product(store: StoreUnderTest, sku: str, *, price: int = 1000, stock: int = 0, **variant: Any) -> None:
    """Put one product with one variant on sale."""
    created = store.merchant.post(
        "/products",
        json={
            "title": f"Product {sku}",
            "status": "active",
            "variants": [{"sku": sku, "price": price, **variant}],
        },
    )
    assert created.status_code == 201, created.text
    store.variants[sku] = created.json()["variants"][0]["id"]
    if stock:
        counted = store.merchant.post(
            f"/inventory/{store.variants[sku]}/adjustments",
            json={"delta": stock, "kind": "initial", "reason": "First count"},
            key=True,
        )
        assert counted.status_code == 201, counted.text
