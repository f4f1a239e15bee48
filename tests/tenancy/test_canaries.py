"""The marks of each store in whatever leaves it or is kept for it: rows, messages, files, log lines, exports.

Answers are looked through in `test_walls`, route by route. What is looked through here is found by itself: tables in
the catalogue, messages in queues, files in the store of objects. So what comes new is among it on its first day.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.core import tenant_life
from tests.database import Sql
from tests.figures import Figures
from tests.tenancy import canaries
from tests.tenancy.canaries import Found, Marks
from tests.tenancy.living import live
from tests.tenancy.world import World, a_world

LINE = "canaries"

pytestmark = pytest.mark.usefixtures("application")


@dataclass
class Lives:
    """Two stores that lived at the same time, and what was heard of them."""

    stores: tuple[World, World]
    messages: list[str]
    lines: list[str]


@pytest.fixture(scope="module")
def lives(application: None) -> Lives:  # noqa: ARG001 -- worlds are made by its API
    """Let two stores live, and listen."""
    stores = a_world(), a_world()
    with canaries.log_lines() as lines:
        messages = [f"{one.queue}: {json.dumps(one.body)}" for world in stores for one in live(world)]
    return Lives(stores, messages, lines)


@pytest.fixture
def marks(lives: Lives, sql: Sql) -> tuple[Marks, Marks]:
    mine, theirs = lives.stores
    return Marks.of(sql, mine), Marks.of(sql, theirs)


def test_no_row_of_a_store_bears_anothers_marks(
    lives: Lives, marks: tuple[Marks, Marks], sql: Sql, figures: Figures
) -> None:
    mine, theirs = (list(canaries.rows(sql, world)) for world in lives.stores)

    found = [canaries.sorted_by(marks, rows) for rows in (mine, theirs)]

    assert (found[0].theirs, found[0].both, found[1].mine, found[1].both) == ([], [], [], [])
    assert len(found[0].mine) == len(mine)  # every row names its store
    figures.add(LINE, rows=len(mine) + len(theirs))


def test_no_message_bears_the_marks_of_two_stores_and_none_a_text_of_anybodys(
    lives: Lives, marks: tuple[Marks, Marks], figures: Figures
) -> None:
    found = canaries.sorted_by(marks, lives.messages)

    assert bears_apart(found)
    assert len(found.mine) + len(found.theirs) == len(lives.messages)
    assert [one for one in lives.messages if says_something(one, lives) and not one.startswith("search-misses")] == []
    figures.add(LINE, messages=len(lives.messages))


def test_no_log_line_bears_the_marks_of_two_stores_and_none_a_text_of_anybodys(
    lives: Lives, marks: tuple[Marks, Marks], figures: Figures
) -> None:
    found = canaries.sorted_by(marks, lives.lines)

    assert bears_apart(found)
    assert [line for line in lives.lines if says_something(line, lives)] == []
    figures.add(LINE, log_lines=len(lives.lines))


def test_no_file_that_is_kept_and_no_message_that_was_sent_bears_the_marks_of_two_stores(
    lives: Lives, marks: tuple[Marks, Marks], state: Path, figures: Figures
) -> None:
    lines = list(canaries.files(state))

    found = canaries.sorted_by(marks, lines)

    assert bears_apart(found)
    assert any(f"{world.store.id}/exports/" in line and world.word in line for world in lives.stores for line in lines)
    figures.add(LINE, lines_of_files=len(found.mine) + len(found.theirs))


def test_an_export_of_a_whole_store_bears_its_own_marks_alone(
    lives: Lives, marks: tuple[Marks, Marks], figures: Figures
) -> None:
    mine = lives.stores[0]
    with mine.store.session() as session:
        lines = list(tenant_life.export(session))

    found = canaries.sorted_by(marks, lines)

    assert (found.theirs, found.both) == ([], [])
    assert len(found.mine) > len(lines) // 2
    figures.add(LINE, lines_of_exports=len(lines))


@pytest.mark.parametrize("leak", ["the word", "the phone", "an id on the wire", "an id of a row"])
def test_a_leak_is_noticed(leak: str, lives: Lives, marks: tuple[Marks, Marks], sql: Sql) -> None:
    mine, theirs = lives.stores
    row = next(iter(sql("select id::text as id from orders where store_id = %s", theirs.store.id)))
    told = {
        "the word": theirs.word.upper(),
        "the phone": str(theirs.phone),
        "an id on the wire": theirs.product["id"],
        "an id of a row": row["id"],
    }

    found = canaries.sorted_by(marks, [f"{mine.store.id}: {told[leak]}"])

    assert len(found.both) == 1


def bears_apart(found: Found) -> bool:
    """Tell whether both stores' marks were seen, and never together."""
    return found.both == [] and len(found.mine) > 0 and len(found.theirs) > 0


def says_something(text: str, lives: Lives) -> bool:
    """Tell whether a text of a store's own stands in another."""
    return any(world.word in text.lower() or str(world.phone) in text for world in lives.stores)
