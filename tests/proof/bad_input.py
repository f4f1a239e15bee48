"""Bad input for every operation: the part of the proof that tries all that schemathesis and Hypothesis come up with.

The tests are those of `make test`, `test_bad_input*.py`; here they have a seed, and by it try some thousands of cases.
"""

from pathlib import Path

from tests.proof import whole
from tests.proof.report import Figures

LINE = "bad input"
FEWEST_CASES = 10_000  # of the whole proof

_WORKERS = 2


def run(seed: int) -> Figures:
    """Try all of it; the proof fails for an answer that is not as it must be, and for too few cases."""
    # The one test that takes long comes first, and whoever is idle takes of the others.
    tests = sorted(map(str, Path(__file__).parent.glob("test_bad_input*.py")), reverse=True)
    ended = whole.run_tests(
        *tests, f"--numprocesses={_WORKERS}", "--dist=worksteal", "--randomly-dont-reorganize", seed=seed
    )
    facts = {name.replace("_", " "): count for name, count in ended.counts.get(LINE, {}).items()}
    notes = []
    if not ended.passed:
        notes.append("Some answers were not as they must be; see above.")
    if facts.get("cases", 0) < FEWEST_CASES:
        notes.append(f"These are fewer than {FEWEST_CASES:,} cases.")
    return Figures(LINE, facts, ok=not notes, notes=notes)
