"""What a part of the proof found, and the one table that all parts make.

A part is a module of this folder with `run(seed: int) -> Figures`; `tests/proof/__main__.py` names them all.
"""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

Fact = int | str

_PROCESSORS = Path("/proc/cpuinfo")  # of Linux
_GIB = 2**30


@dataclass(frozen=True)
class Figures:
    """What one part counted, in the order in which people should read it, and whether it is as it must be."""

    name: str
    facts: Mapping[str, Fact]
    ok: bool
    notes: Sequence[str] = field(default_factory=tuple)  # whole sentences, one for each thing that is not as it must be

    def packed(self) -> str:
        """Return all of it as one line of JSON, which goes from process to process."""
        return json.dumps(asdict(self))

    @classmethod
    def unpacked(cls, line: str) -> "Figures":
        """Return what another process packed."""
        return cls(**json.loads(line))


@dataclass(frozen=True)
class Row:
    """A part in the table."""

    figures: Figures
    seconds: float
    together: str = ""  # the part that ran at the same time


def table(rows: Sequence[Row], *, seconds: float) -> str:
    """Return the summary of all parts, as Markdown; below it one line for each thing that is not as it must be."""
    lines = ["| part | | minutes | figures |", "|---|---|---|---|"]
    for row in rows:
        facts = ", ".join(f"{_told(value)} {name}" for name, value in row.figures.facts.items())
        beside = f" (beside {row.together})" if row.together else ""
        lines.append(f"| {row.figures.name} | {_verdict([row])} | {row.seconds / 60:.1f}{beside} | {facts} |")
    lines.append(f"| **all** | {_verdict(rows)} | {seconds / 60:.1f} | |")
    notes = [f"- {row.figures.name}: {note}" for row in rows for note in row.figures.notes]
    return "\n".join([*lines, "", *notes] if notes else lines)


def heading(*, parts: Sequence[str], seed: int, day: date) -> str:
    """Return how the figures were come by: command, day and machine, in one sentence."""
    command = " ".join(["python -m tests.proof", *parts, f"--seed {seed}"])
    return f"`{command}`, {day.isoformat()}, on {_machine()}:"


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIB
    return f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GiB, Python {platform.python_version()}"


def _processor() -> str:
    if not _PROCESSORS.exists():
        return platform.machine()
    lines = _PROCESSORS.read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _verdict(rows: Sequence[Row]) -> str:
    return "ok" if all(row.figures.ok for row in rows) else "**FAIL**"


def _told(value: Fact) -> str:
    return f"{value:,}" if isinstance(value, int) else value
