"""`python -m tests.bench [--seconds N] [--stores N] [names]`: measure what is named, or everything; print it; end.

Names: imports, purchase, calls, delay, http, hot, memory, audit, signing_in, browse, day, csv. Tables go to standard
output, how far it is to standard error. Figures depend on the machine and on what else it does; ratios much less so.
Milliseconds are printed, never asserted.
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
from tests.bench import (
    acts,
    audit,
    browse,
    csv_files,
    day,
    hot,
    imports,
    in_process,
    memory,
    over_http,
    signing_in,
    workloads,
    world,
)
from tests.bench.table import Cell, show, tell

_TIMES = 3  # processes in which the import of a dear function is measured
_DEAREST = 8  # functions that are dear
_LONGEST = 60  # seconds of each load at most
_PATIENCE = 1200  # seconds for all that does not depend on --seconds
_LOADS = 130  # loads of --seconds each, at most

type Measurement = Callable[[world.World, float], None]


def main() -> None:
    """Measure what the command line names, or everything."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="name", help=f"any of: {', '.join(['imports', *_MEASUREMENTS])}")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each load lasts (3)")
    parser.add_argument("--stores", type=int, default=world.MANY, help=f"how many are many ({world.MANY})")
    asked = parser.parse_args()
    if unknown := set(asked.names) - {"imports", *_MEASUREMENTS}:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    if not 0 < asked.seconds <= _LONGEST:
        parser.error(f"--seconds is at most {_LONGEST}")
    if asked.stores <= 1:
        parser.error("--stores is at least 2")
    names = asked.names or ["imports", *_MEASUREMENTS]
    for ending in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(ending, _end)  # everything that was started ends with the blocks that started it
    signal.alarm(int(_PATIENCE + _LOADS * asked.seconds))
    _introduce()
    if "imports" in names:
        _show_imports()
        tell("imports are measured")
    if chosen := {name: measure for name, measure in _MEASUREMENTS.items() if name in names}:
        with world.running(many=asked.stores) as running:
            for name, measure in chosen.items():
                tell(name)
                measure(running, asked.seconds)
                sys.stdout.flush()
    tell("done")


def _introduce() -> None:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    print(f"{clock.now():%Y-%m-%d %H:%M} UTC: python -m tests.bench {shlex.join(sys.argv[1:])}".rstrip())
    print(f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, load before {load:.1f};", end=" ")
    print(f"{platform.system()} {platform.release()}, Python {platform.python_version()}.")
    print("PostgreSQL 18 on 127.0.0.1, every commit waits for the disk.", flush=True)


def _show_imports() -> None:
    costs = {name: imports.cost(f"import {name}") for name in imports.functions()}
    tell("every function is imported once")
    ordered = sorted(costs, key=lambda name: -costs[name].ratio)
    firsts: dict[str, float] = {}
    for name in ordered[:_DEAREST]:
        costs[name] = imports.cost(f"import {name}", times=_TIMES)
        if name.endswith((".api", ".storefront", ".platform")):
            firsts[name] = imports.cost(imports.FIRST_ANSWER.format(module=name), times=_TIMES).ratio
    rows: list[list[Cell]] = [
        [name, costs[name].floor_ms, costs[name].whole_ms, costs[name].ratio, firsts.get(name)] for name in ordered
    ]
    show(
        f"Imports of all {len(costs)} functions",
        ("CPU ms of a fresh process", "floor", "function", "ratio", "first answer"),
        rows,
        f"Each once; the dearest {_DEAREST}: the middle of {_TIMES}. Goal: a ratio of {imports.LIMIT}, for the import.",
        "Floor: FastAPI, Mangum, SQLAlchemy's ORM, its dialect and driver, Pydantic, Powertools' Logger and Metrics.",
        "First answer: the ratio when the application is built, with all routes of its domain, and has answered once.",
    )


def _purchase(running: world.World, seconds: float) -> None:
    in_process.show_beside_floors(running, [workloads.acting(running.stores, acts.PURCHASE)], seconds)


def _calls(running: world.World, seconds: float) -> None:
    loads = [workloads.acting(running.stores, name) for name in (acts.ADD_LINE, acts.ORDER, acts.CANCEL, acts.ADJUST)]
    in_process.show_beside_floors(running, [*loads, workloads.product_list(running)], seconds)


def _delay(running: world.World, seconds: float) -> None:
    loads = [workloads.acting(running.stores, name) for name in (acts.PURCHASE, acts.ORDER, acts.ADJUST)]
    in_process.show_with_delay(running, [*loads, workloads.product_list(running)], seconds)


_MEASUREMENTS: dict[str, Measurement] = {
    "purchase": _purchase,
    "calls": _calls,
    "delay": _delay,
    "http": over_http.show_trade,
    "hot": hot.show_hot_product,
    "memory": memory.show_memory,
    "audit": audit.show_audit,
    "signing_in": signing_in.show_signing_in,
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
