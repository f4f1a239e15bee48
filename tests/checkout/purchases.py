"""Shoppers for the tests of carts and checkouts: a cart with its token, and the four calls of a purchase."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.core import ids
from tests.client import Answer
from tests.factories import StoreUnderTest

CONTACT = {"name": "Rahima Khatun", "phone": "01712-345678"}
ADDRESS = {"line1": "House 7, Road 3", "area": "Dhanmondi", "city": "Dhaka", "postal_code": "1205"}
CASH = {"payment_method": "cash_on_delivery"}


@dataclass
class Cart:
    """A guest with a cart of their own."""

    store: StoreUnderTest
    id: str
    token: str

    @property
    def uuid(self) -> UUID:
        """The id as the database has it."""
        return ids.decode("cart", self.id)

    @property
    def guest(self) -> dict[str, str]:
        """The header by which the guest owns the cart."""
        return {"X-Cart-Token": self.token}

    def read(self) -> Any:
        """Return the cart as it is now."""
        answer = self.store.shopper.get(f"/storefront/carts/{self.id}", headers=self.guest)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def add(self, sku: str, quantity: int = 1, **headers: str) -> Answer:
        """Put something into it."""
        return self.store.shopper.post(
            f"/storefront/carts/{self.id}/lines",
            json={"sku": sku, "quantity": quantity},
            headers=self.guest | {name.replace("_", "-"): value for name, value in headers.items()},
        )

    def set_quantity(self, line_id: str, quantity: int, **headers: str) -> Answer:
        """Set how many of a line are wanted."""
        return self.store.shopper.patch(
            f"/storefront/carts/{self.id}/lines/{line_id}",
            json={"quantity": quantity},
            headers=self.guest | {name.replace("_", "-"): value for name, value in headers.items()},
        )

    def start(self, **facts: Any) -> Answer:
        """Start a checkout of it."""
        body = {"cart_id": self.id, "contact": CONTACT, "shipping_address": ADDRESS} | facts
        return self.store.shopper.post("/storefront/checkouts", json=body, headers=self.guest)

    def started(self, **facts: Any) -> str:
        """Start a checkout, and return its id."""
        answer = self.start(**facts)
        assert answer.status_code == 201, answer.text
        checkout_id: str = answer.json()["id"]
        return checkout_id

    def complete(self, checkout_id: str, key: str | bool = True) -> Answer:  # noqa: FBT001, FBT002 -- as the client has it
        """Complete a checkout."""
        path = f"/storefront/checkouts/{checkout_id}/complete"
        return self.store.shopper.post(path, json=CASH, headers=self.guest, key=key)


def a_cart(store: StoreUnderTest, wanted: Mapping[str, int] | None = None) -> Cart:
    """Take a cart, with so many of these SKUs."""
    lines = [{"sku": sku, "quantity": quantity} for sku, quantity in (wanted or {}).items()]
    answer = store.shopper.post("/storefront/carts", json={"lines": lines})
    assert answer.status_code == 201, answer.text
    return Cart(store, answer.json()["id"], answer.json()["token"])
