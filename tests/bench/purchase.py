"""A shopper who buys one thing in four calls, over whatever carries requests. Imports nothing but Python's own."""

import random
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

CALLS = ("create cart", "add line", "start checkout", "complete")
ADDRESS = {"line1": "House 7, Road 3", "area": "Dhanmondi", "city": "Dhaka", "postal_code": "1205"}


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


@dataclass
class Buyer:
    """A shopper of one store. `skus` are in stock; which of them is bought is drawn by `seed`."""

    send: Send
    publishable_key: str
    skus: list[str]
    seed: int = 0

    def __post_init__(self) -> None:
        """Begin the draws."""
        self._random = random.Random(self.seed)

    def buy(self, times: Times) -> None:
        """Buy one thing.

        Raises:
            Refused: a call was not answered as it is when all goes well.
        """
        times.measure("purchase", lambda: self._buy(times))

    def _buy(self, times: Times) -> None:
        key = {"X-Publishable-Key": self.publishable_key}
        create, add, start, complete = CALLS
        phone = f"017{self._random.randrange(10**8):08}"  # one number may hold only so many checkouts at once

        def call(name: str, path: str, body: object, headers: dict[str, str], expected: int) -> Any:
            status, answer = times.measure(name, lambda: self.send("POST", path, body, headers))
            if status != expected:
                message = f"{name}: {status} {answer.get('code') if isinstance(answer, dict) else ''}"
                raise Refused(message)
            return answer

        cart = call(create, "/storefront/carts", {"lines": []}, key, 201)
        guest = key | {"X-Cart-Token": cart["token"]}
        wanted = {"sku": self._random.choice(self.skus), "quantity": 1}
        call(add, f"/storefront/carts/{cart['id']}/lines", wanted, guest, 200)
        buyer = {"contact": {"name": "Rahima Khatun", "phone": phone}, "shipping_address": ADDRESS}
        checkout = call(start, "/storefront/checkouts", {"cart_id": cart["id"], **buyer}, guest, 201)
        paying = {"payment_method": "cash_on_delivery"}
        once = guest | {"Idempotency-Key": str(uuid.uuid4())}
        call(complete, f"/storefront/checkouts/{checkout['id']}/complete", paying, once, 201)
