"""What a list is narrowed to, in the database's terms: groups of ids of which a product bears one at least."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from shared.catalog.vocabulary import AttributeWord, Vocabulary, Word
from shared.core import ids
from shared.search.asking import Asked
from shared.search.terms import IN_STOCK, SOLD_OUT, flag_term


@dataclass
class Wanted:
    """The groups by facet (`brand`, `attribute:ID`, ...), the range of prices, and ranges of numbers by code."""

    groups: dict[str, list[UUID]] = field(default_factory=dict)
    price: tuple[int | None, int | None] = (None, None)
    numbers: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    number_terms: list[UUID] = field(default_factory=list)  # attributes that a product has a number in
    errors: list[tuple[str, str, str]] = field(default_factory=list)  # parameter, code, message

    @classmethod
    def of(cls, asked: Asked, words: Vocabulary) -> "Wanted":
        """Look up what was named. Names that the store lacks leave nothing to be found; `errors` says what is no name.

        An attribute that is filtered by in a way that it has not is an error: it is a parameter, not a value.
        """
        wanted = cls(price=asked.price)
        named = asked.named
        if named.categories:
            roots = _named(words.categories, named.categories, "cat")
            wanted.groups["category"] = sorted(words.at_or_below(roots))
        if named.brands:
            wanted.groups["brand"] = _named(words.brands, named.brands, "brand")
        if named.labels:
            wanted.groups["label"] = _named(words.labels, named.labels, "label")
        if asked.in_stock is not None:
            wanted.groups["in_stock"] = [IN_STOCK if asked.in_stock else SOLD_OUT]
        attributes = {one.code: one for one in words.attributes}
        for code, values in asked.choices.items():
            wanted._choose(code, attributes.get(code), values)
        for code, (low, high) in asked.numbers.items():
            wanted._range(code, attributes.get(code), low, high)
        return wanted

    def as_json(self) -> str:
        """Return it for `lookup.list_products`."""
        groups = [*self.groups.values(), *([one] for one in self.number_terms)]
        return _json(groups, self.price, self.numbers)

    def beside_facets(self) -> str:
        """Return what no facet stands for: the ranges of numbers."""
        return _json([[one] for one in self.number_terms], (None, None), self.numbers)

    def _choose(self, code: str, attribute: AttributeWord | None, values: tuple[str, ...]) -> None:
        if attribute is None or attribute.is_number:
            self._refuse(code, attribute)
        elif attribute.has_choices:
            by_slug = {choice.slug: choice.id for choice in attribute.choices}
            self.groups[f"attribute:{attribute.id}"] = [by_slug[value] for value in values if value in by_slug]
        elif not set(values) <= {"true", "false"}:
            self.errors.append((f"attribute[{code}]", "invalid_value", "Say true or false."))
        else:
            terms = [flag_term(attribute.id, value == "true") for value in values]
            self.groups[f"attribute:{attribute.id}"] = terms

    def _range(self, code: str, attribute: AttributeWord | None, low: str | None, high: str | None) -> None:
        if attribute is None or not attribute.is_number:
            self._refuse(code, attribute)
            return
        self.numbers.append((code, low, high))
        self.number_terms.append(attribute.id)

    def _refuse(self, code: str, attribute: AttributeWord | None) -> None:
        told = "Products are not filtered by such an attribute."
        if attribute is not None:
            told = "A number is filtered by [gte] and [lte]; nothing else is."
        self.errors.append((f"attribute[{code}]", "unknown_attribute", told))


def _named(words: tuple[Word, ...], given: Sequence[str], prefix: str) -> list[UUID]:
    wanted = set(given)
    return [one.id for one in words if one.slug in wanted or ids.encode(prefix, one.id) in wanted]


def _json(
    groups: list[list[UUID]], price: tuple[int | None, int | None], numbers: list[tuple[str, str | None, str | None]]
) -> str:
    told = {"terms": [[str(one) for one in group] for group in groups], "price": price, "numbers": numbers}
    return json.dumps(told)
