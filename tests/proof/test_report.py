"""The table that the proof ends with, and what of it runs at the same time."""

from datetime import date

import pytest

from tests.proof import __main__ as proof
from tests.proof import report
from tests.proof.report import Figures, Row

RACES = Figures("races", {"runs": 20, "calls": 17_446, "oversold": 0}, ok=True)
KILLS = Figures("kills", {"kills": 10_000, "lost": 1}, ok=False, notes=["An order was lost."])


def test_the_table_is_markdown_with_a_line_a_part_and_one_for_all() -> None:
    told = report.table([Row(RACES, 173.0), Row(RACES, 90.0, together="lifecycle")], seconds=263.0)

    assert told.splitlines() == [
        "| part | | minutes | figures |",
        "|---|---|---|---|",
        "| races | ok | 2.9 | 20 runs, 17,446 calls, 0 oversold |",
        "| races | ok | 1.5 (beside lifecycle) | 20 runs, 17,446 calls, 0 oversold |",
        "| **all** | ok | 4.4 | |",
    ]


def test_what_is_not_as_it_must_be_is_told_below_the_table() -> None:
    told = report.table([Row(RACES, 173.0), Row(KILLS, 600.0)], seconds=773.0).splitlines()

    assert told[3:] == [
        "| kills | **FAIL** | 10.0 | 10,000 kills, 1 lost |",
        "| **all** | **FAIL** | 12.9 | |",
        "",
        "- kills: An order was lost.",
    ]


def test_the_heading_says_with_what_when_and_where_to_repeat_it() -> None:
    told = report.heading(parts=["races"], seed=7, day=date(2026, 11, 21))

    assert told.startswith("`python -m tests.proof races --seed 7`, 2026-11-21, on ")
    assert " cores (" in told
    assert told.endswith(":")


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (["races", "tenants"], [("races",), ("tenants",)]),
        (["tenants", "faults", "lifecycle"], [("tenants", "lifecycle"), ("faults",)]),
    ],
)
def test_two_parts_run_together_where_both_are_wanted(parts: list[str], expected: list[tuple[str, ...]]) -> None:
    assert proof.rounds(parts) == expected


def test_all_parts_have_a_round_and_together_half_an_hour() -> None:
    planned = proof.rounds(list(proof.PARTS))

    assert sorted(part for together in planned for part in together) == sorted(proof.PARTS)
    assert sum(max(proof.PARTS[part].minutes for part in together) for together in planned) <= 30
