"""Browsing over HTTP, in a small store and in a large one: lists, a product, a search, each beside its floor.

Two processes of the local gateway answer; the shoppers come from a third one. Floor: the empty endpoint by the same way
for as many shoppers, plus the same SQL by as many clients of pgbench, BEGIN and COMMIT included.
"""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock
from urllib.parse import quote

import psutil

from shared.core import database
from tests import assortments
from tests.bench import floor, nothing
from tests.bench.children import Child, child
from tests.bench.in_process import DELAY, slow_network
from tests.bench.purchase import Times
from tests.bench.table import Cell, percentile, show
from tests.bench.world import World, cpu_of
from tests.client import Client
from tests.factories import StoreUnderTest, a_store

SIZES = (1_000, 100_000)
_CLIENTS = (1, 16)
_PROCESSES = 2
_THREADS = 2  # of each process: one waits for PostgreSQL while the other works; more wait for each other
_AS_SERVED = {"STORMCOM_POOL_SIZE": str(_THREADS), "STORMCOM_DATABASE_DRIVER": "named"}
_DIFFERENT = 60  # requests of a kind
_WARM = 0.5  # seconds before it counts
_WORDS = ("tea mug", "steel bottle", "cotton", "চা", "জামা", "jama", "botle", "red", "কাপ", "leather bag")
_COLUMNS = (
    "ms, p50 unless it says otherwise",
    "products",
    "shoppers",
    "per s",
    "p50",
    "p95",
    "floor",
    "of it SQL",
    "ratio",
    "statements",
    "trips",
    "CPU of gateway",
    "of PG",
    "of shoppers",
)


@dataclass(frozen=True)
class Kind:
    """What shoppers do. `paths`: what they ask for, below /api/v1, in a store with so many products."""

    name: str
    paths: Callable[[random.Random, int], str]


KINDS = (
    Kind("list", lambda _, __: "/storefront/products"),
    Kind("list by price", lambda draws, _: f"/storefront/products?sort=price&price[gte]={draws.randrange(100_000)}"),
    Kind("product", lambda draws, products: f"/storefront/products/product-{draws.randrange(products)}"),
    Kind("search", lambda draws, _: f"/storefront/search?q={quote(draws.choice(_WORDS))}"),
)


@dataclass(frozen=True)
class Load:
    """What was measured. CPU milliseconds are a request's."""

    walls: list[float]  # milliseconds
    per_second: float
    gateway_cpu_ms: float
    database_cpu_ms: float
    shoppers_cpu_ms: float
    others: int  # answers that were not 200

    @property
    def p50(self) -> float:
        """Return the middle."""
        return percentile(self.walls, 0.5)

    @property
    def p95(self) -> float:
        """Return what one of twenty exceeds."""
        return percentile(self.walls, 0.95)


@dataclass
class Browsing:
    """Stores of several sizes, and what each kind of request said to PostgreSQL in them."""

    world: World
    stores: dict[int, StoreUnderTest]
    recorded: dict[tuple[str, int], list[floor.Told]] = field(default_factory=dict)
    rows: list[list[Cell]] = field(default_factory=list)
    p95s: dict[tuple[str, int, int], float] = field(default_factory=dict)

    def record(self) -> None:
        """Let this process ask for everything, and note what it says to PostgreSQL."""
        for size, store in self.stores.items():
            for kind in KINDS:
                draws = random.Random(kind.name)
                self.recorded[kind.name, size] = _recorded(self.world, kind, store, size, draws)
        database.dispose()

    def measure(self, url: str, seconds: float) -> None:
        """Measure all kinds, with gateways that reach the database by `url`."""
        with mock.patch.dict(os.environ, {"STORMCOM_DATABASE_URL": url}), _gateways() as gateways:
            for clients in _CLIENTS:
                empty = _load(self.world, gateways, [_request(nothing.api.prefix, "none")], clients, seconds / 2)
                self.rows.append(_row("empty endpoint", None, clients, empty, [None] * 5))
                for kind in KINDS:
                    for size in self.stores:
                        load, sql = self._measured(kind, size, clients, gateways, url, seconds)
                        self._note(kind, size, clients, load, empty_ms=empty.p50, sql_ms=sql)

    def _measured(  # noqa: PLR0917 -- each is a part of what is measured
        self, kind: Kind, size: int, clients: int, gateways: list[Child], url: str, seconds: float
    ) -> tuple[Load, float]:
        draws, store = random.Random(kind.name), self.stores[size]
        paths = [kind.paths(draws, size) for _ in range(_DIFFERENT)]
        load = _load(
            self.world,
            gateways,
            [_request("/api/v1" + path, store.publishable_key) for path in paths],
            clients,
            seconds,
        )
        told = self.recorded[kind.name, size]
        return load, floor.median_of_reads(told, url, clients=clients, seconds=seconds / 3)

    def _note(self, kind: Kind, size: int, clients: int, load: Load, *, empty_ms: float, sql_ms: float) -> None:
        told = self.recorded[kind.name, size]
        least = empty_ms + sql_ms
        counted = sum(turn.counted for one in told for turn in one.turns) / len(told)
        trips = sum(len(one.turns) for one in told) / len(told)
        self.rows.append(_row(kind.name, size, clients, load, [least, sql_ms, load.p50 / least, counted, trips]))
        self.p95s[kind.name, size, clients] = load.p95


