"""The shapes of AWS's events: as committed in `events/triggers/`, and as Mangum and Powertools read them."""

import asyncio
import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2, EventBridgeEvent, SQSEvent
from fastapi import FastAPI, Request
from mangum import Mangum

from infra.local import events
from shared.core import clock

SAMPLES = Path(__file__).parents[2] / "events" / "triggers"


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.frozen(datetime(2026, 11, 21, 12, 0, tzinfo=UTC)):
        yield


def test_the_committed_http_sample_is_what_the_gateway_builds() -> None:
    sample = json.loads((SAMPLES / "http-api-v2.json").read_text())

    built = events.http_event(
        "POST",
        "/api/v1/orders/ord_01h455vb4pex5vsknk084sn02q/cancel",
        route="/api/v1/orders/{order_id}/cancel",
        path_parameters={"order_id": "ord_01h455vb4pex5vsknk084sn02q"},
        query="reason=changed%20mind&tag=a&tag=b",
        headers=[
            ("Host", "localhost:8000"),
            ("Authorization", "Bearer sk_example"),
            ("Content-Type", "application/json"),
            ("User-Agent", "curl/8.0"),
            ("X-Tag", "one"),
            ("X-Tag", "two"),
            ("Cookie", "session=abc; theme=dark"),
        ],
        body=b'{"restock":true}',
        source_ip="203.0.113.7",
        request_id="0f6a4c0b8d1e4f2a9c3b7d5e6f708192",
    )

    assert built == sample


def test_the_committed_queue_sample_is_what_the_pump_builds() -> None:
    sample = json.loads((SAMPLES / "sqs.json").read_text())

    message = events.Queued(
        body='{"store_id": "019aa6a8-0000-7000-8000-000000000001", "correlation_id": "c-1"}',
        message_id="059f36b4-87a3-44ab-83d2-661975830a7d",
        receipt_handle="AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        receives=2,
        attributes={"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
    )

    assert events.sqs_event("outbox", [message]) == sample


def test_the_committed_schedule_sample_is_what_the_scheduler_builds() -> None:
    sample = json.loads((SAMPLES / "schedule.json").read_text())

    built = events.schedule_event("inventory-sweep-reservations", event_id="cdc73f9d-aea9-11e3-9d5a-835b769c0d9c")

    assert built == sample


def test_mangum_reads_method_path_query_headers_cookies_and_body() -> None:
    event = events.http_event(
        "POST",
        "/say/héllo wörld",
        query="a=1&a=2&b=%26",
        headers=[("X-Many", "1"), ("X-Many", "2"), ("Cookie", "c=d")],
        cookies=["e=f"],
        body=b"\x00\xff",
        source_ip="203.0.113.7",
    )

    seen = _told_by_mangum(event)

    assert seen == {
        "method": "POST",
        "path": "/say/héllo wörld",
        "query": [["a", "1"], ["a", "2"], ["b", "&"]],
        "many": "1,2",
        "cookies": {"e": "f", "c": "d"},
        "body": "00ff",
        "client": "203.0.113.7",
    }


def test_powertools_reads_an_http_event() -> None:
    event = events.http_event("GET", "/orders/7", route="/orders/{id}", path_parameters={"id": "7"}, query="limit=5")

    read = APIGatewayProxyEventV2(event)

    assert (read.route_key, read.raw_path, read.http_method) == ("GET /orders/{id}", "/orders/7", "GET")
    assert read.path_parameters == {"id": "7"}
    assert read.resolved_query_string_parameters == {"limit": ["5"]}
    assert read.request_context.http.source_ip == "127.0.0.1"
    assert read.request_context.time_epoch == 1_795_262_400_000


def test_powertools_reads_a_batch_from_a_queue() -> None:
    event = events.sqs_event("outbox", ["one", events.Queued("two", receives=4, attributes={"kind": "kick"})])

    first, second = SQSEvent(event).records

    assert (first.body, first.attributes.approximate_receive_count, first.queue_url.split("/")[-1]) == (
        "one",
        "1",
        "outbox",
    )
    assert (second.body, second.attributes.approximate_receive_count) == ("two", "4")
    assert second.raw_event["messageAttributes"]["kind"]["stringValue"] == "kick"
    assert first.message_id != second.message_id


def test_powertools_reads_a_schedule_event() -> None:
    read = EventBridgeEvent(events.schedule_event("tick"))

    assert (read.source, read.detail_type, read.time) == ("aws.events", "Scheduled Event", "2026-11-21T12:00:00Z")
    assert read.resources == ["arn:aws:events:us-east-1:123456789012:rule/tick"]


@pytest.mark.parametrize(
    ("content_type", "body", "passed_on"),
    [
        ("application/json; charset=utf-8", b'{"a":1}', ('{"a":1}', False)),
        ("application/merge-patch+json", b"{}", ("{}", False)),
        ("text/csv", b"a,b", ("a,b", False)),
        ("text/csv", b"\xff", (base64.b64encode(b"\xff").decode(), True)),
        ("application/x-www-form-urlencoded", b"a=1", (base64.b64encode(b"a=1").decode(), True)),
        ("image/png", b"\x89PNG", (base64.b64encode(b"\x89PNG").decode(), True)),
    ],
)
def test_text_is_passed_on_as_it_is_and_anything_else_as_base64(
    content_type: str, body: bytes, passed_on: tuple[str, bool]
) -> None:
    event = events.http_event("POST", "/", headers={"Content-Type": content_type}, body=body)

    assert (event["body"], event["isBase64Encoded"]) == passed_on


def test_a_request_without_body_query_or_cookies_has_none_of_these_fields() -> None:
    event = events.http_event("GET", "/")

    assert event.keys().isdisjoint({"body", "cookies", "queryStringParameters", "pathParameters"})


def test_a_client_can_not_choose_the_address_that_it_comes_from() -> None:
    claimed = {"X-Forwarded-For": "198.51.100.1", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "443"}

    event = events.http_event("GET", "/", headers={"Host": "localhost:8000", **claimed}, source_ip="203.0.113.7")

    headers = event["headers"]
    assert headers["x-forwarded-for"] == "198.51.100.1, 203.0.113.7"
    assert (headers["x-forwarded-proto"], headers["x-forwarded-port"]) == ("http", "8000")
    assert event["requestContext"]["http"]["sourceIp"] == "203.0.113.7"


def test_the_context_names_the_function_and_counts_its_time_down() -> None:
    context = events.context("orders-place-order", memory=1024, timeout=15)

    assert (context.function_name, context.memory_limit_in_mb) == ("orders-place-order", "1024")
    assert context.invoked_function_arn.endswith(":function:orders-place-order")
    assert 14_000 < context.get_remaining_time_in_millis() <= 15_000
    assert events.context("orders-place-order").aws_request_id != context.aws_request_id


def _told_by_mangum(event: dict[str, Any]) -> dict[str, Any]:
    application = FastAPI()

    @application.post("/{rest:path}")
    async def tell(rest: str, request: Request) -> dict[str, Any]:
        assert request.scope["path"] == f"/{rest}"
        return {
            "method": request.method,
            "path": request.scope["path"],
            "query": request.query_params.multi_items(),
            "many": request.headers["x-many"],
            "cookies": request.cookies,
            "body": (await request.body()).hex(),
            "client": request.client.host if request.client else None,
        }

    context: Any = events.context("tell")
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)  # Mangum runs on the loop of its thread
    try:
        answer = Mangum(application, lifespan="off")(event, context)
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    told: dict[str, Any] = json.loads(answer["body"])
    return told
