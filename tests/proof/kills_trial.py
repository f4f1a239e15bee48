"""One act, tried: undisturbed first, then killed at a step and sent again, which must come to the same.

Where a key or a row keeps the answer, whoever asks again gets it, whenever the first process died. Where nothing does
(somebody without a session signs in; a session ends with what it did), the rows say whether it happened: wholly, or not
at all. If it did, who asks again is answered as whoever does so undisturbed, and else as the first one would have been.
"""

import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from shared.core import refusals, telemetry, topology
from tests.client import Answer
from tests.proof import kills_facts
from tests.proof.kills_acts import Act, Call
from tests.proof.kills_steps import ACKNOWLEDGED, Death, before_any_commit, die_at, steps, wait_for_the_dead
from tests.proof.kills_world import World

_PATIENCE = 30.0  # seconds in which a request must be answered after all; one waits for a dead one's locks at most
_IN_A_ROW = 3  # processes that die over one request; more would hide behind each other
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
    other: list[str] = field(default_factory=list)  # answers that differ, kills in another place
    survived: list[str] = field(default_factory=list)  # whoever had less to do than at the rehearsal, and was not met

    @property
    def ok(self) -> bool:
        """Tell whether all is as it must be."""
        return not (self.lost or self.doubled or self.leaked or self.other or self.survived)

    def compare(self, where: str, expected: Mapping[str, int], found: Mapping[str, int]) -> None:
        """Note where more or less happened than without the kill."""
        for name in sorted({*expected, *found}):
            less = found.get(name, 0) - expected.get(name, 0)
            if less:
                note = f"{where}: {name} changed by {found.get(name, 0)} instead of {expected.get(name, 0)}"
                (self.lost if abs(found.get(name, 0)) < abs(expected.get(name, 0)) else self.doubled).append(note)


@dataclass(frozen=True)
class Sent:
    """What came of sending something once: the answer, and what it changed."""

    answer: Answer
    change: Mapping[str, int]


@dataclass(frozen=True)
class Rehearsal:
    """What an act does when nobody disturbs it."""

    trail: Sequence[str]
    change: Mapping[str, int]  # in the end, when all that it recorded was told
    first: Sent
    again: Sent | None  # where no key keeps the answer
    served: frozenset[str]  # the functions that had to do with it


def rehearse(world: World, act: Act, dice: int) -> Rehearsal:
    """Carry out an act, and count its steps and what it changes."""
    call = act.prepare(world, Random(dice))
    before, mark = world.facts(), world.sent.size()
    with steps.counted() as trail, _overheard() as served:
        first = Sent(call.send(), {})
    again = None
    if act.anew is not None:
        first = Sent(first.answer, kills_facts.change(before, world.facts()))
        again = _sent(world, call)
    _rest(world, call)
    return Rehearsal(tuple(trail), _change(world, before, mark), first, again, frozenset(served))


def unfit(act: Act, rehearsal: Rehearsal) -> str | None:
    """Return why an act cannot be killed to any purpose: it is not itself, or is refused undisturbed."""
    first, again = rehearsal.first, rehearsal.again
    if act.of not in rehearsal.served:
        return f"{act.of} is not what it calls"
    if must_wait(first.answer) or (first.answer.status_code >= 400 and not act.exact):
        return f"undisturbed it is answered {first.answer.text}"
    if again is not None and again.answer.status_code != act.anew:
        return f"who asks again is answered {again.answer.text}"
    return None


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


def in_rows(act: Act, rehearsal: Rehearsal, chosen: Sequence[int]) -> list[list[int]]:
    """Return which steps one request dies at, in the order in which they are tried: the last first, which matter most.

    Before anything is committed each death leaves a request as it was, so that the next process may die as well.
    """
    early = before_any_commit(rehearsal.trail)
    waits = act.anew is not None or act.of in {consumer.name for consumer in topology.load().consumers}
    rows: list[list[int]] = []
    for step in reversed(chosen):
        if rows and not waits and rows[-1][0] < early and len(rows[-1]) < _IN_A_ROW:
            rows[-1].append(step)
        else:
            rows.append([step])
    return rows


