"""The query string of a list: what is refused, and what is documented."""

import asyncio
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from starlette.datastructures import QueryParams

from shared.core import ids
from shared.core.paging import Filter, InvalidListing, Listing, ListQuery, Page, PageInfo
from tests.core.games import GAMES, Game, asked, forge


@pytest.mark.parametrize(
    ("asked_for", "pointer", "code"),
    [
        ("colour=red", "/query/colour", "unknown_parameter"),
        ("state=open", "/query/state", "unknown_parameter"),
        ("status[gte]=open", "/query/status[gte]", "unknown_operator"),
        ("status[eq]=open", "/query/status[eq]", "unknown_operator"),
        ("status[=open", "/query/status[", "unknown_operator"),
        ("created_at=2026-11-01T00:00:00Z", "/query/created_at", "unknown_operator"),
        ("status=closed", "/query/status", "invalid_value"),
        ("status=", "/query/status", "invalid_value"),
        ("status[in]=open,closed", "/query/status[in]", "invalid_value"),
        ("id[in]=" + ",".join(["game_01h455vb4pex5vsknk084sn02q"] * 101), "/query/id[in]", "invalid_value"),
        ("number=one", "/query/number", "invalid_value"),
        ("number=9223372036854775808", "/query/number", "invalid_value"),
        ("created_at[gte]=yesterday", "/query/created_at[gte]", "invalid_value"),
        ("created_at[gte]=2026-11-01T00:00:00", "/query/created_at[gte]", "invalid_value"),
        ("paid_at[null]=maybe", "/query/paid_at[null]", "invalid_value"),
        ("title=%00", "/query/title", "invalid_value"),
        ("limit=0", "/query/limit", "invalid_value"),
        ("limit=101", "/query/limit", "invalid_value"),
        ("limit=1000000000000", "/query/limit", "invalid_value"),
        ("limit=-1", "/query/limit", "invalid_value"),
        ("limit=ten", "/query/limit", "invalid_value"),
        ("limit=%C2%B2", "/query/limit", "invalid_value"),
        ("sort=number", "/query/sort", "invalid_value"),
        ("sort=--title", "/query/sort", "invalid_value"),
        ("include=sum", "/query/include", "invalid_value"),
        ("status=open&status=paid", "/query/status", "given_twice"),
        ("q=" + "x" * 201, "/query/q", "invalid_value"),
        ("cursor=nonsense", "/query/cursor", "invalid_value"),
        ("cursor=", "/query/cursor", "invalid_value"),
        ("cursor=" + "W1tb" * 2000, "/query/cursor", "invalid_value"),
        ("cursor=" + "W1tb" * 4000, "/query/cursor", "invalid_value"),
    ],
)
def test_what_a_list_does_not_have_is_refused_with_what_it_has(asked_for: str, pointer: str, code: str) -> None:
    with pytest.raises(InvalidListing) as refused:
        asked(asked_for)

    assert (refused.value.status, refused.value.code) == (400, "invalid_listing")
    assert [(error.pointer, error.code) for error in refused.value.errors] == [(pointer, code)]
    assert refused.value.extra["allowed"] == GAMES.allowed()


def test_everything_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(InvalidListing) as refused:
        asked("colour=red&limit=0&sort=number&status=closed")

    assert {error.pointer.removeprefix("/query/") for error in refused.value.errors} == {
        "colour",
        "limit",
        "sort",
        "status",
    }


def test_a_list_without_search_refuses_q() -> None:
    plain = Listing(Game, filters={}, sorts={"id": (Game.id,)}, default_sort="id")

    with pytest.raises(InvalidListing) as refused:
        plain.parse(QueryParams("q=x"))

    assert refused.value.errors[0].code == "unknown_parameter"
    assert refused.value.extra["allowed"]["parameters"] == ["limit", "cursor", "sort", "include"]


