"""Calls through the handlers of this process, one at a time, each beside its floor."""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from shared.core import driver
from tests.bench import floor, workloads
from tests.bench.acts import EMPTY
from tests.bench.children import child
from tests.bench.purchase import Times
from tests.bench.table import Cell, percentile, show
from tests.bench.workloads import BARE, Exhausted, Workload
from tests.bench.world import World

DELAY = 0.001  # seconds
_WARM = 20  # rounds before it counts
_RECORDED = 60  # rounds
_PREPARED = 150  # rounds for each second, where a round uses up what was made before
_COLUMNS = (
    "one client, in process, ms",
    "per s",
    "p50",
    "p95",
    "mean",
    "CPU",
    "CPU of PG",
    "statements",
    "trips",
    "floor",
    "ratio",
)


@dataclass(frozen=True)
class Measured:
    """The times of a workload, and the CPU milliseconds of a round that PostgreSQL took."""

    workload: Workload
    times: Times
    database_cpu_ms: float

    def mean(self, name: str) -> float:
        """Return the mean milliseconds of a call."""
        return statistics.fmean(self.times.walls[name]) * 1000

    def median(self, name: str) -> float:
        """Return the middle of a call's milliseconds."""
        return statistics.median(self.times.walls[name]) * 1000

    def row(self, name: str) -> list[Cell]:
        """Return what stands in the table of a call, up to the CPU time."""
        walls = [wall * 1000 for wall in self.times.walls[name]]
        mean, cpu = statistics.fmean(walls), self.times.cpus[name] * 1000 / len(walls)
        whole = name == self.workload.whole
        percentiles = [percentile(walls, 0.5), percentile(walls, 0.95)]
        return [name, 1000 / mean, *percentiles, mean, cpu, self.database_cpu_ms if whole else None]


def measure(workload: Workload, world: World, seconds: float) -> Measured:
    """Do rounds for so many seconds, after some that do not count."""
    workload.prepare(_WARM + 1 + int(seconds * _PREPARED))
    for _ in range(_WARM):
        workload.round_of(Times())
    times, before, rounds = Times(), world.database_cpu(), 0
    end = time.monotonic() + seconds
    with suppress(Exhausted):
        while time.monotonic() < end:
            workload.round_of(times)
            rounds += 1
    return Measured(workload, times, (world.database_cpu() - before) * 1000 / rounds)


def show_beside_floors(world: World, loads: list[Workload], seconds: float) -> None:
    """Measure workloads and their floors, and print them."""
    empty = measure(workloads.empty_endpoint(), world, seconds / 4)
    bare = measure(workloads.bare_endpoint(), world, seconds / 4)
    rows = [[*row, 0, 0, None, None] for row in (bare.row(BARE), empty.row(EMPTY))]
    for load in loads:
        recording, sql = _recorded(world, load)
        measured = measure(load, world, seconds)
        parts = [_part(recording, sql, name, empty.mean(EMPTY)) for name in load.calls]
        for name, part in zip(load.calls, parts, strict=True):
            rows.append([*measured.row(name), *part, measured.mean(name) / part[2]])
        if len(load.calls) > 1:
            whole = [sum(figures) for figures in zip(*parts, strict=True)]
            rows.append([*measured.row(load.whole), *whole, measured.mean(load.whole) / whole[2]])
    show(
        "Calls beside their floors",
        _COLUMNS,
        rows,
        "Statements are without BEGIN, SET, COMMIT and SAVEPOINT; trips are network round trips, COMMIT's included.",
        "Floor: the empty endpoint plus the same SQL by pgbench on a copy; ratio: mean by floor.",
    )


def show_with_delay(world: World, loads: list[Workload], seconds: float) -> None:
    """Measure workloads with and without a slow network before PostgreSQL, and print both."""
    rows: list[list[Cell]] = []
    with slow_network(world) as url:
        near = _trip(world.url)
        far = _trip(url)
        for load in loads:
            beside = measure(load, world, seconds / 2)
            with world.connected_by(url):
                delayed = measure(load, world, seconds / 2)
            # Medians: a difference of means would show what else the machine did meanwhile.
            before, after = beside.median(load.whole), delayed.median(load.whole)
            rows.append([load.whole, before, after, after / before, (after - before) / (far - near)])
    show(
        f"A network that takes {DELAY * 1000:.0f} ms a round trip",
        ("in process, p50, ms", "loopback", "delayed", "ratio", "trips' worth"),
        rows,
        f"A bare `select 1` takes {near:.2f} ms on loopback and {far:.2f} ms over the slow network.",
    )


@contextmanager
def slow_network(world: World) -> Iterator[str]:
    """Put a slow network before PostgreSQL, for the block; return the way through it."""
    with slow_port(world) as port:
        yield world.url_through(port)


@contextmanager
def slow_port(world: World) -> Iterator[int]:
    """Put a slow network before PostgreSQL, for the block; return the port behind which it lies."""
    with child("delay", port=world.cluster.port, seconds=DELAY) as network:
        yield network.hear()


def _recorded(world: World, load: Workload) -> tuple[list[floor.Told], dict[str, float]]:
    load.prepare(1 + _RECORDED)
    load.round_of(Times())  # whatever is made at the first call
    url = world.copy()
    recording = floor.record(world, load.round_of, rounds=_RECORDED)
    return recording, floor.latencies(recording, url)


def _part(recording: list[floor.Told], sql: dict[str, float], name: str, empty_ms: float) -> list[float]:
    """Return the statements, the round trips and the floor's milliseconds of a call."""
    calls = [told for told in recording if told.name == name]
    statements = sum(turn.counted for told in calls for turn in told.turns) / len(calls)
    return [statements, sum(len(told.turns) for told in calls) / len(calls), empty_ms + sql[name]]


def _trip(url: str) -> float:
    with driver.connect_to(url) as connection:
        connection.autocommit = True
        cursor, taken = connection.cursor(), []
        for _ in range(200):
            started = time.perf_counter()
            cursor.execute("select 1")
            taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)
