"""The documentation: it describes what is there, and a browser without a network can read it."""

import json

import pytest

from tests.client import Client

pytestmark = pytest.mark.usefixtures("application")


def test_the_document_names_every_problem_that_it_can_explain() -> None:
    document = Client().get("/openapi.json").json()

    assert document["openapi"].startswith("3.1")
    for code in document["x-problems"]:
        explained = Client().get(f"/problems/{code}")
        assert (explained.status_code, explained.json()["code"]) == (200, code)


def test_a_reader_who_has_the_document_gets_no_body() -> None:
    first = Client().get("/openapi.json")

    again = Client().get("/openapi.json", headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.body) == (304, b"")


def test_the_pages_load_nothing_from_elsewhere() -> None:
    page = Client().get("/docs")

    assert "://" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert Client().get("/docs/..%2fopenapi.json").status_code == 404


def test_every_reference_in_the_document_leads_somewhere() -> None:
    document = Client().get("/openapi.json").json()
    schemas = document["components"]["schemas"]

    references = set(json.dumps(document).split('"#/components/schemas/')[1:])

    assert {reference.split('"', 1)[0] for reference in references} <= schemas.keys()


def test_the_document_tells_what_is_no_json_and_where_a_reader_may_ask_for_news_alone() -> None:
    document = Client().get("/openapi.json").json()

    page = document["paths"]["/api/v1/storefront/orders/{order_id}/page"]["get"]["responses"]["200"]
    product = document["paths"]["/api/v1/products/{product_id}"]["get"]
    assert list(page["content"]) == ["text/html"]
    assert "ETag" in product["responses"]["200"]["headers"]
    assert "304" in product["responses"]
    assert "If-None-Match" in [parameter["name"] for parameter in product["parameters"]]
    assert "304" not in document["paths"]["/api/v1/products"]["get"]["responses"]