@pytest.mark.parametrize("title", ["\ud800", "a\x00b"])
def test_text_that_postgresql_cannot_hold_is_no_position(title: str) -> None:
    fingerprint = asked("sort=title").fingerprint

    with pytest.raises(InvalidListing):
        asked(f"sort=title&cursor={forge([fingerprint, title, str(ids.new_id())])}")


@pytest.mark.parametrize(("sort", "first"), [("-created_at", None), ("paid_at", "2026-11-01T00:00:00")])
def test_a_position_has_the_values_that_its_columns_can_have(sort: str, first: str | None) -> None:
    fingerprint = asked(f"sort={sort}").fingerprint

    with pytest.raises(InvalidListing):
        asked(f"sort={sort}&cursor={forge([fingerprint, first, str(ids.new_id())])}")


def test_a_page_leaves_the_total_out_unless_it_has_one() -> None:
    without = Page[int](data=[1], page=PageInfo()).model_dump_json()
    with_one = Page[int](data=[1], page=PageInfo(next_cursor="x", has_more=True), total=0).model_dump_json()

    assert without == '{"data":[1],"page":{"next_cursor":null,"has_more":false}}'
    assert with_one == '{"data":[1],"page":{"next_cursor":"x","has_more":true},"total":0}'


def test_the_parameters_are_documented() -> None:
    app = FastAPI()

    @app.get("/games")
    def list_games(query: Annotated[ListQuery, Depends(GAMES.query)]) -> Page[int]:
        return Page(data=[query.limit], page=PageInfo())

    operation = app.openapi()["paths"]["/games"]["get"]

    told = {parameter["name"]: parameter for parameter in operation["parameters"]}
    assert list(told) == [
        *("limit", "cursor", "sort", "include", "q", "id", "id[in]", "status", "status[ne]", "status[in]"),
        *("number", "number[gt]", "number[gte]", "number[lt]", "number[lte]", "title", "created_at[gte]"),
        *("created_at[lt]", "paid_at[null]", "paid_at[gte]", "score", "score[ne]", "score[null]"),
    ]
    assert {parameter["in"] for parameter in told.values()} == {"query"}
    assert not any(parameter["required"] for parameter in told.values())
    assert told["limit"]["schema"].items() >= {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}.items()
    assert told["sort"]["schema"]["default"] == "-created_at"
    assert told["sort"]["schema"]["enum"] == [
        *("created_at", "-created_at", "paid_at", "-paid_at", "score"),
        *("-score", "title", "-title", "id", "-id"),
    ]
    assert told["status"]["schema"]["enum"] == ["open", "paid", "canceled"]
    assert told["id"]["schema"]["pattern"].startswith("^game_")
    assert told["created_at[gte]"]["schema"]["format"] == "date-time"
    assert told["paid_at[null]"]["schema"]["type"] == "boolean"


def test_a_declaration_that_cannot_be_right_is_refused() -> None:
    sorts = {"id": (Game.id,)}

    with pytest.raises(TypeError, match="limit: every list has"):
        Listing(Game, filters={"limit": Filter(Game.number)}, sorts=sorts, default_sort="id")
    with pytest.raises(TypeError, match="'-number' is not among"):
        Listing(Game, filters={}, sorts=sorts, default_sort="-number")
    with pytest.raises(TypeError, match="no operator like"):
        Filter(Game.title, ("like",))  # type: ignore[arg-type]  # the fact is that it is refused


def test_fastapi_hands_the_endpoint_what_was_asked() -> None:
    app = FastAPI()
    received: list[ListQuery] = []

    @app.get("/games")
    def list_games(query: Annotated[ListQuery, Depends(GAMES.query)]) -> None:
        received.append(query)

    asyncio.run(get(app, "/games", "status[in]=open,paid&limit=5&sort=title"))

    assert received == [asked("status[in]=open,paid&limit=5&sort=title")]


async def get(app: FastAPI, path: str, query: str) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(_message: Any) -> None:
        return None

    scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode(), "headers": []}
    await app(scope, receive, send)
