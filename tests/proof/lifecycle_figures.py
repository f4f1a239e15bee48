"""The life of stores as a part of the proof: `lifecycle` at its whole size, and what it counted."""

from tests.proof import whole
from tests.proof.report import Figures

_LINE = "lifecycle"  # among the figures of a run; not from there, since pytest must load Hypothesis first


def run(seed: int) -> Figures:
    """Play many long lives."""
    ended = whole.run_tests("tests/proof/test_lifecycle.py", seed=seed)
    facts = {name.replace("_", " "): count for name, count in ended.counts.get(_LINE, {}).items()}
    return Figures("lifecycle", facts, ok=ended.passed, notes=[] if ended.passed else ["See above what failed."])
