"""Buyers who do not give up: each order has a key, and is sent again as long as the answer says that it may be."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from shared.core import ids
from tests.checkout.purchases import CASH
from tests.client import Answer
from tests.factories import StoreUnderTest
from tests.proof.kills_world import BUYER

_PATIENCE = 60.0  # seconds for one request with all of its repetitions
_PAUSE = 0.005  # seconds between two of them


@dataclass
class Acknowledged:
    """What was answered, by all buyers together."""

    orders: list[str] = field(default_factory=list)  # the ids of answers 201
    sold: Counter[str] = field(default_factory=Counter)  # units by SKU
    again: Counter[int] = field(default_factory=Counter)  # how often a request was told to come again, by status
    offences: list[str] = field(default_factory=list)  # answers that no buyer may get
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, order_id: str, wanted: dict[str, int]) -> None:
        """Note an order."""
        with self._lock:
            self.orders.append(order_id)
            self.sold.update(wanted)

    def until_answered(self, send: Callable[[], Answer]) -> Answer:
        """Send a request until its answer is one to keep."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            answer = send()
            if answer.status_code < 400 or time.monotonic() > deadline:
                break
            with self._lock:
                self.again[answer.status_code] += 1
            if not answer.json()["retryable"]:
                break
            time.sleep(_PAUSE)
        if answer.status_code >= 400:
            with self._lock:
                self.offences.append(answer.text)
        return answer


def buy(store: StoreUnderTest, acknowledged: Acknowledged, rng: Random, skus: list[str], times: int) -> None:
    """Place that many orders: by the merchant's one call, or by a shopper's checkout."""
    for _ in range(times):
        wanted = {sku: rng.randint(1, 3) for sku in rng.sample(skus, rng.randint(1, len(skus)))}
        (_place if rng.random() < 0.5 else _check_out)(store, acknowledged, wanted)


def _place(store: StoreUnderTest, acknowledged: Acknowledged, wanted: dict[str, int]) -> None:
    lines = [{"sku": sku, "quantity": quantity} for sku, quantity in wanted.items()]
    key = str(ids.new_id())
    answer = acknowledged.until_answered(
        lambda: store.merchant.post("/orders", json={**BUYER, "lines": lines}, key=key)
    )
    if answer.status_code < 400:
        acknowledged.note(answer.json()["id"], wanted)


def _check_out(store: StoreUnderTest, acknowledged: Acknowledged, wanted: dict[str, int]) -> None:
    lines = [{"sku": sku, "quantity": quantity} for sku, quantity in wanted.items()]
    keys = [str(ids.new_id()) for _ in range(3)]
    shopper = store.shopper

    def send(path: str, body: Any, key: str, **headers: str) -> Answer:
        return acknowledged.until_answered(lambda: shopper.post(path, json=body, headers=headers, key=key))

    cart = send("/storefront/carts", {"lines": lines}, keys[0])
    if cart.status_code >= 400:
        return
    guest = {"X-Cart-Token": cart.json()["token"]}
    started = send("/storefront/checkouts", {**BUYER, "cart_id": cart.json()["id"]}, keys[1], **guest)
    if started.status_code >= 400:
        return
    placed = send(f"/storefront/checkouts/{started.json()['id']}/complete", CASH, keys[2], **guest)
    if placed.status_code < 400:
        acknowledged.note(placed.json()["order"]["id"], wanted)
