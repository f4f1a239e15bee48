"""The gateways that are measured over HTTP, and crews of callers before them: what one load came to."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from unittest import mock

import psutil

from tests.bench.children import Child, child
from tests.bench.purchase import Shop
from tests.bench.table import percentile
from tests.bench.world import cpu_of

THREADS = 4  # of each process: while one works, others wait for PostgreSQL; with more they wait for each other
AS_DEPLOYED = "one_trip"  # the driver; see `settings.database_driver`
_WARM = 0.4  # seconds before it counts
_WARM_ACTS = 2  # of each caller, at least: the first one imports what it calls


@dataclass(frozen=True)
class Load:
    """What callers measured together. CPU milliseconds are an act's."""

    walls: list[float]  # milliseconds of whole acts
    per_second: float
    gateway_cpu_ms: float
    database_cpu_ms: float
    callers_cpu_ms: float
    others: float  # the share of the machine's time that something else took meanwhile: what the figures suffer from
    refusals: Counter[str]

    @property
    def mean(self) -> float:
        """Return the mean."""
        return sum(self.walls) / len(self.walls)

    @property
    def cpu_ms(self) -> float:
        """Return the CPU milliseconds of gateway and PostgreSQL: what a busy machine changes least."""
        return self.gateway_cpu_ms + self.database_cpu_ms

    @property
    def p50(self) -> float:
        """Return the middle."""
        return percentile(self.walls, 0.5)

    @property
    def p95(self) -> float:
        """Return what one of twenty exceeds."""
        return percentile(self.walls, 0.95)


def together(loads: Sequence[Load]) -> Load:
    """Return loads of the same kind, one after another, as one."""
    count = sum(len(one.walls) for one in loads)
    seconds = [len(one.walls) / one.per_second for one in loads]

    def mean(of: Callable[[Load], float]) -> float:
        return sum(of(one) * len(one.walls) for one in loads) / count

    return Load(
        [wall for one in loads for wall in one.walls],
        count / sum(seconds),
        mean(lambda one: one.gateway_cpu_ms),
        mean(lambda one: one.database_cpu_ms),
        mean(lambda one: one.callers_cpu_ms),
        sum(one.others * lasted for one, lasted in zip(loads, seconds, strict=True)) / sum(seconds),
        sum((one.refusals for one in loads), Counter()),
    )


@dataclass(frozen=True)
class Gateways:
    """Running processes, each on a port of its own: callers come to them in turn, as a load balancer sends them."""

    database_cpu: Callable[[], float]  # seconds so far
    ports: list[int]
    pids: list[int]
    shops: Path
    _seeds: list[int] = field(default_factory=list)

    def bear(
        self,
        act: str,
        *,
        clients: int,
        processes: int,
        seconds: float,
        preparing: float = 0,
        most: int | None = None,
    ) -> Load:
        """Let so many callers act for so many seconds before so many of the processes, or so often at most."""
        self._seeds.append(len(self._seeds))  # no two loads draw the same
        facts = {
            "act": act,
            "ports": self.ports[:processes],
            "shops": str(self.shops),
            "clients": clients,
            "seconds": seconds,
            "warm": _WARM if most is None else 0,
            "warm_acts": _WARM_ACTS if most is None else 0,
            "preparing": preparing,
            "most": most,
            "seed": self._seeds[-1],
        }
        with child("crew", **facts) as crew:
            crew.hear()  # from here on it counts
            before = self._cpus()
            crew.go()
            told: Any = crew.hear()
            after = self._cpus()
        gateway_cpu, database_cpu, whole = (now - then for now, then in zip(after, before, strict=True))
        walls = [wall * 1000 for wall in told["whole"]]
        refusals = Counter[str](told["refusals"])
        if not walls:
            message = f"No {act} went well: {dict(refusals)}"
            raise RuntimeError(message)
        count = len(walls)
        return Load(
            walls,
            count / told["seconds"],
            gateway_cpu * 1000 / count,
            database_cpu * 1000 / count,
            told["cpu"] * 1000 / count,
            _share(whole - gateway_cpu - database_cpu - told["cpu"], told["seconds"]),
            refusals,
        )

    def _cpus(self) -> tuple[float, float, float]:
        """Return the CPU seconds so far of the gateways, of PostgreSQL and of the whole machine."""
        times = psutil.cpu_times()
        busy = sum(times) - times.idle - times.iowait - times.guest - times.guest_nice
        return sum(cpu_of(psutil.Process(pid)) for pid in self.pids), self.database_cpu(), busy


def _share(cpu: float, seconds: float) -> float:
    """Return the share of the machine that this is; ticks are coarse, so that it may seem to be less than nothing."""
    return min(1.0, max(0.0, cpu / seconds / (os.cpu_count() or 1)))


@contextmanager
def gateways(
    shops: Sequence[Shop],
    *,
    url: str,
    processes: int,
    database_cpu: Callable[[], float],
    driver: str = AS_DEPLOYED,
) -> Iterator[Gateways]:
    """Run so many gateways that reach the database by `url`, for callers of these shops."""
    surroundings = {
        "STORMCOM_DATABASE_URL": url,
        "STORMCOM_DATABASE_DRIVER": driver,
        "STORMCOM_POOL_SIZE": str(THREADS),
    }
    with mock.patch.dict(os.environ, surroundings), ExitStack() as stack:
        started: list[Child] = [stack.enter_context(child("serving", threads=THREADS)) for _ in range(processes)]
        ports = [one.hear() for one in started]
        file = stack.enter_context(known(shops))
        yield Gateways(database_cpu, ports, [one.pid for one in started], file)


@contextmanager
def known(shops: Sequence[Shop]) -> Iterator[Path]:
    """Write down what callers know of these shops, which have the same variants."""
    with NamedTemporaryFile("w", prefix="stormcom-bench-", suffix=".json") as file:
        keys = [(shop.publishable_key, shop.secret_token) for shop in shops]
        json.dump({"variants": dict(shops[0].variants), "keys": keys}, file)
        file.flush()
        yield Path(file.name)
