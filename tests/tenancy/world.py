"""A store that has something of everything, and whose texts all hold a word that no other store's texts hold.

Each method makes a new thing over the API, so that a call may use it up.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from itertools import count
from typing import Any

from shared.core import clock, credentials, ids
from shared.core.permissions import PERMISSIONS, SUPERUSER
from tests.client import Answer, Client
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store
from tests.staff import Person

_worlds = count(1)
PLENTY = 100_000  # units: no call is refused for want of stock


class Ref(str):
    """A text that names something of one store and looks like no id: a slug, an SKU, a token, a cursor."""

    __slots__ = ()


@dataclass
class Cart:
    """A guest's cart, and the secret that owns it."""

    id: str
    line_id: str
    token: Ref

    @property
    def guest(self) -> dict[str, str]:
        """The header by which the guest owns the cart."""
        return {"X-Cart-Token": self.token}


@dataclass
class World:
    """A store with everything in it."""

    store: StoreUnderTest
    word: str  # stands in each text of this store, and nowhere else
    phone: Ref
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _expired: tuple[str, str] | None = None

    def new_name(self) -> str:
        """Return a name that this store has not used yet."""
        return f"{self.word}-{next(self._numbers)}"

    @cached_property
    def product(self) -> dict[str, Any]:
        """A product that stays as it is."""
        return self.new_product()

    @property
    def variant_id(self) -> str:
        """The id of a variant that stays on sale."""
        variant_id: str = self.product["variants"][0]["id"]
        return variant_id

    @property
    def sku(self) -> Ref:
        """The SKU of that variant."""
        return Ref(self.product["variants"][0]["sku"])

    @property
    def slug(self) -> Ref:
        """The address of that variant's product."""
        return Ref(self.product["slug"])

    def new_variant(self) -> dict[str, Any]:
        """Return the request for a variant."""
        name = self.new_name()
        return {"sku": name, "title": f"Size {name}", "price": 1000, "stock": PLENTY}

    def new_product(self) -> dict[str, Any]:
        """Put a product with two variants on sale."""
        name = self.new_name()
        variants = [self.new_variant(), self.new_variant()]
        wanted = {"title": f"Mug {name}", "description": f"Of {name}", "status": "active", "variants": variants}
        product: dict[str, Any] = self.made(self.store.merchant.post("/products", json=wanted))
        return product

    @property
    def buyer(self) -> dict[str, Any]:
        """A buyer whose every text is this store's own."""
        word = self.word
        return {
            "contact": {"name": f"Rahima {word}", "phone": str(self.phone), "email": f"{word}@shop.test"},
            "shipping_address": {"line1": f"House {word}", "city": "Dhaka"},
            "note": f"Ring twice, {word}",
        }

    def cart(self) -> Cart:
        """Take a cart with one line."""
        lines = {"lines": [{"variant_id": self.variant_id, "quantity": 2}]}
        made = self.made(self.store.shopper.post("/storefront/carts", json=lines))
        return Cart(made["id"], made["lines"][0]["id"], Ref(made["token"]))

    def checkout(self, cart: Cart) -> str:
        """Start a checkout of a cart; return its id."""
        wanted = self.buyer | {"cart_id": cart.id}
        checkout_id: str = self.made(self.store.shopper.post("/storefront/checkouts", json=wanted, headers=cart.guest))[
            "id"
        ]
        return checkout_id

    def order(self) -> dict[str, Any]:
        """Place an order in one call."""
        wanted = self.buyer | {"lines": [{"variant_id": self.variant_id, "quantity": 2}]}
        order: dict[str, Any] = self.made(self.store.merchant.post("/orders", json=wanted, key=True))
        return order

    def bought(self) -> dict[str, Any]:
        """Buy something as a guest does; return the completed checkout, with the link to its order."""
        cart = self.cart()
        path = f"/storefront/checkouts/{self.checkout(cart)}/complete"
        payment = {"payment_method": "cash_on_delivery"}
        completed = self.store.shopper.post(path, json=payment, headers=cart.guest, key=True)
        told: dict[str, Any] = self.made(completed)
        return told

    def cursor(self, path: str) -> Ref:
        """Return the cursor of the second page of a list that has one."""
        for _ in range(2):  # whatever it lists, there is a second one
            self.bought()
            self.new_product()
        self.store.show()
        client = self.store.shopper if path.startswith("/storefront") else self.store.merchant
        page = self.made(client.get(path, params={"limit": 1}))["page"]
        assert page["has_more"], path
        return Ref(page["next_cursor"])

    def credential(self) -> tuple[str, str]:
        """Issue a token of all scopes; return its id and its text."""
        wanted = {"name": f"Till {self.word}", "scopes": sorted(PERMISSIONS)}
        issued = self.made(self.store.merchant.post("/credentials", json=wanted))
        return issued["credential"]["id"], issued["token"]

    def token_without(self, permission: str) -> str:
        """Issue a token of every scope but one, and but the one that contains all."""
        scopes = sorted(PERMISSIONS.keys() - {permission, SUPERUSER})
        issued = self.made(self.store.merchant.post("/credentials", json={"name": "Less", "scopes": scopes}))
        token: str = issued["token"]
        return token

    @cached_property
    def revoked(self) -> tuple[str, str]:
        """A secret token and a publishable key that were revoked."""
        (token_id, token), (key_id, key) = self.credential(), self._publishable()
        for credential_id in (token_id, key_id):
            self.made(self.store.merchant.delete(f"/credentials/{credential_id}"))
        return token, key

    def expired(self, sql: Sql) -> tuple[str, str]:
        """Return a secret token and a publishable key whose time is over."""
        if self._expired is None:
            (token_id, token), (key_id, key) = self.credential(), self._publishable()
            for credential_id in (token_id, key_id):
                sql(
                    "update credentials set expires_at = %s where store_id = %s and id = %s",
                    clock.now(),
                    self.store.id,
                    ids.decode("cred", credential_id),
                )
            self._expired = token, key
        return self._expired

    def at_work(self) -> Person:
        """Return the organization's owner in a new session, proven a moment ago, in the store."""
        return self.store.owner.at(organization_id=self.store.organization_id, store_id=self.store.id)

    @cached_property
    def colleague(self) -> Person:
        """A member of staff of whose sessions no answer tells."""
        return self.store.staff("admin")

    @cached_property
    def clerk_without(self) -> dict[str, Person]:
        """People who may do all but one thing, by what that is; whoever is asked for joins. See `without`."""
        return {}

    def without(self, permission: str) -> Person:
        """Return a member of staff at work in the store who may do everything but one thing."""
        if permission not in self.clerk_without:
            allowed = sorted(PERMISSIONS.keys() - {permission, SUPERUSER})
            self.clerk_without[permission] = self.store.staff(permissions=allowed)
        clerk = self.clerk_without[permission]
        return clerk.at(organization_id=self.store.organization_id, store_id=self.store.id)

    def ended_session(self, sql: Sql, column: str) -> Person:
        """Return the owner in a session that is over by this column: `expires_at`, `ended_at` or `last_seen_at`."""
        owner = self.at_work()
        moment = clock.now() - timedelta(hours=13) if column == "last_seen_at" else clock.now()
        because = ", ended_because = 'test'" if column == "ended_at" else ""
        sql(f"update sessions set {column} = %s{because} where id = %s", moment, owner.session_id)
        return owner

    def _publishable(self) -> tuple[str, str]:
        issued = self.made(self.store.merchant.post("/credentials/publishable"))
        return issued["id"], issued["publishable_key"]

    @staticmethod
    def made(answer: Answer) -> Any:
        """Return what an answer holds; anything but success is a mistake of the world."""
        assert answer.status_code < 300, answer.text
        return answer.json()


def a_world() -> World:
    """Open a store and put its word everywhere that a text can be put."""
    number = next(_worlds)
    limits = {"max_open_checkouts_per_phone": 1000, "max_open_checkouts_per_ip": 10_000}
    store = a_store(settings=limits)
    word = f"canary{store.id.hex[-12:]}"
    phone = Ref(f"+88017{number:03}{store.id.int % 10**5:05}")
    World.made(store.merchant.patch("/store", json={"name": f"Shop {word}"}))
    World.made(store.owner.patch("/organization", json={"name": f"House of {word}"}))
    return World(store, word, phone)


def an_operator(sql: Sql, *scopes: str, expired: bool = False, revoked: bool = False) -> Client:
    """Let a platform operator in."""
    token, now = credentials.generate(credentials.PLATFORM), clock.now()
    sql(
        "insert into platform_tokens (id, name, digest, scopes, created_at, expires_at, revoked_at) "
        "values (%s, 'Test', %s, %s, %s, %s, %s)",
        ids.new_id(),
        credentials.digest(token),
        list(scopes),
        now,
        now if expired else None,
        now if revoked else None,
    )
    return Client({"Authorization": f"Bearer {token}"})
