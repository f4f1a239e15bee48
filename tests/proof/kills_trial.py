"""One act, tried: undisturbed first, then killed at a step and sent again, which must come to the same."""

import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from migrations.tenancy import APP
from shared.core import telemetry, topology
from tests.client import Answer
from tests.proof import kills_facts
from tests.proof.kills_acts import Act, Call
from tests.proof.kills_steps import ACKNOWLEDGED, die_at, steps
from tests.proof.kills_world import World

_PATIENCE = 30.0  # seconds in which a request must be answered after all; one waits for a dead one's locks at most
_SESSIONS = "select pid from pg_stat_activity where datname = current_database() and usename = %s"  # ours is one
_ID = re.compile(r"\b[a-z]+_[0-7][0-9a-hjkmnp-tv-z]{25}\b|\b[ps]k_\w+|[0-9a-f]{12}(?:-[0-9]+)*", re.IGNORECASE)
_CHANGING = {"on_hand", "available", "version", "number", "sku", "product_title", "correlation_id", "detail", "message"}
_MOMENT = re.compile(r"^\d{4}-\d\d-\d\dT")


@dataclass
class Findings:
    """What the kills came to: how many there were, and each thing that was not as it must be."""

    kills: Counter[str] = field(default_factory=Counter)  # by act
    lost: list[str] = field(default_factory=list)  # effects, events, entries or answers
    doubled: list[str] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)  # stock, holds, leases, claims that nobody has any more
    other: list[str] = field(default_factory=list)  # answers that differ, kills that did not happen

    @property
    def ok(self) -> bool:
        """Tell whether all is as it must be."""
        return not (self.lost or self.doubled or self.leaked or self.other)

    def compare(self, where: str, expected: Mapping[str, int], found: Mapping[str, int]) -> None:
        """Note where more or less happened than without the kill."""
        for name in sorted({*expected, *found}):
            less = found.get(name, 0) - expected.get(name, 0)
            if less:
                note = f"{where}: {name} changed by {found.get(name, 0)} instead of {expected.get(name, 0)}"
                (self.lost if abs(found.get(name, 0)) < abs(expected.get(name, 0)) else self.doubled).append(note)


@dataclass(frozen=True)
class Rehearsal:
    """What an act does when nobody disturbs it."""

    trail: Sequence[str]
    change: Mapping[str, int]
    answer: Answer
    served: frozenset[str]  # the functions that had to do with it


def rehearse(world: World, act: Act, dice: int) -> Rehearsal:
    """Carry out an act, and count its steps and what it changes."""
    call = act.prepare(world, Random(dice))
    before, mark = world.facts(), world.sent.size()
    with steps.counted() as trail, _overheard() as served:
        answer = call.send()
    _rest(world, call)
    return Rehearsal(tuple(trail), _change(world, before, mark), answer, frozenset(served))


@contextmanager
def _overheard() -> Iterator[set[str]]:
    """Return which functions of the topology log an outcome meanwhile; a consumer does by its queue's name."""
    by_queue = {consumer.queue: consumer.name for consumer in topology.load().consumers}
    served, log = set(), telemetry.log_outcome

    def overhear(outcome: str, *, name: str, milliseconds: float, **facts: object) -> None:
        served.add(by_queue.get(name, name))
        log(outcome, name=name, milliseconds=milliseconds, **facts)

    telemetry.log_outcome = overhear
    try:
        yield served
    finally:
        telemetry.log_outcome = log


def kill(world: World, act: Act, dice: int, rehearsal: Rehearsal, *, step: int, findings: Findings) -> None:
    """Carry out the same act in a child that dies at `step`; send it again, twice, and compare."""
    name = rehearsal.trail[step] if step < len(rehearsal.trail) else ACKNOWLEDGED
    where = f"{act.name}, killed at step {step} ({name}), dice {dice}"
    call = act.prepare(world, Random(dice))
    before, mark, living = world.facts(), world.sent.size(), len(world.sql(_SESSIONS, APP))
    death = die_at(step, call.send)
    if death.killed_at != name:
        findings.other.append(f"{where}: it was killed at {death.killed_at}")
        return
    findings.kills[act.name] += 1
    if call.again_after:
        world.clock.tick(call.again_after)
        _let_the_dead_go(world, living)
    first = until_answered(call)
    again = until_answered(call)
    _rest(world, call)
    findings.compare(where, rehearsal.change, _change(world, before, mark))
    if death.answered is not None and _plain(death.answered) != _plain(first):
        findings.lost.append(f"{where}: {death.answered.text} was acknowledged, and then {first.text} was answered")
    if _plain(first) != _plain(again):
        findings.other.append(f"{where}: {first.text} was answered, and then {again.text}")
    shape = _shape if act.exact else _form
    if shape(first) != shape(rehearsal.answer):
        findings.other.append(f"{where}: {shape(first)} was answered instead of {shape(rehearsal.answer)}")


def _rest(world: World, call: Call) -> None:
    if call.sweep is not None:
        call.sweep()
    world.drain()


def _let_the_dead_go(world: World, living: int) -> None:
    """Wait until PostgreSQL has noticed the death, as it has by the time that a queue gives its message out again.

    `living`: how many sessions there were before. A worker skips what another holds; a client, who asks again at once,
    is told to wait instead.
    """
    deadline = time.monotonic() + _PATIENCE
    while len(world.sql(_SESSIONS, APP)) > max(living, 1) and time.monotonic() < deadline:
        time.sleep(0.001)


def until_answered(call: Call) -> Answer:
    """Send it as a good client or a queue does: again, while it is told to wait."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        answer = call.send()
        if not must_wait(answer) or time.monotonic() > deadline:
            return answer


def must_wait(answer: Answer) -> bool:
    """Tell whether a client is to send its request again, or a queue its message."""
    if answer.status_code == 200:
        return bool(answer.json().get("batchItemFailures"))
    return answer.status_code in (409, 503) and bool(answer.json()["retryable"])


def _change(world: World, before: kills_facts.Facts, mark: int) -> dict[str, int]:
    """Return what changed in the tables, and which events were told since the mark, each once however often it was."""
    return kills_facts.change(before, world.facts()) | Counter(world.told_since(mark))


def _plain(answer: Answer) -> tuple[int, bytes]:
    return answer.status_code, answer.body


def _shape(answer: Answer) -> tuple[int, Any]:
    """Return the answer without what is another's each time: ids, moments, and how much there is by now."""
    return answer.status_code, _masked(json.loads(answer.body))


def _form(answer: Answer) -> tuple[int, Any]:
    """Return the answer without its values: what it names, and of which kinds."""
    return answer.status_code, _formed(json.loads(answer.body))


def _formed(value: Any) -> Any:
    match value:
        case dict():
            return {key: _formed(inner) for key, inner in value.items()}
        case list():
            return [_formed(inner) for inner in value]
        case _:
            return type(value).__name__


def _masked(value: Any) -> Any:
    match value:
        case dict():
            return {key: "*" if key in _CHANGING else _masked(inner) for key, inner in value.items()}
        case list():
            return [_masked(inner) for inner in value]
        case str() if _MOMENT.match(value):
            return "a moment"
        case str():
            return "a link" if value.startswith("https://") else _ID.sub("an id", value)
        case _:
            return value
