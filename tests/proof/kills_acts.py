"""What shoppers and merchants do that moves money or stock: each is prepared, and then sent until it is answered."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from shared.core import ids
from tests.checkout.purchases import CASH, Cart, a_cart
from tests.client import Answer
from tests.factories import add_product
from tests.proof.kills_world import BUYER, World

EXPIRED = 16  # minutes after which a store's reservations do not hold any more


@dataclass(frozen=True)
class Call:
    """One request or message: the same each time it is sent."""

    send: Callable[[], Answer]
    again_after: timedelta = timedelta(0)  # a queue gives a message out again once it was invisible for so long
    sweep: Callable[[], object] | None = None  # what the clock does in the end for what a message no longer brings


@dataclass(frozen=True)
class Act:
    """Something to be killed. `prepare` makes the same of the same dice, for another customer each time."""

    name: str
    of: str  # the function of the topology that is killed
    prepare: Callable[[World, Random], Call]
    exact: bool = True  # its answer is the same each time, but for ids and moments; else it is of one form
    anew: int | None = None  # where no key keeps the answer: what who asks again is answered once it has happened
    spends: bool = False  # of what it is sent, another system takes something once: who is killed then begins anew


def add_to_cart(world: World, rng: Random) -> Call:
    """Let a shopper put something into a cart that has things in it."""
    cart = a_cart(world.store, world.basket(rng))
    sku, quantity, key = rng.choice(world.skus), rng.randint(1, 9), new_key()
    return Call(lambda: cart.add(sku, quantity, Idempotency_Key=key))


def start_checkout(world: World, rng: Random) -> Call:
    """Let a shopper start a checkout, which reserves."""
    return _starting(a_cart(world.store, world.basket(rng)), rng)


def start_again(world: World, rng: Random) -> Call:
    """Let a shopper who has one under way start it again, with more in the cart: it reserves anew."""
    cart = a_cart(world.store, world.basket(rng))
    cart.started()
    cart.add(rng.choice(world.skus), rng.randint(1, 9))
    return _starting(cart, rng)


def complete_checkout(world: World, rng: Random) -> Call:
    """Let a shopper complete a checkout: the reservation becomes a sale."""
    cart = a_cart(world.store, world.basket(rng))
    return _completing(cart, cart.started())


def complete_late(world: World, rng: Random) -> Call:
    """Let a shopper complete a checkout whose reservation expired: price and stock are taken anew."""
    cart = a_cart(world.store, world.basket(rng))
    checkout = cart.started()
    world.tick(minutes=EXPIRED)
    return _completing(cart, checkout)


def cancel_checkout(world: World, rng: Random) -> Call:
    """Let a shopper give a checkout up: what was reserved is free."""
    cart = a_cart(world.store, world.basket(rng))
    path, key = f"/storefront/checkouts/{cart.started()}", new_key()
    return Call(lambda: world.store.shopper.delete(path, headers=cart.guest, key=key))


def place_order(world: World, rng: Random) -> Call:
    """Let a merchant place an order in one call."""
    return _placing(world, world.basket(rng))


def place_order_of_the_last(world: World, rng: Random) -> Call:
    """Let an order take the last units, which an expired reservation still holds."""
    sku, quantity = _rare_goods(world, rng)
    a_cart(world.store, {sku: quantity}).started()
    world.tick(minutes=EXPIRED)
    return _placing(world, {sku: quantity})


def place_order_in_vain(world: World, rng: Random) -> Call:
    """Let an order want more than there is: it is refused, and the refusal is its answer for good."""
    sku, quantity = _rare_goods(world, rng)
    return _placing(world, {**world.basket(rng), sku: quantity + 1})


def cancel_order(world: World, rng: Random) -> Call:
    """Let a merchant cancel an order: its payment is given up, its stock comes back."""
    body = {"reason": "customer", "restock": rng.random() < 0.8}
    return _merchants(world, f"/orders/{world.order(world.basket(rng))['id']}/cancel", body)


def collect_payment(world: World, rng: Random) -> Call:
    """Let a merchant record that the cash is there."""
    return _merchants(world, f"/orders/{world.order(world.basket(rng))['id']}/payments/collect", {"reference": "R-1"})


def fulfill_order(world: World, rng: Random) -> Call:
    """Let a merchant hand over all of an order, or one unit of each line."""
    order = world.order(world.basket(rng))
    lines = [{"order_line_id": line["id"], "quantity": 1} for line in order["lines"]]
    return _merchants(world, f"/orders/{order['id']}/fulfillments", {"lines": lines} if rng.random() < 0.5 else {})


def adjust_stock(world: World, rng: Random) -> Call:
    """Let a merchant change what is on hand by a difference."""
    delta = rng.choice([-1, 1]) * rng.randint(1, 50)
    path = f"/inventory/{world.store.variant(rng.choice(world.skus))}/adjustments"
    return _merchants(world, path, {"delta": delta, "kind": "manual", "reason": "Counted"})


def set_stock(world: World, rng: Random) -> Call:
    """Let a merchant set what is on hand to a count."""
    sku = rng.choice(world.skus)
    there = world.store.stock(sku)["on_hand"]
    path, key = f"/inventory/{world.store.variant(sku)}/on-hand", new_key()
    count = {"on_hand": there + rng.randint(1, 9), "expected_on_hand": there}
    return Call(lambda: world.store.merchant.put(path, json=count, key=key))


SHOPPERS = (
    Act("cart: add a line", "carts-add-line", add_to_cart),
    Act("checkout: start", "checkout-start-checkout", start_checkout),
    Act("checkout: start again", "checkout-start-checkout", start_again),
    Act("checkout: complete", "checkout-complete-checkout", complete_checkout),
    Act("checkout: complete late", "checkout-complete-checkout", complete_late),
    Act("checkout: cancel", "checkout-cancel-checkout", cancel_checkout),
)
MERCHANTS = (
    Act("order: place", "checkout-place-order", place_order),
    Act("order: place, of the last", "checkout-place-order", place_order_of_the_last),
    Act("order: place in vain", "checkout-place-order", place_order_in_vain),
    Act("order: cancel", "orders-cancel-order", cancel_order),
    Act("order: collect", "orders-collect-payment", collect_payment),
    Act("order: fulfill", "orders-fulfill-order", fulfill_order),
    Act("stock: adjust", "inventory-adjust-stock", adjust_stock),
    Act("stock: set", "inventory-set-stock", set_stock),
)


def _starting(cart: Cart, rng: Random) -> Call:
    contact = {"name": "Rahima Khatun", "phone": f"+88017{rng.randint(10_000_000, 99_999_999)}"}
    body = {"cart_id": cart.id, "contact": contact, "shipping_address": BUYER["shipping_address"]}
    key = new_key()
    return Call(lambda: cart.store.shopper.post("/storefront/checkouts", json=body, headers=cart.guest, key=key))


def _completing(cart: Cart, checkout: str) -> Call:
    path, key = f"/storefront/checkouts/{checkout}/complete", new_key()
    return Call(lambda: cart.store.shopper.post(path, json=CASH, headers=cart.guest, key=key))


def _placing(world: World, wanted: dict[str, int]) -> Call:
    lines = [{"sku": sku, "quantity": quantity} for sku, quantity in wanted.items()]
    return _merchants(world, "/orders", {**BUYER, "lines": lines})


def _merchants(world: World, path: str, body: object) -> Call:
    key = new_key()
    return Call(lambda: world.store.merchant.post(path, json=json.loads(json.dumps(body)), key=key))


def _rare_goods(world: World, rng: Random) -> tuple[str, int]:
    """Put something on sale of which there are few."""
    sku, quantity = f"RARE-{ids.new_id().hex[-12:]}", rng.randint(1, 9)
    add_product(world.store, sku, price=700, stock=quantity)
    return sku, quantity


def new_key() -> str:
    """Return an Idempotency-Key that nobody has used."""
    return str(ids.new_id())
