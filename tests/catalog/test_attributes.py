"""Attributes: defined over HTTP, and what of products' values fits them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.catalog import attributes
from shared.catalog.attributes import AttributeValue
from shared.catalog.models.definitions import AttributeKind, ProductAttribute
from shared.core import ids
from tests.application import Watch
from tests.catalog import waiting
from tests.catalog.shelf import audited, code, make, told
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("watch")


def attribute(store: StoreUnderTest, name: str, kind: str, *choices: str, **facts: Any) -> dict[str, Any]:
    """Define an attribute whose choices have these names."""
    wanted = {"code": name, "name": name.title(), "kind": kind, **facts}
    answer = store.merchant.post("/attributes", json=wanted | {"choices": [{"name": one} for one in choices]})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def give(store: StoreUnderTest, product: dict[str, Any], values: dict[str, Any], sql: Sql) -> None:
    """Store values as whoever writes products does."""
    with store.session() as session:
        rows, wrong = attributes.check_values(attributes.definitions(session), values)
    assert wrong == []
    for row in rows:
        sql(
            "insert into product_attributes (store_id, id, product_id, attribute_id, choice_id, number, flag, words) "
            "values (%s, %s, %s, %s, %s, %s, %s, %s)",
            store.id,
            ids.new_id(),
            ids.decode("prod", product["id"]),
            row.attribute_id,
            row.choice_id,
            row.number,
            row.flag,
            row.words,
        )


def test_an_attribute_is_defined_edited_and_removed_and_each_is_told(sql: Sql) -> None:
    store = a_store()

    made = store.merchant.post(
        "/attributes",
        json={
            "code": "material",
            "name": " Material ",
            "kind": "choice",
            "choices": [{"name": "Cotton"}, {"name": "Silk", "slug": "pure-silk"}, {"name": "তাঁত"}, {"name": "জামদানি"}],
        },
    )
    where = f"/attributes/{made.json()['id']}"
    edited = store.merchant.patch(where, json={"name": "Cloth", "filterable": False}, headers={"If-Match": '"1"'})
    nothing = store.merchant.patch(where, json={"name": "Cloth"})
    stale = store.merchant.delete(where, headers={"If-Match": '"1"'})
    removed = store.merchant.delete(where)

    told_of = made.json()
    assert (made.status_code, made.headers["etag"], told_of["name"], told_of["filterable"]) == (
        201,
        '"1"',
        "Material",
        True,
    )
    assert [one["slug"] for one in told_of["choices"]] == ["cotton", "pure-silk", "choice", "choice-2"]
    assert (edited.json()["version"], nothing.json()) == (2, edited.json())
    assert (code(stale), removed.status_code) == ((412, "stale_version"), 200)
    assert store.merchant.get(where).status_code == 404
    assert told(sql, store, "attribute.") == [
        ("attribute.created", 1),
        ("attribute.updated", 2),
        ("attribute.deleted", 3),
    ]
    assert audited(sql, store, "attribute.updated") == [
        ({"name": "Material", "filterable": True}, {"name": "Cloth", "filterable": False}),
    ]


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"code": "Material"}, "/code"),
        ({"name": ""}, "/name"),
        ({"kind": "colour"}, "/kind"),
        ({"kind": "text", "filterable": True}, ""),
        ({"kind": "text", "unit": "cm"}, ""),
        ({"kind": "number", "choices": [{"name": "Ten"}]}, ""),
        ({"choices": [{"name": "Red", "slug": "red"}, {"name": "Rot", "slug": "red"}]}, "/choices"),
        ({"choices": [{"name": " "}]}, "/choices/0/name"),
    ],
)
def test_what_is_no_attribute_is_refused_with_the_field_that_is_wrong(wrong: dict[str, Any], pointer: str) -> None:
    store = a_store()

    refused = store.merchant.post("/attributes", json={"code": "size", "name": "Size", "kind": "choice"} | wrong)

    assert (refused.status_code, [error["pointer"] for error in refused.json()["errors"]]) == (422, [pointer])
    assert store.merchant.get("/attributes").json()["data"] == []


def test_a_code_that_is_taken_is_refused() -> None:
    store = a_store()
    attribute(store, "size", "choice")

    refused = store.merchant.post("/attributes", json={"code": "size", "name": "Other", "kind": "text"})

    assert code(refused) == (409, "code_taken")


def test_attributes_are_listed_in_their_order() -> None:
    store = a_store()
    for name, position in (("size", None), ("colour", None), ("brand_line", 1)):
        attribute(store, name, "choice", "B", "A", position=position)

    listed = store.merchant.get("/attributes").json()["data"]

    assert [one["code"] for one in listed] == ["brand_line", "size", "colour"]
    assert [one["name"] for one in listed[0]["choices"]] == ["B", "A"]


def test_choices_are_added_renamed_ordered_and_removed(sql: Sql) -> None:
    store = a_store()
    made = attribute(store, "size", "choices", "S", "M")
    where = f"/attributes/{made['id']}/choices"
    small, medium = (one["id"] for one in made["choices"])

    added = store.merchant.post(where, json={"name": "XS", "position": 1})
    same_slug = store.merchant.post(where, json={"name": "M"})
    renamed = store.merchant.patch(f"{where}/{small}", json={"name": "Small"}, headers={"If-Match": '"3"'})
    nothing = store.merchant.patch(f"{where}/{small}", json={"name": "Small"})
    taken = store.merchant.patch(f"{where}/{small}", json={"slug": "m"})
    stale = store.merchant.delete(f"{where}/{medium}", headers={"If-Match": '"1"'})
    removed = store.merchant.delete(f"{where}/{medium}", headers={"If-Match": '"4"'})

    assert (added.status_code, [one["name"] for one in added.json()["choices"]]) == (201, ["XS", "S", "M"])
    assert [one["slug"] for one in same_slug.json()["choices"]] == ["xs", "s", "m", "m-2"]
    assert (renamed.json()["choices"][1]["name"], renamed.json()["choices"][1]["slug"]) == ("Small", "s")
    assert (nothing.json(), code(taken), code(stale)) == (renamed.json(), (409, "slug_taken"), (412, "stale_version"))
    assert ([one["slug"] for one in removed.json()["choices"]], removed.json()["version"]) == (["xs", "s", "m-2"], 5)
    assert audited(sql, store, "attribute.updated") == [
        ({"choices.xs": None}, {"choices.xs": "XS"}),
        ({"choices.m-2": None}, {"choices.m-2": "M"}),
        ({"choices.s": {"name": "S"}}, {"choices.s": {"name": "Small"}}),
        ({"choices.m": {"name": "M", "products": 0}}, {"choices.m": None}),
    ]
    changed = sql("select payload from domain_events where store_id = %s and type = 'attribute.updated'", store.id)
    assert {tuple(row["payload"]["changed"]) for row in changed} == {("choices",)}


def test_only_kinds_with_choices_are_given_some() -> None:
    store = a_store()
    weight = attribute(store, "weight", "number", unit="kg")

    refused = store.merchant.post(f"/attributes/{weight['id']}/choices", json={"name": "Heavy"})

    assert code(refused) == (422, "validation_failed")


def test_what_products_use_is_only_removed_when_forced(sql: Sql) -> None:
    store = a_store()
    made = attribute(store, "size", "choices", "S", "M")
    give(store, make(store, "A"), {"size": ["s", "m"]}, sql)
    give(store, make(store, "B"), {"size": ["s"]}, sql)
    where = f"/attributes/{made['id']}"
    choice = f"{where}/choices/{made['choices'][0]['id']}"

    refused = [store.merchant.delete(choice), store.merchant.delete(where)]
    left = store.merchant.delete(f"{choice}?force=true")
    values = sql("select count(*) as left from product_attributes where store_id = %s", store.id)
    gone = store.merchant.delete(f"{where}?force=true")

    assert [(code(answer), answer.json()["products"]) for answer in refused] == [((409, "attribute_in_use"), 2)] * 2
    assert ([one["slug"] for one in left.json()["choices"]], values) == (["m"], [{"left": 1}])
    assert gone.status_code == 200
    assert sql("select count(*) as left from product_attributes where store_id = %s", store.id) == [{"left": 0}]
    assert audited(sql, store, "attribute.deleted")[0][0]["products"] == 1


def test_a_kind_changes_while_nobody_uses_it_and_one_choice_may_always_become_several(sql: Sql) -> None:
    store = a_store()
    size, note = attribute(store, "size", "choice", "S"), attribute(store, "note", "text")
    product = make(store, "A")
    give(store, product, {"size": "s"}, sql)

    several = store.merchant.patch(f"/attributes/{size['id']}", json={"kind": "choices"})
    refused = store.merchant.patch(f"/attributes/{size['id']}", json={"kind": "choice"})
    number = store.merchant.patch(f"/attributes/{note['id']}", json={"kind": "number", "unit": "cm"})
    no_unit = store.merchant.patch(f"/attributes/{note['id']}", json={"kind": "boolean"})

    assert (several.json()["kind"], [one["slug"] for one in several.json()["choices"]]) == ("choices", ["s"])
    assert (code(refused), refused.json()["products"]) == ((409, "attribute_in_use"), 1)
    assert (number.json()["kind"], number.json()["unit"]) == ("number", "cm")
    assert [error["pointer"] for error in no_unit.json()["errors"]] == ["/unit"]


def test_values_that_fit_become_rows_and_read_back_as_they_were_given(watch: Watch, sql: Sql) -> None:
    store = a_store()
    attribute(store, "size", "choices", "S", "M", "L")
    attribute(store, "material", "choice", "Cotton")
    attribute(store, "height", "number", unit="cm")
    attribute(store, "organic", "boolean")
    attribute(store, "care", "text")
    values = {"size": ["l", "s", "s"], "material": "cotton", "height": 15.6, "organic": False, "care": " Wash cold "}
    product = make(store, "A")
    give(store, product, values, sql)

    with store.session() as session:
        session.connection()
        mark = len(watch.statements)
        defined = attributes.definitions(session)
        rows, wrong = attributes.check_values(defined, values)
        product_id = ids.decode("prod", product["id"])
        stored = attributes.values_of(session, [product_id, ids.new_id()], defined)
        some = attributes.definitions(session, ["care", "nothing"])

    shown = {"size": ["s", "l"], "material": "cotton", "height": "15.6", "organic": False, "care": "Wash cold"}
    assert (wrong, list(stored), list(some)) == ([], [product_id], ["care"])
    assert attributes.presented(defined, stored[product_id]) == shown
    assert attributes.check_values(defined, shown)[0] == [*rows[1::-1], *rows[2:]]
    assert watch.count_since(mark) == 3


@pytest.mark.parametrize(
    ("value", "rows"),
    [
        (None, []),
        (0, ["0"]),
        ("-12.50", ["-12.5"]),
        (99999999999999, ["99999999999999"]),
        ("0.000001", ["0.000001"]),
        (1e-05, ["0.00001"]),
    ],
)
def test_numbers_are_taken_as_json_or_text_has_them(value: Any, rows: list[str]) -> None:
    defined = {"height": a_definition("number")}

    found, wrong = attributes.check_values(defined, {"height": value})

    assert (found, wrong) == ([AttributeValue(defined["height"].id, number=Decimal(row)) for row in rows], [])


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("number", True, "not_a_number"),
        ("number", "ten", "not_a_number"),
        ("number", "1_0", "not_a_number"),
        ("number", "NaN", "not_a_number"),
        ("number", float("inf"), "not_a_number"),
        ("number", 10**14, "not_a_number"),
        ("number", "0.0000001", "not_a_number"),
        ("number", "1e999", "not_a_number"),
        ("number", 10**100, "not_a_number"),
        ("number", [1], "not_a_number"),
        ("boolean", "true", "not_a_boolean"),
        ("boolean", 1, "not_a_boolean"),
        ("text", 7, "not_a_text"),
        ("text", "x" * 1001, "not_a_text"),
        ("choice", "silk", "unknown_choice"),
        ("choice", ["cotton"], "unknown_choice"),
        ("choice", {}, "unknown_choice"),
        ("choices", "cotton", "not_a_list"),
        ("choices", ["cotton", "silk"], "unknown_choice"),
        ("choices", ["cotton"] * 51, "not_a_list"),
        ("choices", [["cotton"]], "unknown_choice"),
    ],
)
def test_values_that_do_not_fit_are_named_with_the_reason(kind: str, value: Any, said: str) -> None:
    defined = {"height": a_definition(kind)}

    rows, wrong = attributes.check_values(defined, {"height": value}, at=("products", 3, "attributes"))

    assert rows == []
    assert [(error.pointer, error.code) for error in wrong] == [("/products/3/attributes/height", said)]


@given(
    number=st.decimals(-(10**14) + 1, 10**14 - 1, places=6),
    flag=st.booleans(),
    words=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50).filter(str.strip),
    chosen=st.lists(st.sampled_from(["cotton", "silk", "wool"]), min_size=1),
)
def test_whatever_fits_reads_back_as_what_it_means(
    *, number: Decimal, flag: bool, words: str, chosen: list[str]
) -> None:
    kinds = {"height": "number", "organic": "boolean", "care": "text", "cloth": "choices"}
    offered = {slug: attributes.Choice(UUID(int=place), slug, slug) for place, slug in enumerate(set(chosen))}
    defined = {
        code: replace(a_definition(kind), id=UUID(int=place), code=code, choices=offered)
        for place, (code, kind) in enumerate(kinds.items())
    }

    rows, wrong = attributes.check_values(
        defined, {"height": str(number), "organic": flag, "care": words, "cloth": chosen}
    )
    shown = attributes.presented(defined, rows)

    assert wrong == []
    assert Decimal(shown["height"]) == number
    assert (shown["organic"], shown["care"]) == (flag, words.strip())
    assert shown["cloth"] == list(dict.fromkeys(chosen))
    assert attributes.check_values(defined, shown) == (rows, [])


def test_a_value_of_an_attribute_that_is_not_defined_is_named() -> None:
    rows, wrong = attributes.check_values({}, {"height": 1})

    assert (rows, [(error.pointer, error.code) for error in wrong]) == (
        [],
        [("/attributes/height", "unknown_attribute")],
    )


def a_definition(kind: str) -> attributes.Definition:
    return attributes.Definition(
        id=UUID(int=1),
        code="height",
        name="Height",
        kind=AttributeKind(kind),
        unit="",
        filterable=True,
        position=1,
        choices={"cotton": attributes.Choice(UUID(int=2), "cotton", "Cotton")},
    )


def test_who_stores_values_and_who_changes_the_kind_wait_for_each_other(sql: Sql) -> None:
    store = a_store()
    note = attribute(store, "note", "text")
    size = attribute(store, "size", "choice", "S")
    product_id = ids.decode("prod", make(store, "A")["id"])
    choice = size["choices"][0]["id"]

    with ThreadPoolExecutor(2) as merchants:
        with store.session() as session:
            defined = attributes.held_definitions(session)
            kind = merchants.submit(store.merchant.patch, f"/attributes/{note['id']}", json={"kind": "boolean"})
            gone = merchants.submit(store.merchant.delete, f"/attributes/{size['id']}/choices/{choice}")
            waiting.for_waiters(sql, 2)
            for row in attributes.check_values(defined, {"note": "Old", "size": "s"})[0]:
                values = {"attribute_id": row.attribute_id, "choice_id": row.choice_id, "words": row.words}
                session.add(ProductAttribute(product_id=product_id, **values))
        answers = [kind.result(timeout=20), gone.result(timeout=20)]

    assert [code(answer) for answer in answers] == [(409, "attribute_in_use")] * 2


def test_another_stores_attribute_does_not_exist() -> None:
    mine, theirs = a_store(), a_store()
    made, own = attribute(theirs, "size", "choice", "S"), attribute(mine, "size", "choice", "S")
    where, choice = f"/attributes/{made['id']}", f"/choices/{made['choices'][0]['id']}"

    answers = [
        mine.merchant.get(where),
        mine.merchant.patch(where, json={"name": "Mine"}),
        mine.merchant.delete(where),
        mine.merchant.post(f"{where}/choices", json={"name": "M"}),
        mine.merchant.patch(where + choice, json={"name": "Mine"}),
        mine.merchant.delete(where + choice),
        mine.merchant.patch(f"/attributes/{own['id']}{choice}", json={"name": "Mine"}),
        mine.merchant.delete(f"/attributes/{own['id']}{choice}?force=true"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 8
    assert theirs.merchant.get(where).json() == made
