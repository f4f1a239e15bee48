"""One process of kills: reads a plan as one line of JSON on stdin, kills until it is through, and tells what it found.

A process of its own, since only one without threads may fork and go on; the environment is a function's. The plan:
`{"acts": ["cart: add a line", ...], "by_turns": [], "seed": 7, "most": 100, "seconds": 20, "sampled": true,
"superuser_url": "...", "into": "..."}`.
"""

import gc
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import Any

from shared.core import clock, topology
from shared.core.settings import settings
from tests.proof import kills_facts
from tests.proof.kills_acts import Act
from tests.proof.kills_background import sweep_messages
from tests.proof.kills_list import ACTS
from tests.proof.kills_planted import PLANTED
from tests.proof.kills_steps import each_boundary_once, watch_the_wire
from tests.proof.kills_trial import Findings, in_rows, kill, rehearse, unfit
from tests.proof.kills_world import World, put_queues_into

_MOST_NOTES = 20  # of each kind; one mistake is found at many steps
_OLD = 60  # kills after which a store is left for a new one: what counts its rows has more to do each time


@dataclass(frozen=True)
class Plan:
    """What one process is to do."""

    acts: list[str]  # each of them once a round
    by_turns: list[str]  # one after each of those, at each boundary once
    seed: int
    most: int  # kills after which it is through
    seconds: float  # after which it is through
    sampled: bool  # each boundary once, and then it is through; or every step, again and again
    superuser_url: str
    into: Path  # where it tells what it found
    planted: str | None = None  # a mistake that is made on purpose, to see that it is found


def main() -> None:
    """Carry out one plan."""
    given = json.loads(sys.stdin.readline())
    plan = Plan(**given | {"into": Path(given["into"])})
    list(topology.modules())  # warm: what is killed is the request, not its imports
    watch_the_wire()
    if plan.planted:
        PLANTED[plan.planted]()
    sent = put_queues_into(settings().local_dir / "queues")
    with kills_facts.looking(plan.superuser_url) as sql, clock.frozen(clock.now()) as present:
        kills_facts.prepare(sql)
        course = Course(plan, Random(plan.seed), time.monotonic() + plan.seconds)
        while not course.is_through():
            course.go_round(partial(World.open, course.rng, sql, present, sent))
            if plan.sampled:
                break
    plan.into.write_text(json.dumps(_told(course.findings)))


@dataclass
class Course:
    """The kills of one process, and what they came to so far."""

    plan: Plan
    rng: Random
    deadline: float
    findings: Findings = field(default_factory=Findings)

    @cached_property
    def turns(self) -> Iterator[str]:
        """Those that take turns, for ever."""
        return cycle(self.plan.by_turns)

    def go_round(self, open_world: Callable[[], World]) -> None:
        """Kill each act, and after each one of those that take turns, in stores that are new enough."""
        world, until = open_world(), self.findings.kills.total() + _OLD
        for each in self.plan.acts:
            for name in (each, *islice(self.turns, 1)):
                if self.findings.kills.total() > until:
                    world, until = open_world(), self.findings.kills.total() + _OLD
                gc.freeze()  # what exists is not looked at again, so that a fork copies little
                self.kill_everywhere(world, ACTS[name], sampled=self.plan.sampled or name != each)

    def is_through(self) -> bool:
        """Tell whether there were enough kills, or was enough time."""
        return self.findings.kills.total() >= self.plan.most or time.monotonic() > self.deadline

    def kill_everywhere(self, world: World, act: Act, *, sampled: bool) -> None:
        """Kill an act at each of its steps, the last ones first: they matter most, if the time is short."""
        if self.is_through():
            return
        dice = self.rng.randrange(2**32)
        rehearsal = rehearse(world, act, dice)
        if why := unfit(act, rehearsal):
            self.findings.other.append(f"{act.name}, dice {dice}: {why}")
            return
        every = range(len(rehearsal.trail) + 1)
        chosen = each_boundary_once(rehearsal.trail, self.rng.choice) if sampled else every
        for row in in_rows(act, rehearsal, chosen):
            if self.is_through():
                break
            kill(world, act, dice, rehearsal, row=row, findings=self.findings)
        sweep_messages(world)
        world.drain()
        broken = kills_facts.broken_since(world.sql, world.since)
        self.findings.leaked += [f"{act.name}, dice {dice}: {what}" for what in broken]


def _told(findings: Findings) -> dict[str, Any]:
    found = {name: getattr(findings, name) for name in ("lost", "doubled", "leaked", "other", "survived")}
    counts = {name: len(notes) for name, notes in found.items()}
    notes = [note for each in found.values() for note in each[:_MOST_NOTES]]
    return {"kills": dict(findings.kills), "counts": counts, "notes": notes}


if __name__ == "__main__":
    main()
