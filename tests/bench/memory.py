"""The memory of the running system, as `make dev` starts it: at rest, and after a load that went all its ways.

Memory that processes share is counted once: of each it is its proportional share (PSS).
"""

import http.client
import json
import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from tests.bench.acts import PURCHASE
from tests.bench.gateways import Gateways, Load, known
from tests.bench.purchase import Shop
from tests.bench.table import Cell, show, tell
from tests.bench.world import World, cpu_of
from tests.local.running import Process, running

_CLIENTS = 16
_PRODUCTS, _PLENTY = 20, 1_000_000
_SYSTEM, _POSTGRES, _AWS = "gateway, queue pump, scheduler", "PostgreSQL", "emulated AWS (moto)"
_MEBIBYTE = 2**20


@dataclass
class Taken:
    """What the processes of one part take, in bytes."""

    processes: int = 0
    pss: int = 0
    rss: int = 0


def show_memory(_world: World, seconds: float) -> None:
    """Print the memory of a system of its own."""
    show_memory_after(seconds)


def show_memory_after(seconds: float) -> None:
    """Start the system, buy, and print what each of its parts takes."""
    with TemporaryDirectory(prefix="stormcom-bench-dev-") as folder, running(Path(folder) / ".stormcom") as system:
        before = _taken(system)
        shop = _stocked(system)
        tell("the system runs")
        load = _bought(system, shop, seconds)
        after = _taken(system)
    rows = [_row(part, before[part], after[part]) for part in (_SYSTEM, _POSTGRES, _AWS)]
    rows.append(_row("all", _sum(before), _sum(after)))
    show(
        f"Memory of what `make dev` runs, before and after {len(load.walls)} purchases by {_CLIENTS} clients",
        ("MiB", "processes", "PSS at rest", "PSS after", "RSS after"),
        rows,
        "PSS: what processes share is counted once. RSS: it is counted in each of them.",
        f"{load.per_second:.0f} purchases a second, p50 {load.p50:.0f} ms, p95 {load.p95:.0f} ms: by one process, while"
        " consumers, schedules and the emulated AWS work on the same machine.",
        *(f"Refused: {count} times {what}" for what, count in load.refusals.items()),
    )


def _taken(system: Process) -> dict[str, Taken]:
    found: dict[str, Taken] = defaultdict(Taken)
    for process in (psutil.Process(system.process.pid), *system.relatives()):
        told = process.memory_full_info()
        taken = found[_part_of(process, system)]
        taken.processes += 1
        taken.pss += told.pss
        taken.rss += told.rss
    return found


def _part_of(process: psutil.Process, system: Process) -> str:
    if process.pid == system.process.pid:
        return _SYSTEM
    return _POSTGRES if process.name().startswith("postgres") else _AWS


def _row(part: str, before: Taken, after: Taken) -> list[Cell]:
    return [part, after.processes, before.pss / _MEBIBYTE, after.pss / _MEBIBYTE, after.rss / _MEBIBYTE]


def _sum(parts: dict[str, Taken]) -> Taken:
    each = parts.values()
    return Taken(sum(one.processes for one in each), sum(one.pss for one in each), sum(one.rss for one in each))


def _bought(system: Process, shop: Shop, seconds: float) -> Load:
    def database_cpu() -> float:
        return sum(cpu_of(one) for one in system.relatives() if _part_of(one, system) == _POSTGRES)

    with known([shop]) as shops:
        gateway = Gateways(database_cpu, [system.port], [system.process.pid], shops)
        return gateway.bear(PURCHASE, clients=_CLIENTS, processes=1, seconds=seconds)


def _stocked(system: Process) -> Shop:
    """Give the first demo store products that will not be sold out."""
    store = system.dev["stores"][0]
    variants = dict(_on_sale(system, store["secret_token"]))
    return Shop(store["publishable_key"], store["secret_token"], variants)


def _on_sale(system: Process, token: str) -> Iterator[tuple[str, str]]:
    for number in range(_PRODUCTS):
        sku = f"BENCH-{number}"
        wanted = {"title": f"Product {sku}", "status": "active", "variants": [{"sku": sku, "price": 1000}]}
        variant = _post(system, token, "/products", wanted)["variants"][0]["id"]
        found = {"delta": _PLENTY, "kind": "initial", "reason": "First count"}
        _post(system, token, f"/inventory/{variant}/adjustments", found)
        yield sku, variant


def _post(system: Process, token: str, path: str, body: object) -> Any:
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Idempotency-Key": str(uuid.uuid4()),
    }
    connection = http.client.HTTPConnection("127.0.0.1", system.port, timeout=30)
    try:
        connection.request("POST", "/api/v1" + path, json.dumps(body), headers)
        answer = connection.getresponse()
        told = json.loads(answer.read())
    finally:
        connection.close()
    assert answer.status == 201, told
    return told
