"""Fields that merchants define: over HTTP, and what of the given values fits them."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from shared.catalog import custom_fields, patterns, products
from shared.catalog.custom_fields import Field
from shared.catalog.models.definitions import CustomFieldEntity, CustomFieldKind
from shared.core import ids
from tests.application import Watch
from tests.catalog import waiting
from tests.catalog.shelf import audited, code, make, told
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("watch")


def field(store: StoreUnderTest, key: str, kind: str, **facts: Any) -> dict[str, Any]:
    """Define a field of products."""
    wanted = {"entity": "product", "key": key, "name": key.title(), "kind": kind, **facts}
    answer = store.merchant.post("/custom-fields", json=wanted)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def a_field(kind: str, *, required: bool = False, **rules: Any) -> dict[str, Field]:
    one = Field(
        id=UUID(int=1),
        entity=CustomFieldEntity.PRODUCT,
        key="warranty",
        name="Warranty",
        kind=CustomFieldKind(kind),
        rules=rules,
        required=required,
        shown_to_shoppers=True,
        position=1,
    )
    return {"warranty": one}


def test_a_field_is_defined_edited_and_removed_and_each_is_told(sql: Sql) -> None:
    store = a_store()

    made = field(store, "warranty", "integer", rules={"minimum": 0, "maximum": "120.0"}, required=True)
    where = f"/custom-fields/{made['id']}"
    edited = store.merchant.patch(where, json={"rules": {"maximum": 60}}, headers={"If-Match": '"1"'})
    nothing = store.merchant.patch(where, json={"name": "Warranty"})
    stale = store.merchant.delete(where, headers={"If-Match": '"1"'})
    removed = store.merchant.delete(where)

    assert (made["rules"]["minimum"], made["rules"]["maximum"], made["position"]) == ("0", "120", 100)
    assert (edited.json()["rules"]["minimum"], edited.json()["rules"]["maximum"]) == (None, "60")
    assert (nothing.json(), code(stale), removed.status_code) == (edited.json(), (412, "stale_version"), 200)
    assert store.merchant.get(where).status_code == 404
    assert told(sql, store, "custom_field.") == [
        ("custom_field.created", 1),
        ("custom_field.updated", 2),
        ("custom_field.deleted", 3),
    ]
    assert audited(sql, store, "custom_field.updated") == [
        ({"rules": {"minimum": "0", "maximum": "120"}}, {"rules": {"maximum": "60"}}),
    ]


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"key": "Warranty months"}, "/key"),
        ({"entity": "order"}, "/entity"),
        ({"kind": "money"}, "/kind"),
        ({"rules": {"minimum": 1}}, ""),
        ({"kind": "choice"}, ""),
        ({"kind": "choice", "rules": {"choices": ["A", "A"]}}, "/rules"),
        ({"kind": "choice", "rules": {"choices": []}}, "/rules/choices"),
        ({"kind": "integer", "rules": {"minimum": 2, "maximum": 1}}, "/rules"),
        ({"kind": "integer", "rules": {"minimum": "NaN"}}, "/rules/minimum"),
        ({"kind": "integer", "rules": {"minimum": "1e999999"}}, "/rules/minimum"),
        ({"rules": {"max_length": 0}}, "/rules/max_length"),
        ({"rules": {"pattern": "(a+)+"}}, "/rules/pattern"),
    ],
)
def test_what_is_no_field_is_refused_with_what_is_wrong(wrong: dict[str, Any], pointer: str) -> None:
    store = a_store()
    right = {"entity": "product", "key": "warranty", "name": "Warranty", "kind": "text"}

    refused = store.merchant.post("/custom-fields", json=right | wrong)

    assert (refused.status_code, [error["pointer"] for error in refused.json()["errors"]]) == (422, [pointer])
    assert store.merchant.get("/custom-fields").json()["data"] == []


def test_a_key_is_taken_once_an_entity() -> None:
    store = a_store()
    field(store, "warranty", "text")

    of_variants = field(store, "warranty", "integer", entity="variant")
    refused = store.merchant.post(
        "/custom-fields", json={"entity": "product", "key": "warranty", "name": "X", "kind": "text"}
    )

    assert code(refused) == (409, "code_taken")
    listed = store.merchant.get("/custom-fields").json()["data"]
    assert [(one["entity"], one["kind"]) for one in listed] == [("product", "text"), ("variant", "integer")]
    assert listed[1] == of_variants


def test_the_kind_of_a_field_with_values_stays_and_removing_them_is_forced(sql: Sql) -> None:
    store = a_store()
    made, other = field(store, "warranty", "text", rules={"max_length": 5}), field(store, "origin", "text")
    make(store, "MUG")
    where, free = f"/custom-fields/{made['id']}", f"/custom-fields/{other['id']}"
    values = '{"warranty": "2 y", "else": 1}'
    sql("update products set custom_fields = cast(%s as jsonb) where store_id = %s", values, store.id)

    refused = [store.merchant.patch(where, json={"kind": "integer"}), store.merchant.delete(where)]
    changed = store.merchant.patch(free, json={"kind": "choice", "rules": {"choices": ["BD", "IN"]}})
    foreign = store.merchant.patch(free, json={"rules": {"minimum": 1}})
    forced = store.merchant.delete(f"{where}?force=true")

    assert [(code(one), one.json()["values"]) for one in refused] == [((409, "custom_field_in_use"), 1)] * 2
    assert (changed.json()["kind"], changed.json()["rules"]["choices"]) == ("choice", ["BD", "IN"])
    assert [error["pointer"] for error in foreign.json()["errors"]] == ["/rules"]
    assert forced.status_code == 200
    left = sql("select custom_fields, version from products where store_id = %s", store.id)
    assert left == [{"custom_fields": {"else": 1}, "version": 1}]
    assert audited(sql, store, "custom_field.deleted")[0][0]["values"] == 1


def test_who_stores_values_and_who_removes_the_field_wait_for_each_other(sql: Sql) -> None:
    store = a_store()
    kind, gone = field(store, "warranty", "text"), field(store, "origin", "text")
    product_id = ids.decode("prod", make(store, "MUG")["id"])

    with ThreadPoolExecutor(2) as merchants:
        with store.session() as session:
            product = products.locked(session, product_id)
            custom_fields.held_definitions(session, "product")
            where = f"/custom-fields/{gone['id']}?force=true"
            changed = merchants.submit(store.merchant.patch, f"/custom-fields/{kind['id']}", json={"kind": "integer"})
            removed = merchants.submit(store.merchant.delete, where)
            waiting.for_waiters(sql, 2)
            product.custom_fields = {"warranty": "2 y", "origin": "BD"}
        answers = [changed.result(timeout=20), removed.result(timeout=20)]

    assert [answer.status_code for answer in answers] == [409, 200]
    left = sql("select custom_fields from products where store_id = %s", store.id)
    assert left == [{"custom_fields": {"warranty": "2 y"}}]


def test_values_of_a_variants_field_are_counted_and_cleared(sql: Sql) -> None:
    store = a_store()
    made = field(store, "hs_code", "text", entity="variant")
    make(store, "MUG", "CUP")
    sql('update variants set custom_fields = \'{"hs_code": "6912"}\' where store_id = %s', store.id)

    refused = store.merchant.delete(f"/custom-fields/{made['id']}")
    store.merchant.delete(f"/custom-fields/{made['id']}?force=true")

    assert refused.json()["values"] == 2
    assert sql("select distinct custom_fields from variants where store_id = %s", store.id) == [{"custom_fields": {}}]


def test_definitions_are_read_in_one_statement_an_entity(watch: Watch) -> None:
    store = a_store()
    for key in ("warranty", "origin"):
        field(store, key, "text", rules={"pattern": "[A-Z]{2}"}, required=key == "origin")
    field(store, "hs_code", "text", entity="variant")

    with store.session() as session:
        session.connection()
        mark = len(watch.statements)
        defined = custom_fields.definitions(session, CustomFieldEntity.PRODUCT)

    assert watch.count_since(mark) == 1
    assert [(one.key, one.kind, one.rules, one.required) for one in defined.values()] == [
        ("warranty", CustomFieldKind.TEXT, {"pattern": "[A-Z]{2}"}, False),
        ("origin", CustomFieldKind.TEXT, {"pattern": "[A-Z]{2}"}, True),
    ]


@pytest.mark.parametrize(
    ("kind", "rules", "given", "kept"),
    [
        ("text", {}, "দুই বছর", "দুই বছর"),
        ("text", {"pattern": "[A-Z]{2}-[0-9]{4,6}"}, "BD-12345", "BD-12345"),
        ("integer", {"minimum": "0", "maximum": "120"}, 24, 24),
        ("integer", {}, "24", 24),
        ("integer", {}, 24.0, 24),
        ("decimal", {"maximum": "0.5"}, 0.25, "0.25"),
        ("decimal", {}, "1e3", "1000"),
        ("boolean", {}, False, False),
        ("date", {}, "2026-02-28", "2026-02-28"),
        ("url", {}, "https://shop.example/a?b=c", "https://shop.example/a?b=c"),
        ("choice", {"choices": ["BD", "IN"]}, "IN", "IN"),
    ],
)
def test_values_that_fit_are_kept(kind: str, rules: dict[str, Any], given: Any, kept: Any) -> None:
    found, wrong = custom_fields.checked(a_field(kind, **rules), {"warranty": given})

    assert (found, wrong) == ({"warranty": kept}, [])


@pytest.mark.parametrize(
    ("kind", "rules", "given", "said"),
    [
        ("text", {}, 7, "not_a_text"),
        ("text", {"max_length": 3}, "long", "not_a_text"),
        ("text", {"pattern": "[A-Z]{2}"}, "BDT", "not_as_the_pattern"),
        ("text", {"pattern": "x*"}, "x" * 201, "not_as_the_pattern"),
        ("integer", {}, 1.5, "not_an_integer"),
        ("integer", {}, 2**53, "not_an_integer"),
        ("integer", {}, True, "not_a_number"),
        ("integer", {"minimum": "0"}, -1, "out_of_range"),
        ("decimal", {"maximum": "0.5"}, "0.51", "out_of_range"),
        ("decimal", {}, "1e-999", "not_a_number"),
        ("decimal", {}, "Infinity", "not_a_number"),
        ("boolean", {}, "yes", "not_a_boolean"),
        ("date", {}, "2026-02-29", "not_a_date"),
        ("date", {}, "20260228", "not_a_date"),
        ("date", {}, "2026-W09-7", "not_a_date"),
        ("date", {}, 20260228, "not_a_date"),
        ("url", {}, "javascript:alert(1)", "not_a_url"),
        ("url", {}, "https://", "not_a_url"),
        ("url", {}, "https://a b", "not_a_url"),
        ("url", {}, "http://[::1", "not_a_url"),
        ("url", {}, 7, "not_a_url"),
        ("choice", {"choices": ["BD", "IN"]}, "bd", "unknown_choice"),
        ("choice", {"choices": ["BD", "IN"]}, ["BD"], "unknown_choice"),
    ],
)
def test_values_that_do_not_fit_are_named_with_the_reason(
    kind: str, rules: dict[str, Any], given: Any, said: str
) -> None:
    found, wrong = custom_fields.checked(a_field(kind, **rules), {"warranty": given}, at=("variants", 0))

    assert (found, [(error.pointer, error.code) for error in wrong]) == ({}, [("/variants/0/warranty", said)])


def test_what_is_required_and_what_is_unknown_is_named() -> None:
    defined = a_field("text", required=True)

    absent = custom_fields.checked(defined, {})
    empty = custom_fields.checked(defined, {"warranty": None})
    unknown = custom_fields.checked(defined, {"warranty": "2 y", "else": "x"})
    wrong_and_required = custom_fields.checked(defined, {"warranty": 7})

    assert [(error.pointer, error.code) for error in absent[1]] == [("/custom_fields/warranty", "required")]
    assert absent == empty
    assert (unknown[0], [error.code for error in unknown[1]]) == ({"warranty": "2 y"}, ["unknown_field"])
    assert [error.code for error in wrong_and_required[1]] == ["not_a_text"]


@pytest.mark.parametrize(
    "pattern", ["[A-Z]{2}-[0-9]{4,6}", r"\d{2}\.\d", "[^/]+", "a?b*c", "", r"\[x\]", "[a-z-]{1,3}"]
)
def test_patterns_of_characters_classes_and_counts_are_taken(pattern: str) -> None:
    patterns.check(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+", "a|b", "^a$", "a**", "a{2}{3}", "[a", r"\1", r"\b", "(?i)a", "a*b*c*d*", "[z-a]", "a{3,2}", "x" * 201],
)
def test_patterns_that_could_be_slow_or_are_none_are_refused(pattern: str) -> None:
    with pytest.raises(patterns.UnsafePattern):
        patterns.check(pattern)


def test_no_pattern_that_is_taken_is_slow() -> None:
    worst = "[ab]*[ab]*"
    patterns.check(worst)

    started = time.process_time()
    for _ in range(20):
        assert not patterns.matches(worst, "a" * 199 + "!")

    assert time.process_time() - started < 5  # seconds; a pattern with nested counts takes longer than anybody waits


def test_another_stores_field_does_not_exist() -> None:
    mine, theirs = a_store(), a_store()
    made = field(theirs, "warranty", "text")
    where = f"/custom-fields/{made['id']}"

    answers = [
        mine.merchant.get(where),
        mine.merchant.patch(where, json={"name": "Mine"}),
        mine.merchant.delete(f"{where}?force=true"),
        mine.merchant.get(f"/custom-fields/{ids.encode('field', ids.new_id())}"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert theirs.merchant.get(where).json() == made
