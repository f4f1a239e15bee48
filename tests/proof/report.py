"""What a part of the proof found, and the one table that all parts make.

A part is a module of this folder with `run(seed: int) -> Figures`; `tests/proof/__main__.py` names them all.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

Fact = int | str

_NARROWEST = 10  # characters of the column of names


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


def table(parts: Sequence[tuple[Figures, float]]) -> str:
    """Return the summary of all parts and the seconds that each took, as people read it."""
    width = max([_NARROWEST, *(len(part.name) for part, _ in parts)])
    lines = [f"{'part':{width}}  {'':4}  {'seconds':>7}  figures"]
    for part, seconds in parts:
        facts = ", ".join(f"{_told(value)} {name}" for name, value in part.facts.items())
        lines.append(f"{part.name:{width}}  {'ok' if part.ok else 'FAIL':4}  {seconds:7.0f}  {facts}")
        lines += [f"{'':{width}}  {'':4}  {'':7}  {note}" for note in part.notes]
    return "\n".join(lines)


def _told(value: Fact) -> str:
    return f"{value:,}" if isinstance(value, int) else value
