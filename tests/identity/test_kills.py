"""What is killed at any step of signing up, in, or setting a password happened wholly or not at all.

By SIGKILL, each boundary once; `python -m tests.proof kills` does so with every route of people and organizations.
"""

from pathlib import Path

from tests.database import FreshDatabases
from tests.figures import Figures
from tests.proof import kills

SEED = 20261121
ROUTES = ("sign-up", "verify-email", "sign-in", "change-password", "reset-password", "mail-reset-links")


def test_what_was_killed_at_any_step_happened_wholly_or_not_at_all(
    fresh_database: FreshDatabases, tmp_path: Path, figures: Figures
) -> None:
    acts = [f"elsewhere: identity-{route}" for route in ROUTES]

    found = kills.kill_each_boundary_once(acts, fresh_database.migrated(), tmp_path, seed=SEED)

    figures.add("kills", of_people=found.killed)
    assert found.notes == []
    assert set(found.kills) == set(acts)
    assert min(found.kills.values()) >= 5  # one statement, the commit, and what is answered
