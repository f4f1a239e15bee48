"""Lists and facets, whatever is asked of them, against what a person would pick by hand from random goods."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from shared.search import facets, words
from tests.database import Sql
from tests.figures import Figures
from tests.search.shopfront import BRANDS, CATEGORIES, COLORS, LABELS, Goods, Shop, a_shop, slugs

LINE = "lists against an oracle"
SEED = 20261121

pytestmark = pytest.mark.usefixtures("application")


@pytest.fixture(scope="module")
def shop(application: None) -> Shop:  # noqa: ARG001 -- the environment
    """Fill one store at random, for all questions."""
    made = a_shop()
    made.add_some(40, SEED)
    made.store.show()
    return made


def _maybe(of: some.SearchStrategy[Any]) -> some.SearchStrategy[Any]:
    return some.none() | of


def _several(of: tuple[str, ...]) -> some.SearchStrategy[list[str]]:
    return some.lists(some.sampled_from(of), min_size=1, max_size=2, unique=True)


QUESTIONS = some.fixed_dictionaries(
    {
        "category": _maybe(_several((*CATEGORIES, "unknown"))),
        "brand": _maybe(_several(tuple(name.lower() for name in BRANDS))),
        "label": _maybe(_several(tuple(name.lower() for name in LABELS))),
        "attribute[color]": _maybe(_several((*(name.lower() for name in COLORS), "unknown"))),
        "attribute[waterproof]": _maybe(_several(("true", "false"))),
        "attribute[weight][gte]": _maybe(some.sampled_from(["0.5", "2", "3"])),
        "attribute[weight][lte]": _maybe(some.sampled_from(["1.75", "10.25"])),
        "price[gte]": _maybe(some.sampled_from(["0", "1000", "1001"])),
        "price[lte]": _maybe(some.sampled_from(["1999", "100000"])),
        "in_stock": _maybe(some.sampled_from(["true", "false"])),
    }
)
SORTS = some.sampled_from(
    [prefix + name for name in ("newest", "price", "name", "bestselling") for prefix in ("", "-")]
)


@given(asked=QUESTIONS, sort=SORTS, limit=some.integers(1, 7))
@settings(max_examples=120)
def test_every_list_is_what_one_would_pick_by_hand(shop: Shop, asked: dict[str, Any], sort: str, limit: int) -> None:
    params = _params(asked)
    expected = [one.slug for one in sorted(_fitting(shop, asked), key=_order(sort), reverse=_reversed(sort))]

    found, cursor, total = [], None, None
    while True:
        query = {**params, "sort": sort, "limit": limit, "include": "total"} | ({"cursor": cursor} if cursor else {})
        answer = shop.store.shopper.get("/storefront/products", params=query)
        found += slugs(answer)
        total = answer.json()["total"]
        cursor = answer.json()["page"]["next_cursor"]
        if cursor is None:
            break

    assert found == expected
    assert total == len(expected)


@given(asked=QUESTIONS)
@settings(max_examples=80)
def test_every_facet_counts_what_each_of_its_choices_would_show(shop: Shop, asked: dict[str, Any]) -> None:
    params = _params(asked) | {"include": "facets,total", "limit": "1"}

    answer = shop.store.shopper.get("/storefront/products", params=params).json()

    shown = {
        facet["parameter"]: {value["value"]: (value["count"], value["selected"]) for value in facet["values"]}
        for facet in answer["facets"]
    }
    for parameter, choices in _CHOICES.items():
        others = {
            name: value for name, value in asked.items() if name.partition("[g")[0].partition("[l")[0] != parameter
        }
        pool = _fitting(shop, others)
        chosen = set(asked.get(parameter) or ()) if parameter != "in_stock" else {asked["in_stock"]}
        expected = {}
        for choice, fits in choices.items():
            count = sum(fits(one) for one in pool)
            selected = choice in chosen or (parameter == "category" and any(choice in _below(slug) for slug in chosen))
            if count or selected:
                expected[choice] = (count, selected)
        assert shown.get(parameter, {}) == expected, parameter
    prices = [min(one.prices) for one in _fitting(shop, {k: v for k, v in asked.items() if not k.startswith("price")})]
    told = {value: count for value, (count, _) in shown.get("price", {}).items()}
    assert told == {_range(price): sum(_range(other) == _range(price) for other in prices) for price in prices}
    assert answer["total"] == len(_fitting(shop, asked))


def test_the_goods_have_something_for_every_question(shop: Shop, figures: Figures) -> None:
    for parameter, choices in _CHOICES.items():
        for choice, fits in choices.items():
            assert any(fits(one) for one in shop.goods), (parameter, choice)
    figures.add(LINE, goods=len(shop.goods), lists=120, facets=80)


def test_sales_are_an_order_of_their_own(shop: Shop, sql: Sql) -> None:
    for number, one in enumerate(random.Random(SEED).sample(shop.goods, 20)):
        one.sold = number // 2
        sql(
            "update product_summaries set sold = %s where store_id = %s and slug = %s",
            one.sold,
            shop.store.id,
            one.slug,
        )
    expected = [one.slug for one in sorted(shop.goods, key=_order("bestselling"), reverse=True)]

    listed = slugs(shop.store.shopper.get("/storefront/products", params={"sort": "bestselling", "limit": 100}))

    assert listed == expected


def _params(asked: dict[str, Any]) -> dict[str, str]:
    given = {name: value for name, value in asked.items() if value is not None}
    return {name: value if isinstance(value, str) else ",".join(value) for name, value in given.items()}


def _below(slug: str) -> set[str]:
    found = {slug} & CATEGORIES.keys()
    while more := {one for one, parent in CATEGORIES.items() if parent in found} - found:
        found |= more
    return found


def _lower(values: set[str]) -> set[str]:
    return {value.lower() for value in values}


def _fitting(shop: Shop, asked: dict[str, Any]) -> list[Goods]:
    return [one for one in shop.goods if all(_TESTS[name](one, value) for name, value in asked.items() if value)]


_TESTS: dict[str, Callable[[Goods, Any], bool]] = {
    "category": lambda one, slugs: bool(one.categories & set().union(*(_below(slug) for slug in slugs))),
    "brand": lambda one, slugs: one.brand is not None and one.brand.lower() in slugs,
    "label": lambda one, slugs: bool(_lower(one.labels) & set(slugs)),
    "attribute[color]": lambda one, slugs: bool(_lower(one.colors) & set(slugs)),
    "attribute[waterproof]": lambda one, said: one.waterproof is not None and str(one.waterproof).lower() in said,
    "attribute[weight][gte]": lambda one, said: one.weight is not None and one.weight >= float(said),
    "attribute[weight][lte]": lambda one, said: one.weight is not None and one.weight <= float(said),
    "price[gte]": lambda one, said: min(one.prices) >= int(said),
    "price[lte]": lambda one, said: min(one.prices) <= int(said),
    "in_stock": lambda one, said: (one.stock > 0) == (said == "true"),
}

_CHOICES: dict[str, dict[str, Callable[[Goods], bool]]] = {
    "category": {slug: lambda one, slug=slug: bool(one.categories & _below(slug)) for slug in CATEGORIES},  # type: ignore[misc]  # a default of a lambda has no type
    "brand": {name.lower(): lambda one, name=name: one.brand == name for name in BRANDS},  # type: ignore[misc]  # as above
    "label": {name.lower(): lambda one, name=name: name in one.labels for name in LABELS},  # type: ignore[misc]  # as above
    "attribute[color]": {name.lower(): lambda one, name=name: name in one.colors for name in COLORS},  # type: ignore[misc]  # as above
    "attribute[waterproof]": {
        "true": lambda one: one.waterproof is True,
        "false": lambda one: one.waterproof is False,
    },
    "in_stock": {"true": lambda one: one.stock > 0, "false": lambda one: one.stock == 0},
}


def _order(sort: str) -> Callable[[Goods], tuple[Any, int]]:
    keys: dict[str, Callable[[Goods], Any]] = {
        "newest": lambda one: one.age,
        "price": lambda one: min(one.prices),
        "name": lambda one: words.normalized(one.title).encode(),  # the test's server compares bytes
        "bestselling": lambda one: one.sold,
    }
    key = keys[sort.removeprefix("-")]
    return lambda one: (key(one), one.age)  # ids are made in the order of time


def _reversed(sort: str) -> bool:
    return (sort.removeprefix("-") in ("newest", "bestselling")) != sort.startswith("-")


def _range(price: int) -> str:
    bucket = facets.bucket_of(price)
    return f"{facets.STEPS[bucket - 1] if bucket else 0}-{facets.STEPS[bucket] - 1}"
