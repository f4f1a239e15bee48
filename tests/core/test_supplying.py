"""What an endpoint gets past FastAPI is what it would get by it, and the rest is still checked and documented by it."""

import json
from typing import Annotated, Any, get_type_hints

import pytest
from fastapi import Depends
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, Field
from sqlalchemy import text

from infra.local import events
from shared.catalog.listing import PRODUCTS
from shared.core import http, supplying, topology
from shared.core.functions import Api
from shared.core.paging import InvalidListing, ListQuery
from shared.core.request import Caller, ExpectedVersion, StoreSession
from tests.client import Answer, answer_of
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("watch")


class Told(BaseModel):
    """What the endpoint was given. `hidden` is left out of the answer, as only its schema says."""

    number: int
    limit: int
    kind: str
    store: str
    expected: int | None
    word: str | None
    hidden: int | None = Field(default=None, exclude_if=lambda hidden: hidden is None)


class Word(BaseModel):
    """What comes in."""

    word: Annotated[str, Field(max_length=5)]


api = Api("given", prefix="/api/v1/given", audience="merchant")


@api.post("/{number}", permission="order.write", raises=(InvalidListing,))
def tell(  # noqa: PLR0917 -- everything that an endpoint can ask for
    number: int,
    query: Annotated[ListQuery, Depends(PRODUCTS.query)],
    session: StoreSession,
    caller: Caller,
    expected: ExpectedVersion,
    word: Word | None = None,
) -> Told:
    """Tell what was given."""
    store: str = session.scalar(text("select current_setting('app.store_id')")) or ""
    kind = caller.kind if caller else ""
    return Told(
        number=number, limit=query.limit, kind=kind, store=store, expected=expected, word=word.word if word else None
    )


handler = api.lambda_handler()


def test_everything_that_an_endpoint_asks_for_comes() -> None:
    store = a_store()

    answer = call(store, "/7", query="limit=3", body={"word": "tea"}, headers={"If-Match": '"5"'})

    assert answer.json() == {
        "number": 7,
        "limit": 3,
        "kind": "api_token",
        "store": str(store.id),
        "expected": 5,
        "word": "tea",
    }


@pytest.mark.parametrize(
    ("path", "query", "body", "headers", "status", "code"),
    [
        ("/none", "", None, {}, 404, "not_found"),
        ("/7", "limit=none", None, {}, 400, "invalid_listing"),
        ("/7", "colour=red", None, {}, 400, "invalid_listing"),
        ("/7", "", {"word": "longer"}, {}, 422, "validation_failed"),
        ("/7", "", None, {"If-Match": "none"}, 400, "malformed_request"),
    ],
)
def test_what_is_wrong_is_refused_as_ever(  # noqa: PLR0917 -- the parts of a request and of its refusal
    path: str, query: str, body: Any, headers: dict[str, str], status: int, code: str
) -> None:
    answer = call(a_store(), path, query=query, body=body, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_the_document_tells_of_the_parameters_that_come_past_fastapi() -> None:
    told = get_openapi(title="", version="1", routes=http.application(api.endpoints).routes)

    operation = told["paths"][api.prefix + "/{number}"]["post"]
    names = {parameter["name"] for parameter in operation["parameters"]}
    assert {"number", "limit", "cursor", "sort", "if-match"} <= names
    assert operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/Told")


def test_no_endpoint_pays_for_documented_parameters() -> None:
    assert _resolved_by_fastapi(documented=True) != []
    assert _resolved_by_fastapi(documented=False) == []


def _resolved_by_fastapi(*, documented: bool) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for _, one in topology.apis():
        for route in http.application(one.endpoints, documented=documented).routes:
            dependant = getattr(route, "dependant", None)
            seen = [] if dependant is None else [sub.call for sub in dependant.dependencies]
            found += [(one.prefix, call) for call in seen if hasattr(call, supplying.SUPPLY)]
    return found


def call(
    store: StoreUnderTest, path: str, *, query: str = "", body: Any = None, headers: dict[str, str] | None = None
) -> Answer:
    sent = {**store.merchant.headers, "Content-Type": "application/json", **(headers or {})}
    content = b"" if body is None else json.dumps(body).encode()
    event = events.http_event("POST", api.prefix + path, query=query, headers=sent, body=content)
    return answer_of(handler(event, events.context("given")))


def test_fastapi_is_called_only_where_it_has_something_to_do() -> None:
    by_name = {one.name: one for _, api in topology.apis() for one in api.endpoints}

    def runs_by_itself(name: str, *, documented: bool = False) -> bool:
        endpoint = by_name[name]
        returns = get_type_hints(endpoint.call)["return"]
        return supplying.runs_by_itself(supplying.inline(endpoint, returns, documented=documented))

    assert runs_by_itself("search-browse-products")
    assert not runs_by_itself("search-browse-products", documented=True)
    assert runs_by_itself("search-view-product")  # its slug is any text
    assert not runs_by_itself("search-suggest")  # its limit is checked
    assert not runs_by_itself("search-browse-brands")  # its answer is made of a model
