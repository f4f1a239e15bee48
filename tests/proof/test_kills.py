"""A process may die at any moment: whoever asks again gets the one answer, and nothing is lost, doubled or leaked.

Here each boundary dies once, of its three steps one that the seed picks; `python -m tests.proof kills` tries them all.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.database import FreshDatabases
from tests.figures import Figures
from tests.proof import kills
from tests.proof.kills_acts import MERCHANTS, SHOPPERS
from tests.proof.kills_list import ELSEWHERE, WORKERS
from tests.proof.kills_shelves import SHELVES

SEED = int(os.environ.get("STORMCOM_PROOF_SEED", "20261121"))
A_SAMPLE = 5  # of what moves neither money nor stock; which ones, the seed says

SIDES = {
    "shoppers": [act.name for act in SHOPPERS],
    "merchants": [act.name for act in MERCHANTS],
    "shelves": [act.name for act in SHELVES],
    "workers": [act.name for act in WORKERS],
    "elsewhere": [act.name for act in Random(SEED).sample(ELSEWHERE, A_SAMPLE)],
}


@pytest.mark.parametrize("side", SIDES)
def test_what_was_killed_at_any_boundary_and_sent_again_happened_once(
    side: str, fresh_database: FreshDatabases, tmp_path: Path, figures: Figures
) -> None:
    found = killed(SIDES[side], fresh_database, tmp_path)

    figures.add("kills", kills=found.killed, **found.counts)
    assert found.notes == [], f"seed {SEED}"
    assert set(found.kills) == set(SIDES[side])
    assert min(found.kills.values()) >= 5  # one statement, the commit, and what is answered


@pytest.mark.parametrize(
    ("mistake", "act", "kind"),
    [
        ("keys are forgotten", "stock: adjust", "doubled"),
        ("events are told after the commit", "order: collect", "lost"),
        ("events are forgotten before they are sent", "worker: relay events", "lost"),
        ("events are told after the commit", "elsewhere: identity-reset-password", "lost"),
    ],
)
def test_a_mistake_that_only_a_kill_brings_to_light_is_found(
    mistake: str, act: str, kind: str, fresh_database: FreshDatabases, tmp_path: Path
) -> None:
    found = killed([act], fresh_database, tmp_path, planted=mistake, most=8)

    assert found.counts[kind] > 0


def killed(acts: Sequence[str], fresh_database: FreshDatabases, folder: Path, **plan: Any) -> kills.Told:
    """Kill at each boundary of these acts once."""
    return kills.kill_each_boundary_once(acts, fresh_database.migrated(), folder, seed=SEED, **plan)
