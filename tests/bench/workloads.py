"""What is measured within one process: rounds of calls through the very handlers that Lambda calls."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from fastapi import FastAPI
from mangum import Mangum

from infra.local import events
from shared.core.arrivals import own_loop
from tests.bench import nothing
from tests.bench.acts import EMPTY, KINDS, Cast
from tests.bench.purchase import Refused, Send, Shop, Times, carry_out
from tests.bench.world import World
from tests.client import Client
from tests.factories import StoreUnderTest

BARE = "FastAPI and Mangum alone"
_HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer none"}


class Exhausted(Exception):
    """Nothing is left of what was prepared for the rounds."""


def _nothing(_rounds: int) -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Workload:
    """A round of calls. `calls` are the names under which their times are kept, `whole` that of the round."""

    whole: str
    calls: tuple[str, ...]
    round_of: Callable[[Times], None]
    prepare: Callable[[int], None] = _nothing  # makes what so many rounds use up


def acting(stores: Sequence[StoreUnderTest], name: str) -> Workload:
    """Act in these stores, as callers over HTTP do."""
    kind, send = KINDS[name], in_process()
    cast = Cast([shop_of(store) for store in stores], random.Random(name))

    def round_of(times: Times) -> None:
        def act() -> bool:
            return carry_out(kind.act(cast), send, times)

        if not (times.measure(name, act) if kind.calls else act()):
            raise Exhausted(name)

    def prepare(rounds: int) -> None:
        for _ in range(rounds if kind.prepare else 0):
            assert kind.prepare is not None
            carry_out(kind.prepare(cast), send, Times())

    return Workload(name, kind.calls or (name,), round_of, prepare)


def shop_of(store: StoreUnderTest) -> Shop:
    """Return what callers know of a store."""
    return Shop(store.publishable_key, store.secret_token, store.variants)


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
