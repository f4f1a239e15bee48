"""The way of a request: idempotency, transaction, problems, versions. On a small Api of the tests' own."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from infra.local import events
from shared.core import ids
from tests.client import Answer
from tests.core import shop
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("watch")


def test_the_same_request_again_gets_the_same_answer_and_happens_once(sql: Sql) -> None:
    store, key = a_store(), str(ids.new_id())

    first = call(store, "POST", "/notes", json={"word": "mug"}, headers={"Idempotency-Key": key})
    again = call(store, "POST", "/notes", json={"word": "mug"}, headers={"Idempotency-Key": f'"{key}"'})

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.body == again.body
    assert again.headers["idempotent-replayed"] == "true"
    assert counted(sql, store, "mug") == 1


def test_another_body_under_the_same_key_is_refused_and_changes_nothing(sql: Sql) -> None:
    store, key = a_store(), str(ids.new_id())
    call(store, "POST", "/notes", json={"word": "mug"}, headers={"Idempotency-Key": key})

    refused = call(store, "POST", "/notes", json={"word": "tee"}, headers={"Idempotency-Key": key})

    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert counted(sql, store, "tee") is None


def test_keys_of_two_stores_do_not_meet(sql: Sql) -> None:
    mine, theirs, key = a_store(), a_store(), str(ids.new_id())
    call(mine, "POST", "/notes", json={"word": "mug"}, headers={"Idempotency-Key": key})

    other = call(theirs, "POST", "/notes", json={"word": "tee"}, headers={"Idempotency-Key": key})

    assert (other.status_code, other.json()["word"]) == (201, "tee")
    assert counted(sql, theirs, "tee") == 1


def test_where_a_key_is_required_a_request_without_one_is_refused(sql: Sql) -> None:
    store = a_store()

    refused = call(store, "POST", "/notes", json={"word": "mug"})

    assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_required")
    assert counted(sql, store, "mug") is None


def test_a_refusal_of_the_business_is_kept_for_its_key_and_undone(sql: Sql) -> None:
    store, key = a_store(), str(ids.new_id())

    first = call(store, "POST", "/notes", json={"word": "sold-out"}, headers={"Idempotency-Key": key})
    again = call(store, "POST", "/notes", json={"word": "sold-out"}, headers={"Idempotency-Key": key})

    assert (first.status_code, first.json()["code"]) == (409, "test_sold_out")
    assert first.headers["content-type"] == again.headers["content-type"] == "application/problem+json"
    assert (again.status_code, again.body, again.headers["idempotent-replayed"]) == (409, first.body, "true")
    assert counted(sql, store, "sold-out") is None
    assert sql("select 1 from audit_entries where store_id = %s and action = 'note.counted'", store.id) == []


def test_a_refusal_that_is_recorded_leaves_what_was_written_until_it_once_for_each_key(sql: Sql) -> None:
    store, key = a_store(), str(ids.new_id())

    refused = call(store, "POST", "/noted", json={"word": "guess"})
    keyed = [call(store, "POST", "/noted", json={"word": "guess"}, headers={"Idempotency-Key": key}) for _ in range(2)]
    audited = "select after from audit_entries where store_id = %s and action = 'note.counted' order by id"

    assert [(one.status_code, one.json()["code"]) for one in (refused, *keyed)] == [(403, "test_noted")] * 3
    assert keyed[1].headers["idempotent-replayed"] == "true"
    assert counted(sql, store, "guess") == 2
    assert sql(audited, store.id) == [{"after": {"count": 1}}, {"after": {"count": 2}}]


def test_a_refusal_that_would_be_recorded_and_is_not_declared_is_a_bug_and_leaves_nothing(sql: Sql) -> None:
    store = a_store()

    refused = call(store, "POST", "/noted-undeclared", json={"word": "guess"})

    assert refused.status_code == 500
    assert counted(sql, store, "guess") is None


def test_a_refusal_of_form_is_not_kept_so_the_mended_request_may_use_the_key(sql: Sql) -> None:
    store, key = a_store(), str(ids.new_id())

    refused = call(store, "POST", "/notes", json={"word": 5}, headers={"Idempotency-Key": key})
    mended = call(store, "POST", "/notes", json={"word": "mug"}, headers={"Idempotency-Key": key})

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/word")
    assert mended.status_code == 201
    assert counted(sql, store, "mug") == 1


def test_of_twenty_at_once_under_one_key_one_happens_and_the_others_wait_or_replay(sql: Sql) -> None:
    store, key = a_store(), str(ids.new_id())

    def send(_: int) -> Answer:
        return call(store, "POST", "/notes", json={"word": "mug"}, headers={"Idempotency-Key": key})

    with ThreadPoolExecutor(10) as callers:
        answers = list(callers.map(send, range(20)))

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {answer.json().get("code") for answer in answers if answer.status_code == 409} <= {"request_in_flight"}
    assert sum(answer.status_code == 201 and "idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert counted(sql, store, "mug") == 1


def test_an_answer_is_kept_encrypted(sql: Sql) -> None:
    store, key = a_store(), str(ids.new_id())
    call(store, "POST", "/notes", json={"word": "visible-word"}, headers={"Idempotency-Key": key})

    kept = sql("select k::text as row, answer from idempotency_keys k where store_id = %s and key = %s", store.id, key)

    assert len(kept) == 1
    assert "visible-word" not in kept[0]["row"]
    assert b"visible-word" not in bytes(kept[0]["answer"])


def test_a_bug_is_answered_without_a_word_about_our_insides_and_leaves_nothing(sql: Sql) -> None:
    store = a_store()

    failed = call(store, "POST", "/broken")

    assert (failed.status_code, failed.json()["code"], failed.json()["kind"]) == (500, "internal_error", "system")
    assert "secret inside" not in failed.text
    assert counted(sql, store, "broken") is None


def test_a_change_without_an_audit_entry_does_not_happen(sql: Sql) -> None:
    store = a_store()

    failed = call(store, "POST", "/unaudited")

    assert failed.status_code == 500
    assert counted(sql, store, "unaudited") is None


def test_a_problem_that_the_route_does_not_declare_is_a_bug() -> None:
    failed = call(a_store(), "POST", "/undeclared")

    assert (failed.status_code, failed.json()["code"]) == (500, "internal_error")


def test_a_reader_who_has_the_version_gets_no_body() -> None:
    store, path = a_store(), "/notes/" + ids.encode("ord", ids.new_id())
    first = call(store, "GET", path)

    again = call(store, "GET", path, headers={"If-None-Match": first.headers["etag"]})

    assert first.headers["etag"] == '"7"'
    assert (again.status_code, again.body) == (304, b"")


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/notes/prod_01h455vb4pex5vsknk084sn02q", None, 404, "not_found"),
        ("/notes/nonsense", None, 404, "not_found"),
        ("/notes", b"{", 400, "malformed_request"),
        ("/notes", b'{"word": "\\u0000"}', 400, "malformed_request"),
        ("/notes", b"\xff\xfe", 400, "malformed_request"),
        ("/notes", b"[]", 422, "validation_failed"),
        ("/notes", b'{"word": "a", "amount": 1e400}', 422, "validation_failed"),
        ("/notes", b'{"word": "\\ud800"}', 422, "validation_failed"),
    ],
)
def test_what_cannot_be_read_is_refused_clearly(path: str, body: bytes | None, status: int, code: str) -> None:
    method = "GET" if body is None else "POST"

    refused = call(a_store(), method, path, body=body, headers={"Idempotency-Key": "k"})

    assert (refused.status_code, refused.json()["code"]) == (status, code)


def test_a_callers_correlation_id_goes_through_to_the_audit_entry(sql: Sql) -> None:
    store = a_store()

    answer = call(
        store, "POST", "/notes", json={"word": "mug"}, headers={"Idempotency-Key": "k", "X-Correlation-Id": "walk-17"}
    )

    assert answer.headers["x-correlation-id"] == "walk-17"
    entries = sql("select correlation_id, actor_kind from audit_entries where store_id = %s", store.id)
    assert {"correlation_id": "walk-17", "actor_kind": "api_token"} in entries


def call(
    store: StoreUnderTest,
    method: str,
    path: str,
    *,
    json: Any = None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    content = body if body is not None else b"" if json is None else _encoded(json)
    sent = {**store.merchant.headers, "Content-Type": "application/json", **(headers or {})}
    event = events.http_event(method, "/api/v1/shop" + path, headers=sent, body=content)
    result = shop.handler(event, events.context("shop"))
    return Answer(result["statusCode"], {k.lower(): v for k, v in result["headers"].items()}, result["body"].encode())


def counted(sql: Sql, store: StoreUnderTest, word: str) -> int | None:
    rows = sql("select last from store_sequences where store_id = %s and name = %s", store.id, word)
    return int(rows[0]["last"]) if rows else None


def _encoded(value: Any) -> bytes:
    return json.dumps(value).encode()
