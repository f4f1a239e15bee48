"""Whoever alters an audit trail behind everybody's back is found: each kind of tamper, twice with other dice.

`python -m tests.proof tampers` does it a thousand times.
"""

import os
from pathlib import Path

import pytest

from shared.audit import chain, verification
from shared.audit.chain import Block
from tests.database import FreshDatabases
from tests.figures import Figures
from tests.proof import tampers
from tests.proof.tampers_kinds import KINDS

SEED = int(os.environ.get("STORMCOM_PROOF_SEED", "20261121"))


def test_each_kind_of_tamper_is_found_and_names_its_row_or_block(
    fresh_database: FreshDatabases, tmp_path: Path, figures: Figures
) -> None:
    found = tampers.tampered(fresh_database.migrated(), tmp_path, seed=SEED, times=2 * len(KINDS))

    figures.add("tampers", tampers=found.tampers.total(), found=found.named)
    assert found.missed == []
    assert len(found.tampers) == len(KINDS)


@pytest.mark.parametrize("blind", ["the key is not asked", "roots are not made anew", "entries are not looked for"])
def test_a_verification_that_leaves_out_one_thing_misses_a_tamper(
    blind: str, fresh_database: FreshDatabases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    match blind:
        case "the key is not asked":
            monkeypatch.setattr("shared.audit.sealing_keys.FileKeys.holds", lambda *_: True)
        case "roots are not made anew":
            monkeypatch.setattr(verification, "_is_whole", _seems_whole)
        case _:
            monkeypatch.setattr("shared.audit.reading.held_by_no_block", lambda *_, **__: [])

    found = tampers.tampered(fresh_database.migrated(), tmp_path, seed=SEED, times=2 * len(KINDS))

    assert found.missed != []


def _seems_whole(block: Block) -> bool:
    return len(block.entry_hashes) == chain.HASH * len(block.entry_ids)
