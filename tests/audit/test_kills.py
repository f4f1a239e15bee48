"""A sealer, an archiver, a keeper of heads may die anywhere: whoever comes next makes the same of it."""

import json
import subprocess
import sys
from typing import Any

from tests.database import Database
from tests.figures import Figures


def test_whoever_was_killed_at_any_step_is_followed_to_the_same_chain_and_archive(
    environment: dict[str, str], database: Database, figures: Figures
) -> None:
    sealer, *others = killed(environment, database)

    assert [one["different"] for one in (sealer, *others)] == [[], [], []]
    assert sealer["blocks"] == 2
    assert sealer["kills"] >= 12  # before, sent and answered, of each of its statements; and of the key
    assert [one["kills"] > 5 for one in others] == [True, True]
    figures.add("kills of the sealer and its like", kills=sum(one["kills"] for one in (sealer, *others)), different=0)


def test_a_sealer_that_forgets_too_early_is_found(environment: dict[str, str], database: Database) -> None:
    sealer, *_ = killed(environment, database, "planted")

    assert len(sealer["different"]) > 3


def killed(environment: dict[str, str], database: Database, *how: str) -> list[dict[str, Any]]:
    """Kill each worker at each of its steps, in a process of its own."""
    command = [sys.executable, "-m", "tests.audit.killing", database.superuser_url, *how]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    told: list[dict[str, Any]] = json.loads(ended.stdout.splitlines()[-1])
    return told
