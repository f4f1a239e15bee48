"""Routes that are called at once answer as they would through an event loop and the routing of FastAPI."""

import asyncio
import json
import re
import threading
from typing import Annotated, Any

import pytest
from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from infra.local import events
from shared.core import arrivals, http, topology
from shared.core.functions import Api, Cached
from shared.core.prepared import Prepared
from shared.core.request import ExpectedVersion, StoreSession
from shared.core.schemas import Input, Schema
from shared.core.tenancy import require_store
from tests.client import answer_of
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")

api = Api("ready", prefix="/api/v1/storefront/ready", audience="storefront")


@api.get("/{word}", public="It tells which store this is.", cached=Cached(seconds=60))
def tell(word: str, session: StoreSession) -> Prepared[dict[str, str]]:
    """Tell which store this is, and what was said."""
    return Prepared(json.dumps({"store": str(require_store(session)), "word": word}))


class Said(Input):
    """What comes in."""

    word: str


class Heard(Schema):
    """What goes out."""

    word: str
    expected: int | None


@api.post("/{number}", status_code=201, public="It says what it was told.")
def repeat(number: int, said: Said, session: StoreSession, expected: ExpectedVersion, response: Response) -> Heard:
    """Say again what was said."""
    response.headers["X-Store"] = str(require_store(session))
    return Heard(word=said.word * number, expected=expected)


handler = api.lambda_handler()
ROUTE = f"GET {api.prefix}/{{word}}"


def ask(headers: dict[str, str], *, route: str, word: str = "one") -> Any:
    """Call the endpoint as an HTTP API with this route does."""
    event = events.http_event("GET", f"{api.prefix}/{word}", headers={"X-Correlation-Id": "walk-3", **headers})
    return answer_of(handler({**event, "routeKey": route}, events.context("ready-tell")))


@pytest.mark.parametrize("headers", [{}, {"Host": "no host"}, {"Origin": "https://elsewhere.test"}])
@pytest.mark.parametrize("known", [True, False])
def test_the_answer_is_the_same_at_once_and_by_mangum(*, known: bool, headers: dict[str, str]) -> None:
    store = a_store()
    credential = {"X-Publishable-Key": store.publishable_key if known else "none"}

    at_once, by_fastapi = (ask({**headers, **credential}, route=route) for route in (ROUTE, "$default"))

    assert at_once.status_code == (200 if known else 401)
    assert (at_once.status_code, at_once.headers, at_once.text) == (
        by_fastapi.status_code,
        by_fastapi.headers,
        by_fastapi.text,
    )


@pytest.mark.parametrize("word", ["one", "এক", "a b", "a%20b", "%", "..", "{word}"])
def test_the_same_is_read_from_the_path_at_once_and_by_fastapi(word: str) -> None:
    key = {"X-Publishable-Key": a_store().publishable_key}

    at_once, by_fastapi = (ask(key, route=route, word=word) for route in (ROUTE, "$default"))

    assert (at_once.status_code, at_once.text) == (by_fastapi.status_code, by_fastapi.text)


@pytest.mark.parametrize(
    ("number", "body", "headers", "status"),
    [
        ("2", '{"word": "চা "}', {}, 201),
        ("2", '{"word": "tea"}', {"If-Match": '"7"'}, 201),
        ("2", '{"word": "tea"}', {"If-Match": "seven"}, 400),
        ("two", '{"word": "tea"}', {}, 404),
        ("2", '{"word": 1, "more": 2}', {}, 422),
        ("2", '{"word": "tea"', {}, 400),
        ("2", "word=tea", {"Content-Type": "application/x-www-form-urlencoded"}, 422),
    ],
)
def test_what_fastapi_has_to_read_is_read_the_same_at_once(
    number: str, body: str, headers: dict[str, str], status: int
) -> None:
    sent = {"X-Publishable-Key": a_store().publishable_key, "Content-Type": "application/json", **headers}
    event = events.http_event(
        "POST", f"{api.prefix}/{number}", headers=sent | {"X-Correlation-Id": "walk-4"}, body=body
    )

    at_once, by_mangum = (
        answer_of(handler({**event, "routeKey": route}, events.context("ready-repeat")))
        for route in (f"POST {api.prefix}/{{number}}", "$default")
    )

    assert at_once.status_code == status
    assert (at_once.status_code, at_once.headers, at_once.text) == (
        by_mangum.status_code,
        by_mangum.headers,
        by_mangum.text,
    )


def test_every_route_of_ours_is_called_at_once() -> None:
    waiting = [
        getattr(route, "name", route)
        for _, one in topology.apis()
        for route in http.application(one.endpoints, documented=False).routes
        if not [*http.at_once(route)]
    ]

    assert waiting == []


def test_a_route_that_depends_on_a_plain_function_is_left_to_mangum() -> None:
    threaded = Api("threaded", prefix="/api/v1/storefront/threaded", audience="storefront")

    @threaded.get("", public="It waits for a thread.")
    def tell(thread: Annotated[str, Depends(lambda: threading.current_thread().name)]) -> dict[str, str]:
        return {"thread": thread}

    (route,) = http.application(threaded.endpoints, documented=False).routes
    key = {"X-Publishable-Key": a_store().publishable_key}
    event = events.http_event("GET", threaded.prefix, headers=key)
    answer = answer_of(threaded.lambda_handler()(event, events.context("threaded-tell")))

    assert [*http.at_once(route)] == []
    assert answer.json()["thread"] != threading.current_thread().name


@pytest.mark.parametrize("word", ["", "a/b", "a%2Fb"])
def test_a_path_that_is_not_the_routes_is_left_to_fastapi(word: str) -> None:
    answer = ask({"X-Publishable-Key": a_store().publishable_key}, route=ROUTE, word=word)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_who_has_it_already_is_told_so_at_once() -> None:
    key = {"X-Publishable-Key": a_store().publishable_key}

    again = ask({**key, "If-None-Match": ask(key, route=ROUTE).headers["etag"]}, route=ROUTE)

    assert (again.status_code, again.text) == (304, "")


def test_a_route_that_waits_is_a_bug_and_no_answer() -> None:
    async def wait(_: Request) -> Response:
        await asyncio.sleep(0)
        return Response()

    waiting = re.compile(api.prefix), wait
    call = arrivals.handler(http.application([], documented=False), {ROUTE: waiting})

    with pytest.raises(RuntimeError, match="waited"):
        call({**events.http_event("GET", api.prefix), "routeKey": ROUTE}, events.context("ready-tell"))