def kill(world: World, act: Act, dice: int, rehearsal: Rehearsal, *, row: Sequence[int], findings: Findings) -> None:
    """Carry out the same act in a child that dies at a step, and so again for each step of the row.

    Then send it again, twice, and compare. Of who died before the last one of the row nothing may be left.
    """
    call = act.prepare(world, Random(dice))
    before, mark = world.facts(), world.sent.size()
    *earlier, last = (_Trial(world, act, call, rehearsal, step, f"{act.name}, dice {dice}", findings) for step in row)
    for trial in earlier:
        if trial.die() is None:
            return
        wait_for_the_dead(world.sql)
        left = kills_facts.change(before, world.facts())
        findings.leaked += [f"{trial.where}: {what} changed by {number}, uncommitted" for what, number in left.items()]
    death = last.die()
    if death is None:
        return
    if rehearsal.again is None:
        last.ask_by_the_same_key(death)
    elif not last.ask_without_a_key(death, before, rehearsal.again):
        return
    _rest(world, call)
    findings.compare(last.where, rehearsal.change, _change(world, before, mark))


@dataclass(frozen=True)
class _Trial:
    """One death, and who asks again after it."""

    world: World
    act: Act
    call: Call
    rehearsal: Rehearsal
    step: int
    which: str
    findings: Findings

    @property
    def where(self) -> str:
        """What is tried, and where it dies, in words."""
        return f"{self.which}, killed at step {self.step} ({self._name})"

    @property
    def _name(self) -> str:
        trail = self.rehearsal.trail
        return trail[self.step] if self.step < len(trail) else ACKNOWLEDGED

    def die(self) -> Death | None:
        """Let a child carry the act out and die at the step; return None where it did not."""
        death = die_at(self.step, self.call.send)
        if death.killed_at is None:
            self.findings.survived.append(f"{self.where}: it had ended before")
            return None
        if death.killed_at != self._name:
            self.findings.other.append(f"{self.where}: it was killed at {death.killed_at}")
            return None
        self.findings.kills[self.act.name] += 1
        return death

    def ask_by_the_same_key(self, death: Death) -> None:
        """Send it again, twice: both must be answered as the dead would have been, or was."""
        if self.call.again_after:
            # A worker skips what another holds; a client, who asks again at once, is told to wait instead.
            self.world.clock.tick(self.call.again_after)
            wait_for_the_dead(self.world.sql)
        first = until_answered(self.call)
        again = until_answered(self.call)
        if death.answered is not None and _plain(death.answered) != _plain(first):
            told = f"{death.answered.text} was acknowledged, and then {first.text} was answered"
            self.findings.lost.append(f"{self.where}: {told}")
        if _plain(first) != _plain(again):
            self.findings.other.append(f"{self.where}: {first.text} was answered, and then {again.text}")
        self._expect(first, self.rehearsal.first.answer)

    def ask_without_a_key(self, death: Death, before: kills_facts.Facts, again: Sent) -> bool:
        """Send it until it happened and was asked for again; return whether it did, and was not to begin anew."""
        wait_for_the_dead(self.world.sql)
        whole, left = self.rehearsal.first.change, kills_facts.change(before, self.world.facts())
        happened = bool(left)
        if happened:
            self.findings.compare(f"{self.where}, before anybody asked again", whole, left)
        elif death.answered is not None and whole:
            self.findings.lost.append(f"{self.where}: {death.answered.text} was acknowledged, and nothing is there")
        else:
            found = _sent(self.world, self.call)
            if self.act.spends and found.answer.status_code == again.answer.status_code:
                self._compare("begun anew", again, found)
                return False
            self._compare("asked for again", self.rehearsal.first, found)
        self._compare("asked for once more", again, _sent(self.world, self.call))
        return True

    def _compare(self, when: str, expected: Sent, found: Sent) -> None:
        self.findings.compare(f"{self.where}, {when}", expected.change, found.change)
        self._expect(found.answer, expected.answer)

    def _expect(self, answer: Answer, expected: Answer) -> None:
        shape = _shape if self.act.exact else _form
        if shape(answer) != shape(expected):
            note = f"{self.where}: {shape(answer)} was answered instead of {shape(expected)}"
            self.findings.other.append(note)


def _sent(world: World, call: Call) -> Sent:
    """Send it until it is answered; that it is refused is written down once a minute, and here each time."""
    before = world.facts()
    refusals.forget()
    answer = until_answered(call)
    return Sent(answer, kills_facts.change(before, world.facts()))


def _rest(world: World, call: Call) -> None:
    if call.sweep is not None:
        call.sweep()
    world.drain()


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
    return answer.status_code, _masked(_read(answer))


def _form(answer: Answer) -> tuple[int, Any]:
    """Return the answer without its values: what it names, and of which kinds."""
    return answer.status_code, _formed(_read(answer))


def _read(answer: Answer) -> Any:
    return json.loads(answer.body) if answer.body else None


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
