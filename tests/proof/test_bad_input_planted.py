"""What the judge of bad input's answers must not let through, planted."""

import json
from typing import Any

import pytest

from tests.client import Answer
from tests.proof.bad_input_wire import Asked, Judge
from tests.proof.bad_input_world import document, operations

PROBLEM = {
    "type": "/api/v1/problems/not_found",
    "title": "Not found",
    "status": 404,
    "detail": "There is nothing at this address.",
    "code": "not_found",
    "kind": "user",
    "retryable": False,
    "errors": [],
    "correlation_id": "01a1",
}
HEADERS = {"content-type": "application/problem+json", "x-correlation-id": "01a1"}


def test_a_problem_as_the_document_tells_it_is_no_offence() -> None:
    assert offences(Answer(404, HEADERS, json.dumps(PROBLEM).encode())) == []


@pytest.mark.parametrize(
    ("status", "change", "headers", "told"),
    [
        (500, {"status": 500, "code": "internal_error"}, {}, "ServerError"),
        (418, {"status": 418}, {}, "UndefinedStatusCode"),
        (404, {}, {"content-type": "text/html"}, "UndefinedContentType"),
        (404, {"errors": None}, {}, "JsonSchemaError"),
        (404, {"code": "made_up"}, {}, "not in the catalogue"),
        (404, {"correlation_id": "02b2"}, {}, "correlation id"),
        (404, {"detail": 'relation "orders" does not exist'}, {}, "insides"),
        (404, {"detail": "File shared/core/http.py"}, {}, "insides"),
        (404, {"detail": "KeyError"}, {}, "insides"),
        (404, {"detail": "select id from orders"}, {}, "insides"),
    ],
)
def test_an_answer_that_is_not_as_it_must_be_is_an_offence(
    status: int, change: dict[str, Any], headers: dict[str, str], told: str
) -> None:
    found = offences(Answer(status, HEADERS | headers, json.dumps(PROBLEM | change).encode()))

    assert any(told in offence for offence in found), found


def test_what_the_caller_sent_is_theirs_to_have_back() -> None:
    answer = Answer(404, HEADERS, json.dumps(PROBLEM | {"instance": "/api/v1/products/KeyError"}).encode())

    assert offences(answer, path="/api/v1/products/KeyError") == []
    assert offences(answer) != []


def offences(answer: Answer, path: str = "/api/v1/products/prod_0") -> list[str]:
    case = operations()["catalog-get-product"].Case(path_parameters={"product_id": "prod_0"})
    judge = Judge(document()["x-problems"])
    return judge.offences(case, Asked("GET", path), answer, seconds=0.1, breaks_the_schema=False)
