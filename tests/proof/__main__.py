"""`make proof`: every part one after the other, each in a process of its own, and one table at the end.

`python -m tests.proof races` runs one part alone; `--seed 7` repeats a run. The seed is printed first.
"""

import argparse
import importlib
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.proof import report
from tests.proof.report import Figures

# The word to type, and the module whose `run(seed)` it starts; in the order in which a reader wants the table.
PARTS = {
    "races": "tests.proof.races",
    "kills": "tests.proof.kills",
    "imports": "tests.proof.imports",
    "faults": "tests.proof.faults",
    "tenants": "tests.proof.tenants",
    "bad-input": "tests.proof.bad_input",
    "lifecycle": "tests.proof.lifecycle_figures",
    "mutations": "tests.proof.mutations",
}
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
    return _run_each(chosen.parts or list(PARTS), seed)


def _run(part: str, seed: int) -> Figures:
    found: Figures = importlib.import_module(PARTS[part]).run(seed)
    return found


def _run_each(parts: Sequence[str], seed: int) -> int:
    deadline = time.monotonic() + LONGEST_SECONDS
    found: list[tuple[Figures, float]] = []
    for part in parts:
        print(f"{part} ...", flush=True)
        started = time.monotonic()
        figures = _in_a_process(part, seed, seconds=deadline - started)
        found.append((figures, time.monotonic() - started))
    print(f"\nseed {seed}\n{report.table(found)}", flush=True)
    return 0 if all(figures.ok for figures, _ in found) else 1


def _in_a_process(part: str, seed: int, *, seconds: float) -> Figures:
    """Run a part where no other part has left settings, connections or threads behind."""
    with tempfile.TemporaryDirectory() as folder:
        into = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "tests.proof", part, "--seed", str(seed), "--into", str(into)]
        try:
            ended = subprocess.run(command, timeout=max(seconds, 1), check=False)
        except subprocess.TimeoutExpired:
            return Figures(part, {}, ok=False, notes=["It was still running at the end of the proof's time."])
        if ended.returncode or not into.exists():
            return Figures(part, {}, ok=False, notes=[f"It ended with {ended.returncode} and no figures."])
        return Figures.unpacked(into.read_text())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
