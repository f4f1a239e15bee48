"""Figures of a run, a pytest plugin: what tests counted, summed over the workers and printed at the end.

A test adds what it saw: `figures.add("walls between stores", probes=12)`. A figure of things that may be seen again, by
another test or worker, counts them once: `figures.add_distinct("walls between stores", "routes", [name])`.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

_CARRIED = "figures"  # the key in what a worker hands over at its end


@dataclass
class Figures:
    """Counts by their line and name, and what was seen at least once."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    seen: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    def add(self, line: str, **counts: int) -> None:
        """Add to the counts of a line; a count of nothing makes it stand there as 0."""
        total = self.counts.setdefault(line, Counter())
        for name, count in counts.items():
            total[name] += count

    def add_distinct(self, line: str, name: str, things: Iterable[str]) -> None:
        """Add things that are counted once, however often they are seen."""
        known = self.seen.setdefault(line, {}).setdefault(name, set())
        known.update(hashlib.blake2b(thing.encode(), digest_size=8).hexdigest() for thing in things)

    def packed(self) -> dict[str, Any]:
        """Return all of it in plain values, which pytest-xdist carries from process to process."""
        counts = {line: dict(counted) for line, counted in self.counts.items()}
        seen = {line: {name: sorted(known) for name, known in names.items()} for line, names in self.seen.items()}
        return {"counts": counts, "seen": seen}

    def take_in(self, packed: Mapping[str, Any]) -> None:
        """Add what another process packed."""
        for line, counted in packed["counts"].items():
            self.add(line, **counted)
        for line, names in packed["seen"].items():
            for name, known in names.items():
                self.seen.setdefault(line, {}).setdefault(name, set()).update(known)

    def lines(self) -> list[str]:
        """Return the lines as people read them."""
        told = []
        for line in sorted({*self.counts, *self.seen}):
            parts = [f"{name.replace('_', ' ')} {count}" for name, count in self.counts.get(line, {}).items()]
            parts += [f"{name.replace('_', ' ')} {len(known)}" for name, known in self.seen.get(line, {}).items()]
            told.append(f"{line}: {', '.join(parts)}")
        return told


of_this_run = Figures()


@pytest.fixture
def figures() -> Figures:
    """Return the figures of this run, to add to."""
    return of_this_run


@pytest.hookimpl(trylast=True)  # after those that add to them at the end
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a worker, hand the figures over."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_CARRIED] = of_this_run.packed()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take in what a worker handed over; one that crashed has nothing to hand over."""
    packed = getattr(node, "workeroutput", {}).get(_CARRIED)
    if packed is not None:
        of_this_run.take_in(packed)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures."""
    lines = of_this_run.lines()
    if lines:
        terminalreporter.section("figures")
    for line in lines:
        terminalreporter.line(line)
