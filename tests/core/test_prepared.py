"""Answers whose JSON PostgreSQL has made: passed on as they are, with all that any other answer gets on its way."""

import json
from typing import Annotated, Any

import pytest
from fastapi import Query
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from sqlalchemy import text

from infra.local import events
from shared.core import http
from shared.core.functions import Api
from shared.core.paging import Page
from shared.core.prepared import Prepared
from shared.core.request import StoreSession
from tests.client import Answer, answer_of
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("watch")

_CARDS = text("""
select cast(json_build_object('data', json_agg(json_build_object('title', title)), 'page', json_build_object(
    'next_cursor', null, 'has_more', false)) as text) as body
from unnest(cast(:titles as text[])) title
""")


class Card(BaseModel):
    """What a list shows of a thing."""

    title: str


api = Api("cards", prefix="/api/v1/storefront/cards", audience="storefront")


@api.get("", public="Anyone may see them.")
def list_cards(title: Annotated[list[str], Query()], session: StoreSession) -> Prepared[Page[Card]]:
    """List cards of these titles."""
    return Prepared(session.execute(_CARDS, {"titles": title}).scalar_one(), version="d1g357")


@api.get("/bytes", public="Anyone may see them.")
def view_bytes() -> Prepared[Card]:
    """Show a card that came as bytes, spaces and all."""
    return Prepared('{ "title":  "চা" }'.encode())


@api.get("/misfit", public="Nobody shall see it.")
def view_misfit() -> Prepared[Card]:
    """Promise a card, and answer with something else."""
    return Prepared('{"name": "Mug"}')


@api.post("", public="Anyone may make them.", status_code=201, idempotent=True)
def make_card(card: Card) -> Prepared[Card]:
    """Make a card."""
    return Prepared(json.dumps({"title": card.title.upper()}))


handler = api.lambda_handler()


def test_a_prepared_body_goes_out_as_it_is() -> None:
    answer = call(a_store(), "GET", "/bytes")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.body == '{ "title":  "চা" }'.encode()
    assert "etag" not in answer.headers


def test_a_prepared_page_has_the_headers_of_any_other_answer() -> None:
    store = a_store(allowed_origins=["https://shop.example"])

    answer = call(store, "GET", "", query="title=Mug&title=Tea", headers={"Origin": "https://shop.example"})

    assert answer.json() == {
        "data": [{"title": "Mug"}, {"title": "Tea"}],
        "page": {"next_cursor": None, "has_more": False},
    }
    assert answer.headers["etag"] == '"d1g357"'
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert answer.headers["x-correlation-id"] != ""


def test_who_has_the_prepared_body_already_gets_304() -> None:
    answer = call(a_store(), "GET", "", query="title=Mug", headers={"If-None-Match": '"d1g357"'})

    assert (answer.status_code, answer.body) == (304, b"")


def test_parameters_of_a_prepared_answer_are_checked() -> None:
    answer = call(a_store(), "GET", "")

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/title")


def test_a_prepared_answer_is_kept_for_its_key(sql: Sql) -> None:
    store, key = a_store(), {"Idempotency-Key": "k"}

    first = call(store, "POST", "", body={"title": "Mug"}, headers=key)
    again = call(store, "POST", "", body={"title": "Mug"}, headers=key)

    assert (first.status_code, first.json()) == (201, {"title": "MUG"})
    assert (again.status_code, again.body, again.headers["idempotent-replayed"]) == (201, first.body, "true")
    assert again.headers["content-type"] == first.headers["content-type"]
    assert len(sql("select 1 from idempotency_keys where store_id = %s and key = 'k'", store.id)) == 1


def test_a_body_that_is_not_what_the_endpoint_promises_is_a_bug_in_tests() -> None:
    answer = call(a_store(), "GET", "/misfit")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")


def test_a_prepared_answer_is_documented_as_what_it_is_the_json_of() -> None:
    told = get_openapi(title="", version="1", routes=http.application(api.endpoints).routes)

    schema = told["paths"][api.prefix]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/Page_Card_"}
    assert told["components"]["schemas"]["Page_Card_"]["properties"]["data"]["items"] == {
        "$ref": "#/components/schemas/Card"
    }
    assert "Prepared" not in json.dumps(told)


def call(
    store: StoreUnderTest,
    method: str,
    path: str,
    *,
    query: str = "",
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    sent = {"X-Publishable-Key": store.publishable_key, "Content-Type": "application/json", **(headers or {})}
    content = b"" if body is None else json.dumps(body).encode()
    event = events.http_event(method, api.prefix + path, query=query, headers=sent, body=content)
    return answer_of(handler(event, events.context("cards")))
