"""What a sign-in costs, and whether its time tells who has an account.

Four kinds in turn, each from an address of its own: with the right password, with a wrong one, with an address that
nobody has, and argon2 alone. Whether a wrong password and an unknown address can be told apart by time is answered by
how often the one takes longer than the other, of all pairs (0.5: as often as not).
"""

import statistics
import time
from collections.abc import Callable
from itertools import count, cycle
from random import Random

from shared.core import passwords
from tests.bench.table import Cell, percentile, show
from tests.bench.world import World
from tests.identity.people import PASSWORD, a_browser, a_person, an_address

type Act = Callable[[], int]

GOAL = 60  # milliseconds of CPU
_PEOPLE = 60  # so that nobody's limit of tries is met
_TRIED_ONCE = 150  # whose password is got wrong: once each, as an address that nobody has is tried once
_WARM = 5

RIGHT, WRONG, UNKNOWN, ARGON2 = "the right password", "a wrong password", "an unknown address", "argon2 alone"


def show_signing_in(_world: World, seconds: float) -> None:
    """Sign in for so many seconds, and print what it took."""
    people, tried_once = cycle([a_person() for _ in range(_PEOPLE)]), iter([a_person() for _ in range(_TRIED_ONCE)])
    kept, numbers = passwords.hash(PASSWORD), count()
    acts: dict[str, Act] = {
        RIGHT: lambda: next(people).sign_in().status_code,
        WRONG: lambda: next(tried_once).sign_in(password=f"wrong kettle {next(numbers)}").status_code,
        UNKNOWN: lambda: (
            a_browser().post("/session", json={"email": an_address(), "password": "wrong kettle"}).status_code
        ),
        ARGON2: lambda: 200 if passwords.matches(kept, PASSWORD) else 0,
    }
    expected = {RIGHT: 200, WRONG: 401, UNKNOWN: 401, ARGON2: 200}
    walls: dict[str, list[float]] = {kind: [] for kind in acts}
    cpus: dict[str, list[float]] = {kind: [] for kind in acts}
    draws = Random("signing in")
    rounds, end = 0, time.monotonic() + 2 * seconds
    # Half of the people's thirty tries an hour at most, however long it may last.
    while rounds < _WARM or (time.monotonic() < end and rounds < _TRIED_ONCE):
        order = list(acts)
        draws.shuffle(order)  # what comes after argon2 alone finds the processor's caches empty, whichever it is
        for kind in order:
            wall, cpu = time.perf_counter(), time.process_time()
            status = acts[kind]()
            cpus[kind].append((time.process_time() - cpu) * 1000)
            walls[kind].append((time.perf_counter() - wall) * 1000)
            assert status == expected[kind], kind
        rounds += 1
    rows: list[list[Cell]] = [_row(kind, walls[kind][_WARM:], cpus[kind][_WARM:]) for kind in acts]
    show(
        "Signing in",
        ("in process, ms", "times", "p50", "p95", "mean", "CPU p50", "CPU mean"),
        rows,
        f"Goal: {GOAL} ms of CPU. OWASP's argon2id: 19 MiB, two passes, one lane.",
        f"An unknown address takes longer than a wrong password in {_share(walls):.3f} of all pairs "
        f"(by CPU: {_share(cpus):.3f}).",
    )


def _row(kind: str, walls: list[float], cpus: list[float]) -> list[Cell]:
    middle, high = percentile(walls, 0.5), percentile(walls, 0.95)
    return [kind, len(walls), middle, high, statistics.fmean(walls), statistics.median(cpus), statistics.fmean(cpus)]


def _share(times: dict[str, list[float]]) -> float:
    """Return in which share of all pairs the unknown address takes longer; ties count half."""
    unknown, wrong = times[UNKNOWN][_WARM:], times[WRONG][_WARM:]
    longer = sum((one > other) + (one == other) / 2 for one in unknown for other in wrong)
    return longer / (len(unknown) * len(wrong))
