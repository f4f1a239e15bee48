"""A shopper who buys one thing in four calls, over whatever carries requests. Imports nothing but Python's own."""

import random
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

CALLS = ("create cart", "add line", "start checkout", "complete")
ADDRESS = {"line1": "House 7, Road 3", "area": "Dhanmondi", "city": "Dhaka", "postal_code": "1205"}


@dataclass(frozen=True, slots=True)
class Shop:
    """What a caller has to know of a store."""

    publishable_key: str
    secret_token: str
    variants: Mapping[str, str]  # in stock: SKU to id


@dataclass(frozen=True, slots=True)
class Call:
    """One request below /api/v1, and the status of its answer when all goes well."""

    name: str
    path: str
    body: object
    headers: dict[str, str]
    expected: int = 201
    method: str = "POST"


type Act = Generator[Call, Any]  # yields calls, and is sent what the JSON of each answer says


class Send(Protocol):
    """Carries one request below /api/v1, and returns the status and what the answer's JSON says."""

    def __call__(self, method: str, path: str, body: object, headers: dict[str, str]) -> tuple[int, Any]:
        """`body` is sent as JSON, unless it is None."""


class Refused(Exception):
    """A call was answered otherwise than it should be."""


@dataclass
class Times:
    """What was measured: the seconds of each call, by its name, and the CPU seconds of this process in them."""

    walls: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    cpus: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def measure[T](self, name: str, call: Callable[[], T]) -> T:
        """Call, and note how long that took."""
        cpu, wall = time.process_time(), time.perf_counter()
        result = call()
        self.walls[name].append(time.perf_counter() - wall)
        self.cpus[name] += time.process_time() - cpu
        return result


def buy(shop: Shop, draws: random.Random) -> Act:
    """Buy one thing of what the shop has."""
    create, add, start, complete = CALLS
    key = {"X-Publishable-Key": shop.publishable_key}
    phone = f"017{draws.randrange(10**8):08}"  # one number may hold only so many checkouts at once

    cart = yield Call(create, "/storefront/carts", {"lines": []}, key)
    guest = key | {"X-Cart-Token": cart["token"]}
    wanted = {"sku": draws.choice(list(shop.variants)), "quantity": 1}
    yield Call(add, f"/storefront/carts/{cart['id']}/lines", wanted, guest, 200)
    buyer = {"contact": {"name": "Rahima Khatun", "phone": phone}, "shipping_address": ADDRESS}
    checkout = yield Call(start, "/storefront/checkouts", {"cart_id": cart["id"], **buyer}, guest)
    paying = {"payment_method": "cash_on_delivery"}
    once = guest | {"Idempotency-Key": str(uuid.uuid4())}
    yield Call(complete, f"/storefront/checkouts/{checkout['id']}/complete", paying, once)


def carry_out(act: Act, send: Send, times: Times) -> bool:
    """Send the calls of an act one after another, and note the time of each; tell whether it had any.

    Raises:
        Refused: a call was not answered as it is when all goes well.
    """
    told, calls = None, 0
    with suppress(StopIteration):
        while True:
            call = act.send(told)
            told = times.measure(call.name, lambda call=call: _sent(call, send))  # type: ignore[misc]  # a lambda's own
            calls += 1
    return calls > 0


def refusal(call: Call, status: int, told: Any) -> str:
    """Say what was answered instead of what was expected."""
    return f"{call.name}: {status} {told.get('code') if isinstance(told, dict) else ''}"


def _sent(call: Call, send: Send) -> Any:
    status, told = send(call.method, call.path, call.body, call.headers)
    if status != call.expected:
        raise Refused(refusal(call, status, told))
    return told
