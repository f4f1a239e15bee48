"""Many at once against the running system, each from a process of its own: stock, one order of many tries, the message.

The requests under way at the same moment are counted and stand among the run's figures.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from shared.core import ids
from tests.e2e import races
from tests.e2e.races import Request
from tests.figures import Figures
from tests.local import running
from tests.local.running import Process

SHOPPERS = 50
UNITS = 10
TRIES = 20
PATIENCE = 20  # seconds until a message must be there, on a machine that is busy with other tests
ADDRESS = {"line1": "House 7, Road 3", "city": "Dhaka"}
CASH = {"payment_method": "cash_on_delivery"}


@dataclass(frozen=True)
class Shop:
    """A demo store of the running system, over HTTP."""

    system: Process
    token: str
    key: str

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Send a request as the merchant; return what came."""
        status, content = self.system.ask(method, f"/api/v1{path}", body=body, token=self.token)
        assert status < 300, content
        return content

    @property
    def shopper(self) -> dict[str, str]:
        """The header of every shopper."""
        return {"X-Publishable-Key": self.key}

    @property
    def merchant(self) -> dict[str, str]:
        """The header of the merchant."""
        return {"Authorization": f"Bearer {self.token}"}

    def variant(self, stock: int) -> str:
        """Put a product with one variant on sale; return the variant's id."""
        variant = {"sku": ids.new_id().hex, "price": 50_000, "stock": stock}
        product = {"title": "Nakshi kantha", "status": "active", "variants": [variant]}
        variant_id: str = self.ask("POST", "/products", product)["variants"][0]["id"]
        return variant_id


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Run the system, and let one phone and one address of the network hold what fifty shoppers hold."""
    with running.running(tmp_path_factory.mktemp("e2e") / "state") as system:
        store = system.dev["stores"][0]
        shop = Shop(system, store["secret_token"], store["publishable_key"])
        limits = {"max_open_checkouts_per_phone": 1000, "max_open_checkouts_per_ip": 1000}
        shop.ask("PATCH", "/store", {"settings": shop.ask("GET", "/store")["settings"] | limits})
        yield shop


def test_of_fifty_checkouts_of_ten_units_at_once_ten_become_orders_and_forty_are_refused(
    shop: Shop, figures: Figures
) -> None:
    variant_id = shop.variant(stock=UNITS)
    carts = [a_cart(shop, variant_id) for _ in range(SHOPPERS)]

    answers = races.run(shop.system.port, [checkout(shop, cart, number) for number, cart in enumerate(carts)])

    last = [plan[-1] for plan in answers]
    assert Counter((one.status, one.content.get("code")) for one in last) == {
        (201, None): 10,
        (409, "out_of_stock"): 40,
    }
    numbers = {one.content["order"]["number"] for one in last if one.status == 201}
    orders = shop.ask("GET", "/orders?limit=100")["data"]
    assert len(numbers) == UNITS
    assert numbers <= {order["number"] for order in orders}
    assert stock(shop, variant_id) == {"on_hand": 0, "reserved": 0, "available": 0}
    assert shop.ask("GET", "/inventory/reconciliation")["drift"] == []
    sales = shop.ask("GET", f"/inventory/adjustments?variant_id={variant_id}&kind=sale&limit=100")["data"]
    assert sorted(sale["on_hand"] for sale in sales) == list(range(UNITS))
    peak = races.most_at_once(answers)
    assert peak > UNITS
    figures.add("races over HTTP", checkouts=SHOPPERS, peak_of_checkouts_in_flight=peak)


def test_one_order_sent_twenty_times_at_once_under_one_key_is_one_order(shop: Shop, figures: Figures) -> None:
    variant_id = shop.variant(stock=UNITS)
    headers = shop.merchant | {"Idempotency-Key": f"till-{ids.new_id()}"}
    body = buyer(7) | {"lines": [{"variant_id": variant_id, "quantity": 1}]}
    order = Request("POST", "/api/v1/orders", headers, body)

    answers = races.run(shop.system.port, [[order]] * TRIES)
    [[again]] = races.run(shop.system.port, [[order]])

    outcomes = Counter((one.status, one.content.get("code"), one.replayed) for [one] in answers)
    placed = {one.content["id"] for [one] in answers if one.status == 201}
    assert outcomes[201, None, False] == 1
    assert outcomes.keys() <= {(201, None, False), (201, None, True), (409, "request_in_flight", False)}
    assert placed == {again.content["id"]}
    assert (again.status, again.replayed) == (201, True)
    assert stock(shop, variant_id) == {"on_hand": UNITS - 1, "reserved": 0, "available": UNITS - 1}
    figures.add("races over HTTP", tries_of_one_order=TRIES, peak_of_tries_in_flight=races.most_at_once(answers))


def test_one_checkout_completed_twenty_times_at_once_is_one_order_with_one_key_or_many(
    shop: Shop, figures: Figures
) -> None:
    variant_id = shop.variant(stock=UNITS)
    cart = a_cart(shop, variant_id)
    start, complete = checkout(shop, cart, 8)
    [[started]] = races.run(shop.system.port, [[start]])
    path = complete.path.format_map(started.content)
    keys = [f"tab-{number // 2}" for number in range(TRIES)]  # ten tabs, each clicked twice

    answers = races.run(
        shop.system.port,
        [[Request("POST", path, complete.headers | {"Idempotency-Key": key}, CASH)] for key in keys],  # type: ignore[operator] # a plain dict
    )

    told = [one for [one] in answers if one.status in (200, 201)]
    refused = {one.content["code"] for [one] in answers if one.status not in (200, 201)}
    assert len({one.content["order"]["id"] for one in told}) == 1
    assert [one.status for one in told if not one.replayed].count(201) == 1
    assert refused <= {"request_in_flight"}
    assert stock(shop, variant_id) == {"on_hand": UNITS - 1, "reserved": 0, "available": UNITS - 1}
    figures.add("races over HTTP", clicks_on_one_checkout=TRIES)


def test_the_confirmation_of_an_order_leaves_the_system_soon_after_it(shop: Shop) -> None:
    variant_id = shop.variant(stock=UNITS)
    phone = "+8801911000009"

    [answers] = races.run(shop.system.port, [checkout(shop, a_cart(shop, variant_id), 9, phone=phone)])
    order = answers[-1].content["order"]

    message = wait_for_message(shop, phone)
    assert order["number"] in message["text"]
    assert order["id"] in message["text"]  # the guest's link
    assert phone in shop.system.ask("GET", "/dev/messages")[1]


def a_cart(shop: Shop, variant_id: str) -> dict[str, str]:
    """Take a cart with one of the variant; return its id and token."""
    body = {"lines": [{"variant_id": variant_id}]}
    path = f"/api/v1/storefront/carts?publishable_key={shop.key}"
    status, cart = shop.system.ask("POST", path, body=body)
    assert status == 201, cart
    return {"id": cart["id"], "token": cart["token"]}


def checkout(shop: Shop, cart: dict[str, str], number: int, *, phone: str | None = None) -> list[Request]:
    headers = shop.shopper | {"X-Cart-Token": cart["token"]}
    path = "/api/v1/storefront/checkouts"
    return [
        Request("POST", path, headers, buyer(number, phone=phone) | {"cart_id": cart["id"]}),
        Request("POST", f"{path}/{{id}}/complete", headers | {"Idempotency-Key": f"buy-{cart['id']}"}, CASH),
    ]


def buyer(number: int, *, phone: str | None = None) -> dict[str, Any]:
    contact = {"name": f"Shopper {number}", "phone": phone or f"+880171200{number:04}"}
    return {"contact": contact, "shipping_address": ADDRESS}


def stock(shop: Shop, variant_id: str) -> dict[str, int]:
    level = shop.ask("GET", f"/inventory/{variant_id}")
    return {name: level[name] for name in ("on_hand", "reserved", "available")}


def wait_for_message(shop: Shop, to: str) -> dict[str, Any]:
    """Return the message to that address once it is in the folder of what was sent."""
    folder, deadline = shop.system.state / "outgoing", time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        shop.system.ask("GET", "/dev/messages")  # takes its time, so that looking again is no busy wait
        for file in folder.glob("*.json"):
            message: dict[str, Any] = json.loads(file.read_text())
            if message["to"] == to:
                return message
    raise AssertionError(f"No message to {to} in {PATIENCE} seconds.")
