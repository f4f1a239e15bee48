"""How the tests of the catalog put things on the shelf, and what they read of events and audit entries."""

from typing import Any

from tests.client import Answer
from tests.database import Sql
from tests.factories import StoreUnderTest


def make(store: StoreUnderTest, *skus: str, **product: Any) -> dict[str, Any]:
    """Make a product with a variant a SKU, for 10.00 each, and return it."""
    variants = [{"sku": sku, "title": sku.title(), "price": 1000} for sku in skus]
    answer = store.merchant.post("/products", json={"title": "Tea mug", "variants": variants, **product})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    for variant in made["variants"]:
        store.variants[variant["sku"]] = variant["id"]
    return made


def told(sql: Sql, store: StoreUnderTest, prefix: str) -> list[tuple[str, int]]:
    """Return types and versions of the store's events whose type begins so, in the order of their making."""
    found = sql(
        "select type, entity_version from domain_events where store_id = %s and starts_with(type, %s) order by id",
        store.id,
        prefix,
    )
    return [(row["type"], row["entity_version"]) for row in found]


def audited(sql: Sql, store: StoreUnderTest, action: str) -> list[tuple[Any, Any]]:
    """Return before and after of the store's audit entries of an action."""
    found = sql(
        "select before, after from audit_entries where store_id = %s and action = %s order by id", store.id, action
    )
    return [(row["before"], row["after"]) for row in found]


def code(answer: Answer) -> tuple[int, str]:
    """Return what a refusal is told apart by."""
    return answer.status_code, answer.json()["code"]
