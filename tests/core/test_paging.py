"""Lists over a real table: pages that neither skip nor repeat, filters, totals, and cursors."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, delete, select, text
from sqlalchemy.orm import Session
from starlette.datastructures import QueryParams

from shared.core import ids
from shared.core.paging import InvalidListing, Listing, PageInfo
from tests.core.games import (
    GAMES,
    SORTS,
    START,
    Game,
    Tables,
    a_game,
    asked,
    forge,
    in_order,
    run,
    some_games,
    statements_of,
    store,
    walk,
)
from tests.database import FreshDatabases


@pytest.fixture(scope="module")
def engine(fresh_database: FreshDatabases) -> Iterator[Engine]:
    url = fresh_database.empty().superuser_url.replace("postgresql:", "postgresql+pg8000:")
    engine = create_engine(url)
    Tables.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """Return a session whose rows are gone after the test."""
    with Session(engine) as session:
        yield session
        session.rollback()


def test_pages_of_every_sort_show_each_row_once_in_order(session: Session) -> None:
    games = some_games(session, 47)

    for sort in SORTS:
        shown = walk(session, f"sort={sort}&limit=5")
        assert [one.id for one in shown] == [one.id for one in in_order(games, sort)], sort


@given(
    st.lists(st.tuples(st.sampled_from([None, 1, 2, 3]), st.sampled_from([None, 1, 2])), max_size=25),
    st.sampled_from(SORTS),
    st.integers(min_value=1, max_value=7),
)
def test_ties_and_nulls_are_never_skipped_or_repeated(
    engine: Engine, values: list[tuple[int | None, int | None]], sort: str, limit: int
) -> None:
    with Session(engine) as session:
        made = [
            a_game(place, score=score, paid_at=None if day is None else START + timedelta(days=day))
            for place, (score, day) in enumerate(values)
        ]
        store(session, made)

        shown = walk(session, f"sort={sort}&limit={limit}")

        assert [one.id for one in shown] == [one.id for one in in_order(made, sort)]
        session.rollback()


def test_rows_that_come_and_go_between_pages_move_nothing(session: Session) -> None:
    games = in_order(some_games(session, 30), "-created_at")
    first, page, _ = run(session, "limit=10")

    newest = a_game(99, created_at=START + timedelta(days=999))
    store(session, [newest])
    session.execute(delete(Game).where(Game.id.in_([games[9].id, games[10].id])))
    rest = walk(session, f"limit=10&cursor={page.next_cursor}")

    assert [one.id for one in first] == [one.id for one in games[:10]]
    assert [one.id for one in rest] == [one.id for one in games[11:]]


def test_a_page_is_one_statement_with_or_without_the_total(session: Session) -> None:
    some_games(session, 30)
    statements = statements_of(session)

    _, page, no_total = run(session, "limit=10&number[gte]=10")
    _, _, total = run(session, f"limit=10&number[gte]=10&include=total&cursor={page.next_cursor}")
    nothing, _, none = run(session, "status=paid&number=-1&include=total")

    assert len(statements) == 3
    assert "count(" not in statements[0]
    assert (no_total, total) == (None, 20)
    assert (nothing, none) == ([], 0)


def test_the_total_is_told_behind_the_last_row_too(session: Session) -> None:
    games = in_order(some_games(session, 4), "-created_at")
    _, page, _ = run(session, "limit=2")
    session.execute(delete(Game).where(Game.id.in_([one.id for one in games[2:]])))

    rest, last, total = run(session, f"limit=2&include=total&cursor={page.next_cursor}")

    assert (rest, last, total) == ([], PageInfo(), 2)


def test_the_last_page_says_so_even_when_it_is_full(session: Session) -> None:
    some_games(session, 4)

    _, first, _ = run(session, "limit=2")
    _, second, _ = run(session, f"limit=2&cursor={first.next_cursor}")

    assert first.has_more is True
    assert second == PageInfo(next_cursor=None, has_more=False)


def test_twenty_entries_come_unless_said_otherwise(session: Session) -> None:
    some_games(session, 101)

    default, hundred = run(session, "")[0], run(session, "limit=100")[0]

    assert (len(default), len(hundred)) == (20, 100)


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ("status=paid", {1, 4}),
        ("status[ne]=paid", {0, 2, 3, 5}),
        ("status[in]=paid,canceled", {1, 2, 4, 5}),
        ("number=3", {3}),
        ("number[gt]=3", {4, 5}),
        ("number[gte]=3&number[lt]=5", {3, 4}),
        ("number[lte]=0", {0}),
        ("created_at[gte]=2026-11-05T00:00:00Z", {4, 5}),
        ("created_at[lt]=2026-11-03T06:00:00%2B06:00", {0, 1}),
        ("paid_at[null]=true", {0, 2, 4}),
        ("paid_at[null]=false", {1, 3, 5}),
        ("score=1", {1, 4}),
        ("score[ne]=1", {0, 2, 3, 5}),
        ("score[null]=true", {0, 3}),
        ("q=ame%203", {3}),
        ("q=%20%20", {0, 1, 2, 3, 4, 5}),
        ("title=Game 2", {2}),
        ("status=paid&score[null]=true", set()),
        ("publishable_key=pk_1&status=paid", {1, 4}),
    ],
)
def test_filters_let_through_what_they_say(session: Session, asked: str, numbers: set[int]) -> None:
    some_games(session, 6)

    found, _, total = run(session, f"{asked}&include=total")

    assert ({one.number for one in found}, total) == (numbers, len(numbers))


def test_ids_are_asked_for_as_they_look_on_the_wire(session: Session) -> None:
    games = some_games(session, 5)
    first, second = (ids.encode("game", one.id) for one in games[:2])

    found = run(session, f"id[in]={first},{second}")[0]

    assert {one.number for one in found} == {0, 1}
    with pytest.raises(InvalidListing):
        GAMES.parse(QueryParams(f"id={games[0].id}"))


def test_a_list_of_several_columns_keeps_their_names(session: Session) -> None:
    some_games(session, 3)

    rows, page, total = GAMES.run(session, asked("limit=2&include=total"), select(Game.number, Game.title))

    assert [(row.number, row.title, len(row)) for row in rows] == [(2, "Game 2", 2), (1, "Game 1", 2)]
    assert (page.has_more, total) == (True, 3)


def test_a_deep_page_is_read_from_the_index(session: Session) -> None:
    some_games(session, 3000)
    session.execute(text("analyze paged_games"))
    _, page, _ = run(session, "limit=20")
    statements = statements_of(session)

    run(session, f"limit=20&cursor={page.next_cursor}")

    values = "('2031-01-15'::timestamptz, '00000000-0000-0000-0000-000000000000'::uuid)"
    assert "(paged_games.created_at, paged_games.id) < (" in statements[0]
    plan = "\n".join(
        session.scalars(
            text(
                "explain (costs off) select * from paged_games "
                f"where (created_at, id) < {values} order by created_at desc, id desc limit 21"
            )
        )
    )
    assert "Index Scan Backward using paged_games_by_created_at" in plan
    assert "Index Cond: (ROW(created_at, id) < ROW(" in plan
    assert "Sort" not in plan


@pytest.mark.parametrize(
    "other",
    [
        "status=paid",
        "status=open&sort=created_at",
        "status=open&q=game",
        "status=open&number[gt]=0",
        "status[in]=open",
        "",
    ],
)
def test_a_cursor_belongs_to_its_filters_and_sort(session: Session, other: str) -> None:
    some_games(session, 30)
    _, page, _ = run(session, "status=open&limit=2")

    with pytest.raises(InvalidListing) as refused:
        asked(f"{other}&cursor={page.next_cursor}")

    assert "other filters or another sort" in refused.value.errors[0].message


def test_a_cursor_goes_on_with_another_limit_and_in_another_order_of_parameters(session: Session) -> None:
    some_games(session, 30)
    _, page, _ = run(session, "status=open&number[gte]=3&limit=2")

    rest = walk(session, f"limit=50&cursor={page.next_cursor}&number[gte]=3&status=open")

    assert [one.number for one in rest] == [21, 18, 15, 12, 9, 6, 3]


def test_a_cursor_of_another_list_is_refused(session: Session) -> None:
    class Match(Game):
        """The same table, by another name."""

    matches = Listing(Match, filters={}, sorts={"created_at": (Match.created_at,)}, default_sort="-created_at")
    some_games(session, 5)
    _, page, _ = run(session, "limit=2")

    with pytest.raises(InvalidListing):
        matches.parse(QueryParams({"cursor": page.next_cursor or ""}))


@given(st.lists(st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers()), max_size=4))
def test_a_forged_cursor_is_refused_or_a_position_and_never_a_failure(engine: Engine, forged: list[Any]) -> None:
    keyset, fingerprint = GAMES.keyset("-created_at"), asked("").fingerprint
    cursor = forge([fingerprint, *forged])

    try:
        position = GAMES.parse(QueryParams({"cursor": cursor})).position
    except InvalidListing:
        return

    assert position is not None
    with Session(engine) as session:
        session.execute(select(Game.id).where(keyset.beyond(position))).all()
