"""What is measured within one process: rounds of calls through the very handlers that Lambda calls."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from fastapi import FastAPI
from mangum import Mangum

from infra.local import events
from shared.core.http import own_loop
from tests.bench import nothing
from tests.bench.purchase import ADDRESS, CALLS, Buyer, Refused, Send, Times
from tests.bench.world import World
from tests.client import Client
from tests.factories import StoreUnderTest

EMPTY, BARE = "empty endpoint", "FastAPI and Mangum alone"
_HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer none"}


@dataclass(frozen=True)
class Workload:
    """A round of calls. `calls` are the names under which their times are kept, `whole` that of the round."""

    whole: str
    calls: tuple[str, ...]
    round_of: Callable[[Times], None]


def purchase(world: World) -> Workload:
    """Buy in four calls, by shoppers of all stores in turn."""
    buyers = [
        Buyer(in_process(), one.publishable_key, sorted(one.variants), seed) for seed, one in enumerate(world.stores)
    ]
    turn = count()

    def buy(times: Times) -> None:
        buyers[next(turn) % len(buyers)].buy(times)

    return Workload("purchase", CALLS, buy)


def order_in_one_call(world: World) -> Workload:
    """Make an order by a merchant's integration."""
    contact = {"name": "Rahima Khatun", "phone": "01712345678"}

    def place(store: StoreUnderTest, sku: str) -> tuple[int, Any]:
        body = {"lines": [{"sku": sku, "quantity": 1}], "contact": contact, "shipping_address": ADDRESS}
        answer = store.merchant.post("/orders", json=body, key=True)
        return answer.status_code, answer.json()

    return _single(world, "order in one call", place, expected=201)


def adjustment(world: World) -> Workload:
    """Put one unit more on the shelf."""

    def adjust(store: StoreUnderTest, sku: str) -> tuple[int, Any]:
        body = {"delta": 1, "kind": "manual", "reason": "Found behind the shelf"}
        answer = store.merchant.post(f"/inventory/{store.variants[sku]}/adjustments", json=body, key=True)
        return answer.status_code, answer.json()

    return _single(world, "inventory adjustment", adjust, expected=201)


def product_list(world: World) -> Workload:
    """Read the first page of what a store has on sale."""

    def browse(store: StoreUnderTest, _sku: str) -> tuple[int, Any]:
        answer = store.shopper.get("/storefront/products")
        return answer.status_code, answer.json()

    return _single(world, "product list", browse, expected=200)


def empty_endpoint() -> Workload:
    """Ask an endpoint of ours that does nothing."""
    return _handled(EMPTY, nothing.handler)


def bare_endpoint() -> Workload:
    """Ask an endpoint that does nothing of FastAPI behind Mangum, without our way of a request."""
    app = FastAPI(openapi_url=None)

    async def bare() -> None:
        """Answer null."""

    app.get(nothing.api.prefix)(bare)
    mangum = Mangum(app, lifespan="off")

    def handler(event: dict[str, Any], context: Any) -> Any:
        own_loop()
        return mangum(event, context)

    return _handled(BARE, handler)


def in_process() -> Send:
    """Return a carrier of requests that calls the handlers of this process."""
    client = Client()

    def send(method: str, path: str, body: object, headers: dict[str, str]) -> tuple[int, Any]:
        answer = client.request(method, path, json=body, headers=headers)
        return answer.status_code, answer.json()

    return send


def _handled(name: str, handler: Callable[[dict[str, Any], Any], Any]) -> Workload:
    def call() -> None:
        event = events.http_event("GET", nothing.api.prefix, headers=_HEADERS)
        answer = handler(event, events.context("nothing"))
        if answer["statusCode"] != 200:
            raise Refused(name)

    return Workload(name, (name,), lambda times: times.measure(name, call))


def _single(
    world: World, name: str, call: Callable[[StoreUnderTest, str], tuple[int, Any]], *, expected: int
) -> Workload:
    turn, draws = count(), random.Random(name)

    def round_of(times: Times) -> None:
        store = world.stores[next(turn) % len(world.stores)]
        sku = draws.choice(sorted(store.variants))
        status, answer = times.measure(name, lambda: call(store, sku))
        if status != expected:
            message = f"{name}: {status} {answer}"
            raise Refused(message)

    return Workload(name, (name,), round_of)
