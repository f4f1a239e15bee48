"""What callers of the API do: acts, some of which need a thing that another act made beforehand.

Imports nothing but Python's own: it runs in the processes of the callers, too.
"""

import random
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.bench.purchase import ADDRESS, CALLS, Act, Call, Shop, buy

EMPTY, PURCHASE, ADD_LINE, ORDER, CANCEL, ADJUST = (
    "empty endpoint",
    "purchase",
    "add to cart",
    "order in one call",
    "cancel order",
    "inventory adjustment",
)
_PREPARING = "preparing"


@dataclass
class Cast:
    """Who may act: customers and merchants of these shops, each act in one that is drawn."""

    shops: list[Shop]
    draws: random.Random
    prepared: deque[tuple[Shop, Any]] = field(default_factory=deque)  # what acts made for other acts, each for one

    def shop(self) -> Shop:
        """Draw a shop."""
        return self.draws.choice(self.shops)


@dataclass(frozen=True)
class Kind:
    """A kind of act. `prepare` makes what one act uses up; an act for which nothing is left makes no call."""

    name: str
    act: Callable[[Cast], Act]
    calls: tuple[str, ...] = ()  # where it has more than the one of its own name
    prepare: Callable[[Cast], Act] | None = None


def _nothing(_cast: Cast) -> Act:
    yield Call(EMPTY, "/storefront/nothing", None, {}, 200, "GET")


def _purchase(cast: Cast) -> Act:
    return buy(cast.shop(), cast.draws)


def _make_cart(cast: Cast) -> Act:
    shop = cast.shop()
    cart = yield Call(_PREPARING, "/storefront/carts", {"lines": []}, {"X-Publishable-Key": shop.publishable_key})
    cast.prepared.append((shop, cart))


def _add_line(cast: Cast) -> Act:
    if cast.prepared:
        shop, cart = cast.prepared.popleft()
        headers = {"X-Publishable-Key": shop.publishable_key, "X-Cart-Token": cart["token"]}
        wanted = {"sku": cast.draws.choice(list(shop.variants)), "quantity": 1}
        yield Call(ADD_LINE, f"/storefront/carts/{cart['id']}/lines", wanted, headers, 200)


def _order_of(shop: Shop, draws: random.Random, name: str) -> Call:
    contact = {"name": "Rahima Khatun", "phone": f"017{draws.randrange(10**8):08}"}
    lines = [{"sku": draws.choice(list(shop.variants)), "quantity": 1}]
    return Call(name, "/orders", {"lines": lines, "contact": contact, "shipping_address": ADDRESS}, _as_merchant(shop))


def _order(cast: Cast) -> Act:
    yield _order_of(cast.shop(), cast.draws, ORDER)


def _make_order(cast: Cast) -> Act:
    shop = cast.shop()
    order = yield _order_of(shop, cast.draws, _PREPARING)
    cast.prepared.append((shop, order))


def _cancel(cast: Cast) -> Act:
    if cast.prepared:
        shop, order = cast.prepared.popleft()
        yield Call(CANCEL, f"/orders/{order['id']}/cancel", {"reason": "customer"}, _as_merchant(shop), 200)


def _adjust(cast: Cast) -> Act:
    shop = cast.shop()
    variant = cast.draws.choice(list(shop.variants.values()))
    found = {"delta": 1, "kind": "manual", "reason": "Found behind the shelf"}
    yield Call(ADJUST, f"/inventory/{variant}/adjustments", found, _as_merchant(shop))


def _as_merchant(shop: Shop) -> dict[str, str]:
    return {"Authorization": f"Bearer {shop.secret_token}", "Idempotency-Key": str(uuid.uuid4())}


KINDS = {
    kind.name: kind
    for kind in (
        Kind(EMPTY, _nothing),
        Kind(PURCHASE, _purchase, calls=CALLS),
        Kind(ADD_LINE, _add_line, prepare=_make_cart),
        Kind(ORDER, _order),
        Kind(CANCEL, _cancel, prepare=_make_order),
        Kind(ADJUST, _adjust),
    )
}
