"""Facets: what a list can be narrowed by, and how many products each choice would leave.

A facet's counts leave out its own filter, so that shoppers see what another choice of it would show; every other filter
holds. Categories count what lies below them. Costs time in proportion to the store's products: asked for, not given.
"""

import json
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any

from shared.catalog.vocabulary import AttributeWord, Vocabulary, Word
from shared.search.narrowing import Wanted
from shared.search.terms import IN_STOCK, SOLD_OUT, flag_term

MOST_VALUES = 100  # of one facet: those with the most products, and those that were chosen

# Bounds of the ranges that prices are counted in, in minor units: 1, 2 and 5 of every size, in every currency.
STEPS = [digit * 10**size for size in range(2, 13) for digit in (1, 2, 5)]

type Shown = dict[str, Any]

_FLAGS = ((True, "true", "Yes"), (False, "false", "No"))


@dataclass
class Counts:
    """What `lookup.count_products` returned."""

    total: int = 0
    by_facet: dict[str, dict[str, int]] = field(default_factory=dict)  # facet -> term or range -> products

    @classmethod
    def of(cls, told: str) -> "Counts":
        """Read its rows."""
        counts = cls()
        for facet, value, number in json.loads(told):
            if facet == "total":
                counts.total = number
            else:
                counts.by_facet.setdefault(facet, {})[value] = number
        return counts


def values(wanted: Wanted, words: Vocabulary) -> dict[str, Any]:
    """Return what the counting statement binds."""
    of = {str(IN_STOCK): "in_stock", str(SOLD_OUT): "in_stock"}
    of |= {str(one.id): "brand" for one in words.brands} | {str(one.id): "label" for one in words.labels}
    for attribute in words.attributes:
        of |= {str(choice.id): _name(attribute) for choice in _choices(attribute)}
    told = {
        "of": of,
        "filtered": {facet: [str(term) for term in group] for facet, group in wanted.groups.items()},
        "above": {str(one): [str(upper) for upper in way] for one, way in words.above().items()},
    }
    return {
        "counted": wanted.beside_facets(),
        "facets": json.dumps(told),
        "price": json.dumps(wanted.price),
        "steps": STEPS,
    }


def present(counts: Counts, wanted: Wanted, words: Vocabulary) -> list[Shown]:
    """Return the facets that have something to choose between, as shoppers see them."""
    facets = [
        _facet("category", "Category", words.categories, counts, wanted, key="category"),
        _facet("brand", "Brand", words.brands, counts, wanted, key="brand"),
        _facet("label", "Label", words.labels, counts, wanted, key="label"),
        *(
            _facet(f"attribute[{one.code}]", one.name, _choices(one), counts, wanted, key=_name(one))
            for one in words.attributes
            if one.has_choices or one.is_flag
        ),
        _prices(counts, wanted),
        _facet("in_stock", "In stock", _IN_STOCK, counts, wanted, key="in_stock"),
    ]
    return [facet for facet in facets if facet["values"]]


def _facet(  # noqa: PLR0913 -- what a facet is made of
    parameter: str, name: str, words: tuple[Word, ...], counts: Counts, wanted: Wanted, *, key: str
) -> Shown:
    found = counts.by_facet.get(key, {})
    chosen = set(wanted.groups.get(key, ()))
    shown: list[Shown] = [
        {"value": one.slug, "name": one.name, "count": found.get(str(one.id), 0), "selected": one.id in chosen}
        for one in words
        if str(one.id) in found or one.id in chosen
    ]
    if len(shown) > MOST_VALUES:
        kept = sorted(shown, key=lambda one: (not one["selected"], -one["count"]))[:MOST_VALUES]
        shown = [one for one in shown if one in kept]
    return {"parameter": parameter, "name": name, "values": shown}


def _prices(counts: Counts, wanted: Wanted) -> Shown:
    low, high = wanted.price
    shown = []
    for bucket, number in sorted((int(value), number) for value, number in counts.by_facet.get("price", {}).items()):
        begin = STEPS[bucket - 1] if bucket else 0
        end = STEPS[bucket] - 1 if bucket < len(STEPS) else None
        selected = (low, high) != (None, None) and (low or 0) <= begin and (high is None or high >= (end or begin))
        value = f"{begin}-{'' if end is None else end}"
        shown.append({"value": value, "name": value, "count": number, "selected": selected})
    return {"parameter": "price", "name": "Price", "values": shown}


def bucket_of(price: int) -> int:
    """Return the range that a price is counted in, as PostgreSQL's width_bucket does."""
    return bisect_right(STEPS, price)


def _name(attribute: AttributeWord) -> str:
    return f"attribute:{attribute.id}"


def _choices(attribute: AttributeWord) -> tuple[Word, ...]:
    if attribute.is_flag:
        return tuple(Word(flag_term(attribute.id, flag), slug, name) for flag, slug, name in _FLAGS)
    return attribute.choices


_IN_STOCK = (Word(IN_STOCK, "true", "In stock"), Word(SOLD_OUT, "false", "Sold out"))