def show_browsing(world: World, seconds: float) -> None:
    """Measure browsing on loopback and with a slow network before PostgreSQL, and print both."""
    browsing = Browsing(world, {size: _store(world, size) for size in SIZES})
    browsing.record()
    browsing.measure(world.url, seconds)
    _show(browsing, "Browsing over HTTP, PostgreSQL on loopback")
    browsing.rows.clear()
    with slow_network(world) as url:
        browsing.measure(url, seconds / 2)
    _show(browsing, f"The same with a network before PostgreSQL that takes {DELAY * 1000:.0f} ms a round trip")


def _show(browsing: Browsing, title: str) -> None:
    small, large = SIZES
    grown = (
        f"p95 at {large:,} products by that at {small:,}, {clients} shoppers: "
        + ", ".join(
            f"{kind.name} {browsing.p95s[kind.name, large, clients] / browsing.p95s[kind.name, small, clients]:.2f}"
            for kind in KINDS
        )
        for clients in _CLIENTS
    )
    show(
        title,
        _COLUMNS,
        browsing.rows,
        f"Gateway: {_PROCESSES} processes of {_THREADS} threads. Shoppers: one process. All on this machine.",
        "Statements are told by name (STORMCOM_DATABASE_DRIVER=named), which RDS Proxy is not known to take.",
        "Floor: the empty endpoint's p50 plus the same SQL's by pgbench, for as many at once. Goals: 3, 1.5, 1,500/s.",
        *grown,
    )


def _store(world: World, size: int) -> StoreUnderTest:
    store = a_store()
    assortments.summarize(world.superuser_url(), assortments.seed(world.superuser_url(), store.id, products=size))
    return store


def _recorded(world: World, kind: Kind, store: StoreUnderTest, size: int, draws: random.Random) -> list[floor.Told]:
    shopper = Client({"X-Publishable-Key": store.publishable_key})

    def ask(times: Times) -> None:
        path = kind.paths(draws, size)
        answer = times.measure(kind.name, lambda: shopper.get(path))
        assert answer.status_code == 200, f"{path}: {answer.text}"

    ask(Times())  # whatever is made and learnt at the first call
    return floor.record(world, ask, rounds=_DIFFERENT)


@contextmanager
def _gateways() -> Iterator[list[Child]]:
    with mock.patch.dict(os.environ, _AS_SERVED), ExitStack() as stack:
        first = stack.enter_context(child("serving", threads=_THREADS))
        first.port = first.hear()
        others = [
            stack.enter_context(child("serving", threads=_THREADS, port=first.port)) for _ in range(_PROCESSES - 1)
        ]
        for one in others:
            one.port = one.hear()
        yield [first, *others]


def _load(world: World, gateways: list[Child], requests: list[str], clients: int, seconds: float) -> Load:
    processes = [psutil.Process(one.pid) for one in gateways]
    with child(
        "crowd", port=gateways[0].port, requests=requests, clients=clients, seconds=seconds, warm=_WARM
    ) as crowd:
        crowd.hear()
        crowd.go()
        crowd.hear()  # from here on it counts
        cpu, database_cpu = sum(map(cpu_of, processes)), world.database_cpu()
        told: Any = crowd.hear()
        cpu, database_cpu = sum(map(cpu_of, processes)) - cpu, world.database_cpu() - database_cpu
    count = len(told["walls"])
    return Load(
        [wall * 1000 for wall in told["walls"]],
        count / told["seconds"],
        cpu * 1000 / count,
        database_cpu * 1000 / count,
        told["cpu"] * 1000 / count,
        count - told["statuses"].get("200", 0),
    )


def _request(path: str, key: str) -> str:
    lines = [f"GET {path} HTTP/1.1", "host: 127.0.0.1", "accept: application/json", f"x-publishable-key: {key}"]
    return "\r\n".join(lines) + "\r\n\r\n"


def _row(name: str, size: int | None, clients: int, load: Load, floors: list[Cell]) -> list[Cell]:
    if load.others:
        message = f"{name}: {load.others} of {len(load.walls)} were not answered 200."
        raise RuntimeError(message)
    cpus: list[Cell] = [load.gateway_cpu_ms, load.database_cpu_ms, load.shoppers_cpu_ms]
    return [name, size, clients, load.per_second, load.p50, load.p95, *floors, *cpus]
