"""Moving categories: what it costs, what it refuses, and what comes of many moves at once."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from shared.catalog import category_places
from shared.catalog.category_places import CircularMove
from shared.catalog.group_schemas import MoveCategory
from shared.core import ids
from tests.application import Watch
from tests.catalog import waiting
from tests.catalog.shelf import audited, code, told
from tests.catalog.tree import category, drawn, move, path, plant
from tests.client import Answer
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store
from tests.figures import Figures

pytestmark = pytest.mark.usefixtures("watch")


def test_a_category_moves_with_all_that_is_below_it_and_says_so(sql: Sql) -> None:
    store = a_store()
    kitchen, cups, mugs = path(store, "Kitchen", "Cups", "Mugs")
    garden = category(store, "Garden")

    moved = move(store, cups, garden)
    to_the_top = move(store, mugs, None, position=1)
    nothing = move(store, mugs, None)

    assert (moved.json()["parent_id"], moved.json()["version"], moved.headers["etag"]) == (garden["id"], 2, '"2"')
    assert (to_the_top.json()["parent_id"], to_the_top.json()["position"]) == (None, 1)
    assert nothing.json() == to_the_top.json()
    assert drawn(store) == "Mugs\nKitchen\nGarden\n  Cups"
    assert told(sql, store, "category.moved") == [("category.moved", 2), ("category.moved", 2)]
    payloads = sql(
        "select payload from domain_events where store_id = %s and type = 'category.moved' order by id", store.id
    )
    assert payloads[0]["payload"]["parent_id"] == garden["id"]
    assert payloads[0]["payload"]["former_parent_id"] == kitchen["id"]
    before, after = audited(sql, store, "category.moved")[0]
    assert (before["parent_id"], after["parent_id"]) == tuple(
        str(ids.decode("cat", one["id"])) for one in (kitchen, garden)
    )


def test_a_category_is_not_moved_below_itself(sql: Sql) -> None:
    store = a_store()
    kitchen, cups, mugs = path(store, "Kitchen", "Cups", "Mugs")

    refused = [move(store, kitchen, to) for to in (kitchen, cups, mugs)]

    assert [code(answer) for answer in refused] == [(409, "category_circle")] * 3
    assert drawn(store) == "Kitchen\n  Cups\n    Mugs"
    assert told(sql, store, "category.moved") == []


def test_what_is_moved_may_not_reach_too_deep_and_may_always_rise() -> None:
    store = a_store()
    deep = path(store, *[f"Level {level}" for level in range(1, 13)])
    kitchen, _, _ = path(store, "Kitchen", "Cups", "Mugs")

    fits = move(store, kitchen, deep[8])
    too_deep = move(store, kitchen, deep[9])
    rises = move(store, deep[8], deep[6])

    assert [answer.status_code for answer in (fits, rises)] == [200, 200]
    assert code(too_deep) == (409, "category_too_deep")


def test_a_move_based_on_an_old_version_is_refused() -> None:
    store = a_store()
    kitchen, cups = path(store, "Kitchen", "Cups")
    where = f"/categories/{cups['id']}"
    store.merchant.patch(where, json={"name": "Mugs"})

    refused = store.merchant.post(f"{where}/move", json={"parent_id": None}, headers={"If-Match": '"1"'})

    assert (code(refused), refused.json()["current_version"]) == ((412, "stale_version"), 2)
    assert store.merchant.get(where).json()["parent_id"] == kitchen["id"]


def test_a_move_costs_the_same_statements_and_one_row_however_much_is_moved(
    sql: Sql, watch: Watch, figures: Figures
) -> None:
    store = a_store()
    kitchen, cups = path(store, "Kitchen", "Cups")
    garden, small = category(store, "Garden"), category(store, "Small")
    planted = plant(sql, store, cups, width=100, depth=2)
    counts = []

    for one in (small, cups):
        mark = len(watch.statements)
        with store.session() as session:
            to = MoveCategory(parent_id=ids.decode("cat", garden["id"]))
            category_places.move(session, ids.decode("cat", one["id"]), to, expected_version=None)
        counts.append(watch.count_since(mark))
    back = move(store, cups, kitchen)

    assert planted == 10_100
    assert counts[0] == counts[1] == 7
    assert back.status_code == 200
    changed = sql("select count(*) as rows from categories where store_id = %s and version > 1", store.id)
    assert changed == [{"rows": 2}]
    figures.add("moves of categories", statements=counts[1], moved=planted + 1)


def test_the_way_up_is_found_and_locked_by_the_primary_key_with_row_level_security_on(sql: Sql) -> None:
    store = a_store()
    _, cups = path(store, "Kitchen", "Cups")
    garden = category(store, "Garden")
    plant(sql, store, cups, width=30, depth=2)
    moved, to = (ids.decode("cat", one["id"]) for one in (cups, garden))
    values = {"store_id": store.id, "parent_id": to, "moved": moved, "before": [to], "after": [to]}

    with store.session() as session:
        plans = [
            "\n".join(session.scalars(text(f"explain {one.text}"), values))
            for one in (category_places._WAY_UP, category_places._LOCK)
        ]

    assert all("Seq Scan" not in plan and "Index Scan using categories_pkey" in plan for plan in plans), plans


def test_a_move_in_one_part_of_the_tree_does_not_wait_for_one_in_another() -> None:
    store = a_store()
    kitchen, cups = path(store, "Kitchen", "Cups")
    garden, _ = path(store, "Garden", "Tools")
    attic, shed = category(store, "Attic"), category(store, "Shed")

    with store.session() as session:
        to = MoveCategory(parent_id=ids.decode("cat", kitchen["id"]))
        category_places.move(session, ids.decode("cat", attic["id"]), to, expected_version=None)
        session.flush()
        with ThreadPoolExecutor(1) as other:
            beside = other.submit(lambda: move(store, shed, garden)).result(timeout=20)
            below_the_same = other.submit(lambda: category(store, "Lids", cups)).result(timeout=20)

    assert beside.status_code == 200
    assert below_the_same["parent_id"] == cups["id"]
    assert drawn(store) == "Kitchen\n  Cups\n    Lids\n  Attic\nGarden\n  Tools\n  Shed"


def test_two_that_move_below_each_other_at_once_make_no_circle() -> None:
    store = a_store()
    for _ in range(15):
        one, other = category(store, "One"), category(store, "Other")

        answers = at_once(lambda a=one, b=other: move(store, a, b), lambda a=one, b=other: move(store, b, a))

        assert sorted(answer.status_code for answer in answers) == [200, 409], [answer.text for answer in answers]
    assert_forest(store, expected=30)


def test_three_that_move_in_a_ring_at_once_make_no_circle() -> None:
    store = a_store()
    for _ in range(10):
        ring = [category(store, name) for name in ("One", "Two", "Three")]

        answers = at_once(*(lambda a=a, b=b: move(store, a, b) for a, b in pairwise([*ring, ring[0]])))

        assert sorted(answer.status_code for answer in answers) == [200, 200, 409]
    assert_forest(store, expected=30)


def test_many_moves_at_once_leave_a_forest_and_nobody_is_told_of_a_deadlock(figures: Figures) -> None:
    store, seed = a_store(), 2026
    dice = random.Random(seed)
    nodes = [category(store, f"Node {number}") for number in range(8)]
    plans = [[(dice.choice(nodes), dice.choice([*nodes, None])) for _ in range(25)] for _ in range(6)]

    def run(plan: list[tuple[dict[str, Any], dict[str, Any] | None]]) -> list[Answer]:
        return [move(store, one, to) for one, to in plan]

    with ThreadPoolExecutor(6) as movers:
        answers = [answer for answers in movers.map(run, plans) for answer in answers]

    assert {answer.status_code for answer in answers} <= {200, 409}, f"seed {seed}"
    assert_forest(store, expected=8)
    refused = sum(answer.status_code == 409 for answer in answers)
    figures.add("races of moves", moves=len(answers), refused=refused)


def test_moves_that_race_meet_no_deadlock_even_without_a_second_try() -> None:
    store, seed = a_store(), 7
    dice = random.Random(seed)
    nodes = [ids.decode("cat", category(store, f"Node {number}")["id"]) for number in range(6)]
    plans = [[(dice.choice(nodes), dice.choice(nodes)) for _ in range(40)] for _ in range(6)]

    def run(plan: list[tuple[UUID, UUID]]) -> int:
        refused = 0
        for one, parent in plan:
            try:
                with store.session() as session:
                    category_places.move(session, one, MoveCategory(parent_id=parent), expected_version=None)
            except CircularMove:
                refused += 1
        return refused

    with ThreadPoolExecutor(6) as movers:
        refused = sum(movers.map(run, plans))

    assert 0 < refused < 240, f"seed {seed}"
    assert_forest(store, expected=6)


def test_who_finds_another_way_up_than_the_one_that_was_locked_locks_that_one(sql: Sql, watch: Watch) -> None:
    store = a_store()
    kitchen, cups, mugs = (category(store, name) for name in ("Kitchen", "Cups", "Mugs"))

    with ThreadPoolExecutor(1) as other:
        with store.session() as session:
            to = MoveCategory(parent_id=ids.decode("cat", kitchen["id"]))
            category_places.move(session, ids.decode("cat", cups["id"]), to, expected_version=None)
            mark = len(watch.statements)
            second = other.submit(lambda: move(store, mugs, cups))
            waiting.for_waiters(sql)
        answer = second.result(timeout=20)

    read = [one for one in watch.statements[mark:] if "select id from chain order by distance" in one]
    assert answer.status_code == 200
    assert len(read) == 4  # the way up and the facts, and both again
    assert drawn(store) == "Kitchen\n  Cups\n    Mugs"


def test_of_a_move_and_a_deletion_at_once_nothing_is_left_below_what_is_gone() -> None:
    store = a_store()
    for number in range(15):
        shelf, cups = category(store, f"Shelf {number}"), category(store, f"Cups {number}")
        gone = f"/categories/{shelf['id']}"

        moved, deleted = at_once(lambda a=cups, b=shelf: move(store, a, b), lambda p=gone: store.merchant.delete(p))

        assert (moved.status_code, deleted.status_code) in {(200, 409), (422, 200)}
    nodes = store.merchant.get("/category-tree").json()["data"]
    present = {node["id"] for node in nodes} | {None}
    assert all(node["parent_id"] in present for node in nodes)


def test_of_a_move_and_a_birth_at_once_none_gets_too_deep() -> None:
    store = a_store()
    for number in range(8):
        deep = path(store, *[f"Deep {number}.{level}" for level in range(11)])
        cups = category(store, f"Cups {number}")

        moved, made = at_once(
            lambda a=cups, b=deep[-1]: move(store, a, b),
            lambda a=cups, n=number: store.merchant.post("/categories", json={"name": f"M{n}", "parent_id": a["id"]}),
        )

        assert sorted((moved.status_code < 300, made.status_code < 300)) == [False, True]
    # 12 where a move came first, 11 where all of them came second.
    assert max(node["depth"] for node in store.merchant.get("/category-tree").json()["data"]) in {11, 12}


def at_once(*acts: Any) -> list[Any]:
    """Do things from threads of their own, started together; return what each returned."""
    gate = threading.Barrier(len(acts))

    def run(act: Any) -> Any:
        gate.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(run, acts))


def assert_forest(store: StoreUnderTest, *, expected: int) -> None:
    """Every category is reached from the top: a circle would be reached from nowhere."""
    assert len(store.merchant.get("/category-tree").json()["data"]) == expected
