"""`python -m tests.bench [--seconds N] [imports] [purchase] [calls] [http] [delay] [browse] [day] [csv]`: measure, end.

Figures depend on the machine and on what else it does; ratios much less so. Milliseconds are printed, never asserted.
"""

import argparse
import os
import platform
import shlex
import signal
import sys
import types
from collections.abc import Callable
from typing import Never

from shared.core import clock
from tests.bench import browse, csv_files, day, imports, in_process, over_http, workloads, world
from tests.bench.table import Cell, show

_TIMES = 3  # processes in which each import is measured
_DEAREST = 8  # functions that are listed
_LONGEST = 60  # seconds of each load at most
_PATIENCE = 700  # seconds for all that does not depend on --seconds
_LOADS = 50  # loads of --seconds each, at most

type Measurement = Callable[[world.World, float], None]


def main() -> None:
    """Measure what the command line names, or everything."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="name", help=f"any of: {', '.join(['imports', *_MEASUREMENTS])}")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each load lasts (5)")
    asked = parser.parse_args()
    if unknown := set(asked.names) - {"imports", *_MEASUREMENTS}:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    if not 0 < asked.seconds <= _LONGEST:
        parser.error(f"--seconds is at most {_LONGEST}")
    names = asked.names or ["imports", *_MEASUREMENTS]
    for ending in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(ending, _end)  # everything that was started ends with the blocks that started it
    signal.alarm(int(_PATIENCE + _LOADS * asked.seconds))
    _introduce()
    if "imports" in names:
        _show_imports()
    if chosen := [measure for name, measure in _MEASUREMENTS.items() if name in names]:
        with world.running() as running:
            for measure in chosen:
                measure(running, asked.seconds)


def _introduce() -> None:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    print(f"{clock.now():%Y-%m-%d %H:%M} UTC: python -m tests.bench {shlex.join(sys.argv[1:])}".rstrip())
    print(f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, load before {load:.1f};", end=" ")
    print(f"{platform.system()} {platform.release()}, Python {platform.python_version()}.")
    print("PostgreSQL 18 on 127.0.0.1, every commit waits for the disk.", flush=True)


def _show_imports() -> None:
    costs = {name: imports.cost(f"import {name}", times=_TIMES) for name in imports.functions()}
    dearest = sorted(costs, key=lambda name: -costs[name].ratio)[:_DEAREST]
    rows: list[list[Cell]] = []
    for name in dearest:
        serves = name.endswith((".api", ".storefront", ".platform"))
        answer = imports.cost(imports.FIRST_ANSWER.format(module=name), times=_TIMES) if serves else None
        first = None if answer is None else answer.ratio
        rows.append([name, costs[name].floor_ms, costs[name].whole_ms, costs[name].ratio, first])
    show(
        f"Imports: the dearest {_DEAREST} of {len(costs)} functions",
        ("CPU ms of a fresh process", "floor", "function", "ratio", "first answer"),
        rows,
        "Floor: FastAPI, Mangum, SQLAlchemy's ORM, its dialect and driver, Pydantic, Powertools' Logger and Metrics.",
        f"Goal: a ratio of {imports.LIMIT}, for the import.",
        "First answer: the ratio when the application is built, with all routes of its domain, and has answered once.",
    )


def _purchase(running: world.World, seconds: float) -> None:
    in_process.show_beside_floors(running, [workloads.purchase(running)], seconds)


def _calls(running: world.World, seconds: float) -> None:
    loads = [workloads.order_in_one_call, workloads.adjustment, workloads.product_list]
    in_process.show_beside_floors(running, [load(running) for load in loads], seconds)


def _delay(running: world.World, seconds: float) -> None:
    loads = [workloads.purchase, workloads.order_in_one_call, workloads.adjustment, workloads.product_list]
    in_process.show_with_delay(running, [load(running) for load in loads], seconds)


_MEASUREMENTS: dict[str, Measurement] = {
    "purchase": _purchase,
    "calls": _calls,
    "http": over_http.show_purchases,
    "delay": _delay,
    "browse": browse.show_browsing,
    "day": day.show_day,
    "csv": csv_files.show_imports,
}


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="ascii") as told:  # noqa: PTH123 -- a file of the kernel's
            return next(line.partition(":")[2].strip() for line in told if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def _end(number: int, _frame: types.FrameType | None) -> Never:
    if number == signal.SIGALRM:
        sys.exit("It took too long and was ended.")
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
