"""`make proof`: part after part, each in a process of its own, and at the end one table, ready for the README.

`python -m tests.proof races` runs one part alone; `--seed 7` repeats a run. The seed is printed first. Parts that keep
one core busy run two at a time.
"""

import argparse
import importlib
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from shared.core import clock
from tests.proof import report
from tests.proof.report import Figures, Row


@dataclass(frozen=True)
class Part:
    """A part of the proof: the module whose `run(seed)` it starts, and the minutes that two quiet cores may take."""

    module: str
    minutes: float


# By the word to type, in the order in which a reader wants the table.
PARTS = {
    "races": Part("tests.proof.races", 3),
    "kills": Part("tests.proof.kills", 11),
    "imports": Part("tests.proof.imports", 2.5),
    "faults": Part("tests.proof.faults", 2),
    "tenants": Part("tests.proof.tenants", 2),
    "tampers": Part("tests.proof.tampers", 1),
    "lifecycle": Part("tests.proof.lifecycle_figures", 2),
    "bad-input": Part("tests.proof.bad_input", 5),
    "mutations": Part("tests.proof.mutations", 3.5),
}
TOGETHER = {"tenants": "lifecycle"}  # one process each, and nothing that is measured
LONGEST_SECONDS = 30 * 60  # of the whole proof; a part that is still running then is ended, and the proof fails


def main(arguments: Sequence[str]) -> int:
    """Run the parts that are named, or all; return 0 if every one is as it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    parser.add_argument("--seed", type=int, default=None, help="the seed of a run to repeat")
    parser.add_argument("--into", type=Path, default=None, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    unknown = [part for part in chosen.parts if part not in PARTS]
    if unknown:
        parser.error(f"There is no part {', '.join(unknown)}; there are {', '.join(PARTS)}.")
    seed = chosen.seed if chosen.seed is not None else secrets.randbelow(2**32)
    if chosen.into is not None:
        [part] = chosen.parts
        chosen.into.write_text(_run(part, seed).packed())
        return 0
    print(f"seed {seed}", flush=True)
    return _run_each(chosen.parts, seed)


def rounds(parts: Sequence[str]) -> list[tuple[str, ...]]:
    """Return which parts run at the same time, round after round."""
    found: list[tuple[str, ...]] = []
    for part in parts:
        if any(part in earlier for earlier in found):
            continue
        other = TOGETHER.get(part)
        found.append((part, other) if other in parts and other is not None else (part,))
    return found


def _run(part: str, seed: int) -> Figures:
    found: Figures = importlib.import_module(PARTS[part].module).run(seed)
    return found


def _run_each(parts: Sequence[str], seed: int) -> int:
    begun = time.monotonic()
    rows: list[Row] = []
    for together in rounds(parts or list(PARTS)):
        print(f"{' and '.join(together)}, about {max(PARTS[part].minutes for part in together):g} minutes", flush=True)
        left = begun + LONGEST_SECONDS - time.monotonic()
        with ThreadPoolExecutor(len(together)) as crew:
            rows += crew.map(lambda part, among=together, left=left: _row(part, seed, among, seconds=left), together)
    heading = report.heading(parts=parts, seed=seed, day=clock.now().date())
    print(f"\n{heading}\n\n{report.table(rows, seconds=time.monotonic() - begun)}", flush=True)
    return 0 if all(row.figures.ok for row in rows) else 1


def _row(part: str, seed: int, together: Sequence[str], *, seconds: float) -> Row:
    started = time.monotonic()
    figures = _in_a_process(part, seed, seconds=seconds, aloud=len(together) == 1)
    others = ", ".join(other for other in together if other != part)
    return Row(figures, time.monotonic() - started, others)


def _in_a_process(part: str, seed: int, *, seconds: float, aloud: bool) -> Figures:
    """Run a part where no other part has left settings, connections or threads behind.

    What it prints is seen as it comes, or, of parts that run together, when it has ended.
    """
    with tempfile.TemporaryDirectory() as folder:
        into = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "tests.proof", part, "--seed", str(seed), "--into", str(into)]
        with (Path(folder) / "printed").open("w+") as printed:
            try:
                ended = subprocess.run(
                    command,
                    stdout=None if aloud else printed,
                    stderr=None if aloud else subprocess.STDOUT,
                    timeout=max(seconds, 1),
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return Figures(part, {}, ok=False, notes=["It was still running at the end of the proof's time."])
            finally:
                printed.seek(0)
                print(printed.read(), end="", flush=True)
        if ended.returncode or not into.exists():
            return Figures(part, {}, ok=False, notes=[f"It ended with {ended.returncode} and no figures."])
        return Figures.unpacked(into.read_text())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
