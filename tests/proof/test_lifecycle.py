"""Any calls in any order leave a store as its model says: a few short lives here, long ones in `make proof`."""

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.database import Sql
from tests.figures import Figures
from tests.proof import whole
from tests.proof.lifecycle import LINE, REFUSALS, Lifecycle

pytestmark = pytest.mark.usefixtures("application")

QUICK = settings(max_examples=8, stateful_step_count=25, phases=(Phase.generate,))
WHOLE = settings(
    max_examples=15, stateful_step_count=60, phases=(Phase.generate, Phase.shrink), derandomize=False, database=None
)
# Lives of one seed resemble each other, and whole kinds of refusal may be missing among a hundred of them.
SEEDS, MOST_SEEDS = 8, 16


def test_whatever_is_called_in_whatever_order_a_store_is_what_its_model_says(sql: Sql, figures: Figures) -> None:
    seed = whole.seed()
    Lifecycle.seen.clear()
    Lifecycle.refusals.clear()

    if seed is None:
        play(sql, QUICK)
    else:
        for number in range(MOST_SEEDS):
            if number < SEEDS or Lifecycle.refusals.keys() != REFUSALS:
                play(sql, WHOLE, seed=seed + number)

    figures.add(LINE, **{name.replace(" ", "_"): count for name, count in Lifecycle.seen.items()})
    figures.add(LINE, kinds_of_refusal=len(Lifecycle.refusals))
    assert seed is None or Lifecycle.refusals.keys() == REFUSALS
    assert {"carried out", "refused", "replays"} <= Lifecycle.seen.keys()


def play(sql: Sql, chosen: settings, *, seed: int | None = None) -> None:
    """Play some lives."""
    machine = type("SeededLifecycle", (Lifecycle,), {"sql": staticmethod(sql)})
    if seed is not None:
        hypothesis.seed(seed)(machine)
    run_state_machine_as_test(
        machine, settings=settings(chosen, suppress_health_check=list(HealthCheck), deadline=None)
    )
