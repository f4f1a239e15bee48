"""Faults: PostgreSQL that is killed under load, a network that breaks, queues that deliver twice and in any order.

The tests of `test_faults.py` at their whole size.
"""

from tests.proof import whole
from tests.proof.report import Figures

LINE = "faults"  # among the figures of a run

# Modules that were loaded before pytest came keep plain assertions; that is no reason not to start.
_PLAIN = ("-W", "ignore::pytest.PytestAssertRewriteWarning")


def run(seed: int) -> Figures:
    """Run them, and return what they counted."""
    ended = whole.run_tests(*_PLAIN, "tests/proof/test_faults.py", seed=seed)
    notes = [] if ended.passed else ["A test of tests/proof/test_faults.py failed; what it wrote stands above."]
    facts = {name.replace("_", " "): count for name, count in ended.counts.get(LINE, {}).items()}
    return Figures("faults", facts, ok=ended.passed, notes=notes)
