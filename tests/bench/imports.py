"""What importing costs: each function beside the libraries that every function needs, in CPU time.

Both are measured in one fresh process, one after the other. CPU time varies by a quarter with what else the machine
does, but within a second it varies for both alike: the ratio of the two is steady to a few hundredths.
"""

import json
import os
import pkgutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LIMIT = 1.3  # times the floor that a function may cost, the floor included

# What no function can do without. The dialect's driver is among it: the dialect loads it when an engine is made.
FLOOR = (
    "import fastapi, mangum, sqlalchemy.orm, sqlalchemy.dialects.postgresql.pg8000, pg8000, pydantic\n"
    "from aws_lambda_powertools import Logger, Metrics"
)
# A function that serves HTTP builds its application when its first request comes. One that no route has needs no
# database for its answer.
FIRST_ANSWER = """
from {module} import handler
from infra.local.events import context, http_event
assert handler(http_event("GET", "/nowhere"), context("bench"))["statusCode"] == 404
"""

ROOT = Path(__file__).parents[2]
_STOPWATCH = """
import time
start = time.process_time()
{floor}
middle = time.process_time()
{code}
print(middle - start, time.process_time() - start)
"""

# A process that has the floor, and a child of it for each module: no second copy of the floor to pay for. Floor and
# child are measured at different moments, so this tells which modules are far from the limit, and no more.
_FORKING = """
import json, os, sys, time
start = time.process_time()
{floor}
floor = time.process_time() - start
ratios = {{}}
for module in {modules!r}:
    told, telling = os.pipe()
    if not os.fork():
        start = time.process_time()
        __import__(module)
        os.write(telling, repr(1 + (time.process_time() - start) / floor).encode())
        os._exit(0)
    os.close(telling)
    os.wait()
    ratios[module] = float(os.read(told, 100) or "nan")
    os.close(told)
print(json.dumps(ratios))
"""

# The same, where a child says what went wrong instead of how long it took.
_TRYING = """
import json, os, sys
sys.path.insert(0, {beside!r})
{floor}
failures = {{}}
for module in {modules!r}:
    told, telling = os.pipe()
    if not os.fork():
        said = ""
        try:
            __import__(module)
            exec({then!r})
        except BaseException as failure:
            said = f"{{type(failure).__name__}}: {{failure}}"[:1000]
        os.write(telling, said.encode())
        os._exit(0)
    os.close(telling)
    said = os.read(told, 4000).decode()
    os.wait()
    os.close(told)
    if said:
        failures[module] = said
print(json.dumps(failures))
"""


@dataclass(frozen=True)
class Cost:
    """The CPU milliseconds of the floor, and of the floor with what came on top."""

    floor_ms: float
    whole_ms: float

    @property
    def ratio(self) -> float:
        """How many times the floor it is."""
        return self.whole_ms / self.floor_ms


def functions() -> list[str]:
    """Return the name of every module under functions/ that is deployed."""
    found = pkgutil.walk_packages([str(ROOT / "functions")], "functions.")
    return sorted(module.name for module in found if not module.ispkg)


def cost(code: str, *, times: int = 1) -> Cost:
    """Run `code` after the floor so many times, each in a fresh process; return the run with the middle ratio."""
    return _middle([_measure(code) for _ in range(times)])


def estimates(modules: Sequence[str]) -> dict[str, float]:
    """Return about what each module costs, as a multiple of the floor: all of them in a few seconds.

    NaN for one that can't be imported.
    """
    found: dict[str, float] = json.loads(_run(_FORKING.format(floor=FLOOR, modules=list(modules))))
    return found


def failures(modules: Sequence[str], *, then: str, beside: Path = ROOT) -> dict[str, str]:
    """Import each module alone, where only the floor is loaded, and run `then`; return what went wrong, by module.

    `beside`: where modules are that are not the project's.
    """
    code = _TRYING.format(floor=FLOOR, modules=list(modules), then=then, beside=str(beside))
    found: dict[str, str] = json.loads(_run(code))
    return found


def _middle(costs: list[Cost]) -> Cost:
    middle = statistics.median_low(each.ratio for each in costs)
    return next(each for each in costs if each.ratio == middle)


def _measure(code: str) -> Cost:
    floor, whole = map(float, _run(_STOPWATCH.format(floor=FLOOR, code=code)).split())
    return Cost(floor * 1000, whole * 1000)


def _run(code: str) -> str:
    """Run code in a fresh process without our environment; return the last line that it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"POWERTOOLS_LOG_LEVEL": "CRITICAL", "PATH": os.defpath},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout.splitlines()[-1]
