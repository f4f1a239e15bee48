"""An import may be killed at any moment: whoever goes on with it comes to what it would have come to undisturbed.

Here two thousand rows and five kills; `python -m tests.proof imports` takes a hundred thousand.
"""

import os
from pathlib import Path

from tests.database import FreshDatabases
from tests.figures import Figures
from tests.proof import imports

SEED = int(os.environ.get("STORMCOM_PROOF_SEED", "20261121"))
ROWS = 2000
KILLS = 5


def test_an_import_that_is_killed_at_random_and_gone_on_with_comes_to_the_same(
    fresh_database: FreshDatabases, tmp_path: Path, figures: Figures
) -> None:
    found = imports.carried_out(fresh_database.migrated(), tmp_path, SEED, rows=ROWS, kills=KILLS)

    figures.add("imports", rows=found["rows"], kills=found["kills"], workers=found["workers"])
    assert found["notes"] == [], f"seed {SEED}"
    assert (found["rows"], found["kills"]) == (ROWS, KILLS)
