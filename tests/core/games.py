"""A table and a list over it, for the tests of lists: columns of every kind that lists are filtered and sorted by."""

import base64
import json
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Index, Text, event, insert, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from starlette.datastructures import QueryParams

from shared.core import ids
from shared.core.paging import Filter, Listing, ListQuery, PageInfo

START = datetime(2026, 11, 1, tzinfo=UTC)
GAME_ID = ids.TypeID("game")


class State(StrEnum):
    OPEN = "open"
    PAID = "paid"
    CANCELED = "canceled"


class Tables(DeclarativeBase):
    pass


class Game(Tables):
    """Games of a club: columns of every kind that lists are sorted by."""

    __tablename__ = "paged_games"
    __table_args__ = (Index("paged_games_by_created_at", "created_at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    paid_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    score: Mapped[int | None] = mapped_column(BigInteger)


GAMES = Listing(
    Game,
    filters={
        "id": Filter(Game.id, ("eq", "in"), accepts=Annotated[UUID, GAME_ID]),
        "status": Filter(Game.state, ("eq", "ne", "in"), accepts=State),
        "number": Filter(Game.number, ("eq", "gt", "gte", "lt", "lte")),
        "title": Filter(Game.title),
        "created_at": Filter(Game.created_at, ("gte", "lt")),
        "paid_at": Filter(Game.paid_at, ("null", "gte")),
        "score": Filter(Game.score, ("eq", "ne", "null")),
    },
    sorts={
        "created_at": (Game.created_at, Game.id),
        "paid_at": (Game.paid_at,),
        "score": (Game.score, Game.paid_at),
        "title": (Game.title,),
        "id": (Game.id,),
    },
    default_sort="-created_at",
    search=lambda words: Game.title.ilike(f"%{words}%"),
)
SORTS = ["created_at", "-created_at", "paid_at", "-paid_at", "score", "-score", "title", "-title", "id", "-id"]


def a_game(number: int, **facts: Any) -> Game:
    defaults = {
        "id": ids.new_id(),
        "number": number,
        "state": list(State)[number % 3].value,
        "title": f"Game {number}",
        "created_at": START + timedelta(days=number),
        "paid_at": START + timedelta(days=number // 4) if number % 2 else None,
        "score": number % 3 or None,
    }
    return Game(**defaults | facts)


def some_games(session: Session, count: int) -> list[Game]:
    games = [a_game(number) for number in range(count)]
    store(session, games)
    return games


def store(session: Session, games: list[Game]) -> None:
    names = Game.__table__.columns.keys()
    if games:
        session.execute(insert(Game), [{name: getattr(one, name) for name in names} for one in games])


def in_order(games: list[Game], sort: str) -> list[Game]:
    """Sort as PostgreSQL does: what is absent is above everything, and ids break ties."""
    names = {"score": ("score", "paid_at", "id")}.get(sort.removeprefix("-"), (sort.removeprefix("-"), "id"))

    def key(game: Game) -> list[tuple[bool, Any]]:
        values = [getattr(game, name) for name in names]
        return [(value is None, 0 if value is None else value) for value in values]

    return sorted(games, key=key, reverse=sort.startswith("-"))


def asked(query_string: str) -> ListQuery:
    return GAMES.parse(QueryParams(query_string))


def run(session: Session, query_string: str) -> tuple[list[Game], PageInfo, int | None]:
    return GAMES.run(session, asked(query_string), select(Game))


def walk(session: Session, query_string: str) -> list[Game]:
    """Go through every page from here on."""
    shown, page, _ = run(session, query_string)
    without_cursor = "&".join(part for part in query_string.split("&") if not part.startswith("cursor="))
    while page.next_cursor is not None:
        more, page, _ = run(session, f"{without_cursor}&cursor={page.next_cursor}")
        shown += more
    return shown


def forge(values: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def statements_of(session: Session) -> list[str]:
    """Return a list that fills with the statements that the session sends."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        sent.append(statement)

    event.listen(session.connection(), "before_cursor_execute", note)
    return sent
