"""What importing costs: each function beside the libraries that every function needs, in CPU time.

Both are measured in one fresh process, one after the other. CPU time varies by a quarter with what else the machine
does, but within a second it varies for both alike: the ratio of the two is steady to a few hundredths.
"""

import os
import pkgutil
import statistics
import subprocess
import sys
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


def _middle(costs: list[Cost]) -> Cost:
    middle = statistics.median_low(each.ratio for each in costs)
    return next(each for each in costs if each.ratio == middle)


def _measure(code: str) -> Cost:
    done = subprocess.run(
        [sys.executable, "-c", _STOPWATCH.format(floor=FLOOR, code=code)],
        env={"POWERTOOLS_LOG_LEVEL": "CRITICAL", "PATH": os.defpath},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    floor, whole = map(float, done.stdout.splitlines()[-1].split())
    return Cost(floor * 1000, whole * 1000)
