"""Routes that need no FastAPI answer as they would by it, and are called at once."""

import asyncio
import json
import re
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from infra.local import events
from shared.core import arrivals, http
from shared.core.functions import Api, Cached
from shared.core.prepared import Prepared
from shared.core.request import StoreSession
from shared.core.tenancy import require_store
from tests.client import answer_of
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")

api = Api("ready", prefix="/api/v1/storefront/ready", audience="storefront")


@api.get("/{word}", public="It tells which store this is.", cached=Cached(seconds=60))
def tell(word: str, session: StoreSession) -> Prepared[dict[str, str]]:
    """Tell which store this is, and what was said."""
    return Prepared(json.dumps({"store": str(require_store(session)), "word": word}))


handler = api.lambda_handler()
ROUTE = f"GET {api.prefix}/{{word}}"


def ask(headers: dict[str, str], *, route: str, word: str = "one") -> Any:
    """Call the endpoint as an HTTP API with this route does."""
    event = events.http_event("GET", f"{api.prefix}/{word}", headers={"X-Correlation-Id": "walk-3", **headers})
    return answer_of(handler({**event, "routeKey": route}, events.context("ready-tell")))


@pytest.mark.parametrize("headers", [{}, {"Host": "no host"}, {"Origin": "https://elsewhere.test"}])
@pytest.mark.parametrize("known", [True, False])
def test_the_answer_is_the_same_at_once_and_by_fastapi(*, known: bool, headers: dict[str, str]) -> None:
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

    by_itself = re.compile(api.prefix), wait
    call = arrivals.handler(http.application([], documented=False), {ROUTE: by_itself})

    with pytest.raises(RuntimeError, match="waited"):
        call({**events.http_event("GET", api.prefix), "routeKey": ROUTE}, events.context("ready-tell"))
