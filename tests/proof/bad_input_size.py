"""How much bad input a test tries: a little, the same in each run, in `make test`; with the proof's seed, much."""

from collections.abc import Callable
from dataclasses import dataclass

import hypothesis
from hypothesis import HealthCheck, Phase, given
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy

from tests.proof import whole


@dataclass(frozen=True)
class Size:
    """How many cases a test tries."""

    seed: int | None  # None: the same cases in every run
    derived: int | None  # boundary cases of an operation, spread over all there are; None: all
    drawn: int  # cases of an operation that follow its schema, and as many that break it
    hostile: int  # requests of an operation with something hostile in one place
    walks: int  # sequences of operations, each with what the one before has made

    def draw[T](self, strategy: SearchStrategy[T], check: Callable[[T], object], *, examples: int) -> None:
        """Give `check` that many examples. It keeps what it finds: a failure would be played again in another world."""

        @given(strategy)
        def each(example: T) -> None:
            check(example)

        if self.seed is not None:
            each = hypothesis.seed(self.seed)(each)
        try:
            self.settings(examples)(each)()
        except Unsatisfiable:
            return  # whatever is sent fits the schema: nothing can break it

    def settings(self, examples: int, *, steps: int = 1) -> hypothesis.settings:
        """Return how Hypothesis is to draw that many examples; those that are walks have so many steps."""
        return hypothesis.settings(
            max_examples=examples,
            derandomize=self.seed is None and steps == 1,  # walks have seeds of their own
            database=None,
            deadline=None,
            stateful_step_count=steps,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )


def size() -> Size:
    """Return the size of this run."""
    seed = whole.seed()
    if seed is None:
        return Size(seed=None, derived=5, drawn=1, hostile=4, walks=1)
    # 202 operations come to some 18,000 cases, in four minutes of two quiet cores.
    return Size(seed=seed, derived=60, drawn=12, hostile=45, walks=40)
