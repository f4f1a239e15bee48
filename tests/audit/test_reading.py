"""Reading the trail over HTTP: who changed what, and the proof that it is sealed."""

import ast
import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.audit.schemas import PLAIN, PREFIXES
from shared.core import clock, ids
from tests.audit.trail import change, sealed
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store
from tests.rules import sources

pytestmark = pytest.mark.usefixtures("watch")


def listed(store: StoreUnderTest, **query: Any) -> list[dict[str, Any]]:
    answer = store.merchant.get("/audit/entries", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def test_an_entry_says_who_changed_what_from_what_to_what() -> None:
    store = a_store()
    store.merchant.patch("/store", json={"name": "Another name"}, headers={"X-Correlation-Id": "told by the caller"})

    entry = listed(store)[0]

    assert (entry["action"], entry["entity"], entry["severity"]) == ("store.updated", "store", "info")
    assert entry["entity_id"] == ids.encode("store", store.id)
    assert entry["after"]["name"] == "Another name"
    assert entry["before"]["name"].startswith("Test store")
    assert entry["actor_kind"] == "api_token"
    assert (entry["ip"], entry["correlation_id"]) == ("127.0.0.1", "told by the caller")


def test_the_list_is_filtered_by_each_of_its_fields_and_by_time() -> None:
    store = a_store(stock={"TEA": 1})
    product = listed(store, entity="product")[0]
    before = clock.now() - timedelta(hours=1)

    assert {entry["entity"] for entry in listed(store, entity="product")} == {"product"}
    assert {entry["entity_id"] for entry in listed(store, entity_id=product["entity_id"])} == {product["entity_id"]}
    assert {entry["action"] for entry in listed(store, action="product.created")} == {"product.created"}
    assert {entry["actor_id"] for entry in listed(store, actor_id=product["actor_id"])} == {product["actor_id"]}
    assert {entry["severity"] for entry in listed(store, severity="info")} == {"info"}
    assert listed(store, **{"at[lt]": before.isoformat().replace("+00:00", "Z")}) == []
    assert listed(store, **{"at[gte]": before.isoformat().replace("+00:00", "Z")}) == listed(store)


def test_pages_follow_each_other_to_the_end() -> None:
    store = a_store(stock={"TEA": 1})
    whole = [entry["id"] for entry in listed(store, limit=100)]

    seen: list[str] = []
    query: dict[str, Any] = {"limit": 1}
    while True:
        page = store.merchant.get("/audit/entries", params=query).json()
        seen += [entry["id"] for entry in page["data"]]
        if not page["page"]["has_more"]:
            break
        query = {"limit": 1, "cursor": page["page"]["next_cursor"]}

    assert len(whole) > 2
    assert seen == whole


def test_addresses_are_encrypted_and_shown_to_who_may_read_the_trail_alone(sql: Sql) -> None:
    store = a_store()
    store.merchant.patch("/store", json={"name": "Another name"})
    [kept] = sql("select ip from audit_entries where store_id = %s and ip is not null limit 1", store.id)

    refused = store.token("product.read").get("/audit/entries")
    read = store.token("audit.view").get("/audit/entries")

    assert b"127.0.0.1" not in bytes(kept["ip"])
    assert refused.status_code == 403
    assert "127.0.0.1" in {entry["ip"] for entry in read.json()["data"]}


def test_an_entry_proves_that_it_is_in_its_block_with_the_hashes_beside_its_way_alone() -> None:
    store = a_store()
    things = change(store.id, 5)
    waiting = store.merchant.get(f"/audit/entries/{listed(store)[0]['id']}").json()["proof"]
    sealed(store.id)

    for place, entry in enumerate(listed(store, entity="thing")):
        proof = store.merchant.get(f"/audit/entries/{entry['id']}").json()["proof"]
        entry_id = ids.decode("audit", entry["id"])
        present = hashlib.sha256(b"\x00" + entry_id.bytes + bytes.fromhex(proof["row_hash"])).digest()
        for step in proof["path"]:
            other = bytes.fromhex(step["hash"])
            pair = other + present if step["side"] == "left" else present + other
            present = hashlib.sha256(b"\x01" + pair).digest()
        assert UUID(entry["entity_id"]) == things[-1 - place]
        assert (present.hex(), proof["block"]) == (proof["root"], 1)
    assert waiting is None


def test_an_entry_that_is_not_there_is_not_found() -> None:
    store = a_store()

    assert store.merchant.get(f"/audit/entries/{ids.encode('audit', ids.new_id())}").status_code == 404


def test_every_kind_of_thing_that_is_recorded_has_its_prefix_on_the_wire() -> None:
    named = {
        keyword.value.value
        for source in sources.python_sources()
        if source.within("shared", "functions")
        for call in ast.walk(source.tree)
        if isinstance(call, ast.Call) and sources.dotted(call.func).endswith("audit.record")
        for keyword in call.keywords
        if keyword.arg == "entity" and isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str)
    }

    assert {"order", "product", "store"} <= named
    assert sorted(named - PREFIXES.keys() - PLAIN) == []
