"""Purchases over HTTP: the local gateway in one process, each shopper in another, all on this machine."""

import os
import statistics
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import psutil

from tests.bench import floor, workloads
from tests.bench.children import Child, child
from tests.bench.purchase import CALLS
from tests.bench.table import Cell, percentile, show
from tests.bench.world import World, cpu_of
from tests.factories import StoreUnderTest

_CLIENTS = (1, 16)
_RECORDED = 160  # purchases that pgbench repeats; each of 16 clients has ten
_GATEWAY_POOL = "20"  # connections: one for each request that the gateway serves at once, and some


@dataclass(frozen=True)
class Load:
    """What shoppers measured together. CPU milliseconds are a round's."""

    walls: list[float]  # milliseconds
    per_second: float
    gateway_cpu_ms: float
    database_cpu_ms: float
    refusals: dict[str, int]


def show_purchases(world: World, seconds: float) -> None:
    """Measure the empty endpoint and purchases with one and with many shoppers, and print them beside their floors."""
    sql = _rates(world)
    rows: list[list[Cell]] = []
    refusals = Counter[str]()
    with _gateway() as gateway:
        port = gateway.hear()
        for clients in _CLIENTS:
            empty = _measure(world, world.stores, gateway, port, clients=clients, buys=False, seconds=seconds / 2)
            rows.append([f"empty endpoint, {_shoppers(clients)}", *_row(empty), None, None])
            least = 1 / (len(CALLS) / empty.per_second + 1 / sql[clients])
            for stores in (world.stores, world.stores[:1])[:clients]:
                load = _measure(world, stores, gateway, port, clients=clients, buys=True, seconds=seconds)
                where = f"{len(stores)} stores" if len(stores) > 1 else "one store"
                rows.append([f"purchase, {_shoppers(clients)}, {where}", *_row(load), least, least / load.per_second])
                refusals.update(load.refusals)
    show(
        "Over HTTP, shoppers and PostgreSQL on the same machine",
        ("ms", "per s", "p50", "p95", "mean", "CPU of gateway", "CPU of PG", "floor per s", "ratio"),
        rows,
        f"Floor: four empty calls at as many shoppers, then the same SQL by pgbench ({_told(sql)}).",
        "The relay is not kicked: no queue stands behind the gateway here.",
        *(f"Refused: {count} times {what}" for what, count in refusals.items()),
    )


def _measure(
    world: World,
    stores: tuple[StoreUnderTest, ...],
    gateway: Child,
    port: int,
    *,
    clients: int,
    buys: bool,
    seconds: float,
) -> Load:
    process = psutil.Process(gateway.pid)
    with ExitStack() as stack:
        shoppers = [
            stack.enter_context(_shopper(stores[number % len(stores)], number, port, buys=buys, seconds=seconds))
            for number in range(clients)
        ]
        for shopper in shoppers:
            shopper.hear()
        cpu, database_cpu = cpu_of(process), world.database_cpu()
        for shopper in shoppers:
            shopper.go()
        told: list[Any] = [shopper.hear() for shopper in shoppers]
        cpu, database_cpu = cpu_of(process) - cpu, world.database_cpu() - database_cpu
    walls = [wall * 1000 for one in told for wall in one["walls"].get("purchase" if buys else "nothing", [])]
    refusals = Counter[str]()
    for one in told:
        refusals.update(one["refusals"])
    return Load(walls, len(walls) / seconds, cpu * 1000 / len(walls), database_cpu * 1000 / len(walls), refusals)


def _shopper(store: StoreUnderTest, number: int, port: int, **how: object) -> Any:
    return child(
        "shopper", port=port, publishable_key=store.publishable_key, skus=sorted(store.variants), seed=number, **how
    )


@contextmanager
def _gateway() -> Iterator[Child]:
    with mock.patch.dict(os.environ, {"STORMCOM_POOL_SIZE": _GATEWAY_POOL}), child("serving") as gateway:
        yield gateway


def _rates(world: World) -> dict[int, float]:
    """Return how many purchases a second pgbench makes, by the number of its clients."""
    load = workloads.purchase(world)
    copies = {clients: world.copy() for clients in _CLIENTS}
    recording = floor.record(world, load.round_of, rounds=_RECORDED)
    return {clients: floor.rate(recording, url, clients=clients, rounds=_RECORDED) for clients, url in copies.items()}


def _row(load: Load) -> list[Cell]:
    percentiles = [percentile(load.walls, 0.5), percentile(load.walls, 0.95)]
    return [load.per_second, *percentiles, statistics.fmean(load.walls), load.gateway_cpu_ms, load.database_cpu_ms]


def _shoppers(count: int) -> str:
    return f"{count} shoppers" if count > 1 else "one shopper"


def _told(sql: dict[int, float]) -> str:
    return ", ".join(f"{rate:.0f} purchases a second with {clients} of its clients" for clients, rate in sql.items())
