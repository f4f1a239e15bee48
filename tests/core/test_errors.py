"""Problems and their documents."""

import json

import pytest

from shared.core import errors
from shared.core.errors import Conflict, FieldError, NotFound, Problem, StaleVersion, Unavailable, ValidationFailed


class SoldOut(Conflict):
    """Fewer units are left than asked for."""

    code = "sold_out"


def test_a_document_has_every_member_that_is_promised() -> None:
    problem = ValidationFailed(
        "Two fields are wrong.", errors=[FieldError("/lines/0/sku", "missing", "Say which SKU.")]
    )

    document = errors.document(problem, "corr-1", "/api/v1/orders")

    assert json.loads(json.dumps(document)) == {
        "type": "/api/v1/problems/validation_failed",
        "title": "Invalid fields",
        "status": 422,
        "detail": "Two fields are wrong.",
        "instance": "/api/v1/orders",
        "code": "validation_failed",
        "kind": "user",
        "retryable": False,
        "errors": [{"pointer": "/lines/0/sku", "code": "missing", "message": "Say which SKU."}],
        "correlation_id": "corr-1",
    }


def test_a_problem_of_a_capability_adds_its_own_members() -> None:
    problem = SoldOut("Two are left.", available=2)

    document = errors.document(problem, "corr-1")

    assert (document["code"], document["title"], document["status"]) == ("sold_out", "Sold out", 409)
    assert document["available"] == 2
    assert "instance" not in document


def test_a_stale_edit_is_told_the_current_version() -> None:
    problem = StaleVersion(7)

    document = errors.document(problem, "corr-1")

    assert (document["status"], document["current_version"]) == (412, 7)
    assert problem.headers == {"ETag": '"7"'}


def test_what_is_ours_says_so_and_may_be_tried_again() -> None:
    document = errors.document(Unavailable("Try again in a moment.", headers={"Retry-After": "1"}), "corr-1")

    assert (document["kind"], document["retryable"], document["status"]) == ("system", True, 503)


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (errors.MalformedRequest, 400, "malformed_request"),
        (errors.Unauthenticated, 401, "unauthenticated"),
        (errors.Forbidden, 403, "forbidden"),
        (errors.NotFound, 404, "not_found"),
        (errors.MethodNotAllowed, 405, "method_not_allowed"),
        (errors.Conflict, 409, "conflict"),
        (errors.StaleVersion, 412, "stale_version"),
        (errors.ValidationFailed, 422, "validation_failed"),
        (errors.Unavailable, 503, "unavailable"),
    ],
)
def test_status_and_code_are_what_clients_rely_on(kind: type[Problem], status: int, code: str) -> None:
    assert (kind.status, kind.code, errors.type_uri(kind)) == (status, code, f"/api/v1/problems/{code}")


def test_a_problem_without_status_or_with_an_odd_code_is_refused_at_its_declaration() -> None:
    with pytest.raises(TypeError, match="snake_case code and a status"):
        type("NoStatus", (Problem,), {"code": "no_status"})
    with pytest.raises(TypeError, match="snake_case code and a status"):
        type("OddCode", (Problem,), {"code": "OddCode", "status": 409})
    with pytest.raises(TypeError, match="snake_case code and a status"):
        type("NoFailure", (Problem,), {"code": "no_failure", "status": 200})


def test_further_members_cannot_hide_the_promised_ones() -> None:
    with pytest.raises(TypeError, match="status already mean"):
        NotFound("No such order.", status=200)


def test_pointers_escape_what_json_pointers_must() -> None:
    assert errors.pointer("lines", 0, "a/b~c") == "/lines/0/a~1b~0c"
    assert errors.pointer("query", "created_at[gte]") == "/query/created_at[gte]"
    assert errors.pointer() == ""
