"""What a shopper may ask of the list of products, read from a query string and documented for OpenAPI.

Its filters are the store's own vocabulary (`attribute[color]=red,blue`), which a declared `paging.Listing` cannot know;
what both have in common, limits, cursors and the way to refuse, is the same.
"""

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import cache, lru_cache
from inspect import Parameter, Signature
from typing import Annotated, Any

from fastapi import Query
from pydantic import WithJsonSchema
from sqlalchemy.orm import InstrumentedAttribute
from starlette.datastructures import QueryParams
from starlette.requests import Request

from shared.catalog.vocabulary import Named
from shared.core.errors import FieldError, pointer
from shared.core.keysets import Keyset, UnreadableValue
from shared.core.paging import DEFAULT_LIMIT, MAX_LIMIT, InvalidListing
from shared.core.request import Exchange
from shared.search.models import ProductSummary

MOST_CHOICES = 50  # of one filter
MOST_ATTRIBUTES = 10  # filters by attributes at once

_LARGEST = 10**15
_BESIDE = frozenset({"publishable_key"})
_ATTRIBUTE = re.compile(r"attribute\[([a-z][a-z0-9_]{0,63})\](?:\[(gte|lte)\])?")
_NUMBER = re.compile(r"-?[0-9]{1,14}(?:\.[0-9]{1,6})?")
_INCLUDES = ("total", "facets")
_NAMED = ("category", "brand", "label")
_FILTERS = (*_NAMED, "in_stock", "price[gte]", "price[lte]", "attribute[code]", "attribute[code][gte]")

# What each order is sorted by, and whether it begins at the upper end; with a minus the other way round.
SORTS: dict[str, tuple[InstrumentedAttribute[Any], bool]] = {
    "newest": (ProductSummary.published_at, True),
    "price": (ProductSummary.price, False),
    "name": (ProductSummary.sort_name, False),
    "bestselling": (ProductSummary.sold, True),
}
DEFAULT_SORT = "newest"


@dataclass(frozen=True)
class Asked:
    """What was asked for. Names are not looked up yet: what they mean, the store's vocabulary says."""

    limit: int = DEFAULT_LIMIT
    sort: str = DEFAULT_SORT
    named: Named = field(default_factory=Named)
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by attribute's code: slugs, true or false
    numbers: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)  # by code: from, to
    price: tuple[int | None, int | None] = (None, None)  # minor units; from, to
    in_stock: bool | None = None
    with_total: bool = False
    with_facets: bool = False
    position: tuple[Any, ...] | None = None
    fingerprint: str = ""

    @property
    def keyset(self) -> Keyset:
        """The total order of the list."""
        return keyset(self.sort)

    @property
    def column(self) -> str:
        """The column that it is sorted by."""
        return SORTS[self.sort.removeprefix("-")][0].key

    @property
    def narrows(self) -> bool:
        """Whether anything is filtered by."""
        return bool(
            self.choices or self.numbers or self.in_stock is not None or self.price != (None, None) or self.names_words
        )

    @property
    def names_words(self) -> bool:
        """Whether a category, brand, label or attribute is named, which has to be looked up."""
        return self.named != Named()


@cache  # eight of them
def keyset(sort: str) -> Keyset:
    """Return the total order that `sort` names."""
    column, descending = SORTS[sort.removeprefix("-")]
    return Keyset((column, ProductSummary.id), descending=descending != sort.startswith("-"))


def parse(parameters: QueryParams) -> Asked:
    """Read a query string.

    Raises:
        InvalidListing: a parameter or a value is not among the allowed ones; all that are wrong are named.
    """
    return _Reading(parameters).result()


def refuse(errors: list[FieldError]) -> InvalidListing:
    """Return the refusal of a query string with these errors."""
    wrong = ", ".join(dict.fromkeys(error.pointer.rpartition("/")[2] for error in errors))
    allowed = {
        "parameters": ["limit", "cursor", "sort", "include"],
        "filters": list(_FILTERS),
        "sort": [prefix + name for name in SORTS for prefix in ("", "-")],
    }
    detail = f"This list cannot be had so: see errors for {wrong}, and allowed for what it understands."
    return InvalidListing(detail, errors=errors, allowed=allowed)


class _Reading:
    """One query string on its way; collects everything that is wrong before it refuses."""

    def __init__(self, parameters: QueryParams) -> None:
        self.given: dict[str, str] = {}
        self.errors: list[FieldError] = []
        for name, text in parameters.multi_items():
            if name in self.given:
                self._refuse(name, "given_twice", "This parameter is given twice; part values with commas.")
            if name not in _BESIDE:
                self.given[name] = text

    def result(self) -> Asked:
        limit, sort, included = self._limit(), self._sort(), self._included()
        choices, numbers = self._attributes()
        category, brand, label = (tuple(self._values(name)) for name in _NAMED)
        named = Named(category, brand, label, tuple(dict.fromkeys((*choices, *numbers))))
        price = (self._amount("price[gte]"), self._amount("price[lte]"))
        in_stock = self._flag("in_stock")
        fingerprint = self._fingerprint(sort)
        position = self._position(sort, fingerprint)
        if self.errors:
            raise refuse(self.errors)
        return Asked(
            limit=limit,
            sort=sort,
            named=named,
            choices=choices,
            numbers=numbers,
            price=price,
            in_stock=in_stock,
            with_total="total" in included,
            with_facets="facets" in included,
            position=position,
            fingerprint=fingerprint,
        )

    def _refuse(self, name: str, code: str, message: str) -> None:
        self.errors.append(FieldError(pointer("query", name), code, message))

    def _limit(self) -> int:
        text = self.given.pop("limit", str(DEFAULT_LIMIT))
        if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_LIMIT)) and 1 <= int(text) <= MAX_LIMIT:
            return int(text)
        self._refuse("limit", "invalid_value", f"A page has 1 to {MAX_LIMIT} entries.")
        return DEFAULT_LIMIT

    def _sort(self) -> str:
        sort = self.given.pop("sort", DEFAULT_SORT)
        if sort.removeprefix("-") in SORTS and not sort.startswith("--"):
            return sort
        self._refuse("sort", "invalid_value", f"Allowed: {', '.join(SORTS)}; with a minus the other way round.")
        return DEFAULT_SORT

    def _included(self) -> list[str]:
        included = self.given.pop("include").split(",") if "include" in self.given else []
        if not set(included) <= set(_INCLUDES):
            self._refuse("include", "invalid_value", "Allowed: total, facets, or both with a comma between.")
        return included

    def _values(self, name: str) -> list[str]:
        if name not in self.given:
            return []
        values = self.given[name].split(",")
        if len(values) > MOST_CHOICES or not all(values):
            self._refuse(name, "invalid_value", f"1 to {MOST_CHOICES} values, with commas between.")
        return values

    def _amount(self, name: str) -> int | None:
        text = self.given.get(name)
        if text is None or (text.isascii() and text.isdigit() and int(text[:20]) <= _LARGEST):
            return None if text is None else int(text)
        self._refuse(name, "invalid_value", "An amount in minor units, from 0 on.")
        return None

    def _flag(self, name: str) -> bool | None:
        text = self.given.get(name)
        if text not in (None, "true", "false"):
            self._refuse(name, "invalid_value", "Say true or false.")
        return None if text is None else text == "true"

    def _attributes(self) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str | None, str | None]]]:
        choices: dict[str, tuple[str, ...]] = {}
        numbers: dict[str, tuple[str | None, str | None]] = {}
        for name, text in self.given.items():
            found = _ATTRIBUTE.fullmatch(name)
            if found is None:
                if name not in {*_FILTERS, "cursor"} or name.startswith("attribute"):
                    self._refuse(name, "unknown_parameter", f"Allowed filters: {', '.join(_FILTERS)}.")
                continue
            code, bound = found.groups()
            if bound is None:
                choices[code] = tuple(self._values(name))
            elif _NUMBER.fullmatch(text):
                low, high = numbers.get(code, (None, None))
                numbers[code] = (text, high) if bound == "gte" else (low, text)
            else:
                self._refuse(name, "invalid_value", "A decimal number, such as 12.5.")
        if len(choices) + len(numbers) > MOST_ATTRIBUTES:
            self._refuse("attribute", "too_many", f"At most {MOST_ATTRIBUTES} attributes at once.")
        return choices, numbers

    def _fingerprint(self, sort: str) -> str:
        filters = sorted((name, text) for name, text in self.given.items() if name != "cursor")
        whole = json.dumps([ProductSummary.__name__, sort, filters])
        return base64.urlsafe_b64encode(hashlib.sha256(whole.encode()).digest()[:9]).decode()

    def _position(self, sort: str, fingerprint: str) -> tuple[Any, ...] | None:
        text = self.given.get("cursor")
        if text is None or self.errors:
            return None  # a cursor is bound to the rest, so it cannot be judged while the rest is wrong
        try:
            return keyset(sort).position(text, fingerprint)
        except UnreadableValue as error:
            self._refuse("cursor", "invalid_value", str(error))
            return None


@lru_cache(maxsize=256)  # most shoppers ask for the same few lists
def _parsed(query_string: bytes) -> Asked:
    return parse(QueryParams(query_string))


class _Dependency:
    """FastAPI calls it with the request, and reads from its signature what to document."""

    async def __call__(self, request: Request, **_documented: object) -> Asked:
        return parse(request.query_params)

    def supply(self, present: Exchange) -> Asked:
        """Return the same without FastAPI, which would look at each documented parameter; see `core.supplying`."""
        return _parsed(present.request.scope["query_string"])

    @property
    def __signature__(self) -> Signature:
        # Each parameter is text to FastAPI, whatever the document says of it: see `paging`.
        documented = [
            Parameter(
                f"parameter_{place}",
                Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[str | None, WithJsonSchema(schema), Query(alias=name, description=description)],
            )
            for place, (name, schema, description) in enumerate(DOCUMENTED)
        ]
        return Signature([Parameter("request", Parameter.POSITIONAL_OR_KEYWORD, annotation=Request), *documented])


_TEXT = {"type": "string"}
_AMOUNT = {"type": "integer", "minimum": 0, "maximum": _LARGEST}
DOCUMENTED: list[tuple[str, dict[str, Any], str]] = [
    (
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        "How many entries the page has at most.",
    ),
    ("cursor", _TEXT, "`page.next_cursor` of the page before, with the same filters and sort."),
    (
        "sort",
        {"type": "string", "enum": [prefix + name for name in SORTS for prefix in ("", "-")], "default": DEFAULT_SORT},
        "The order; with a minus the other way round.",
    ),
    (
        "include",
        {"type": "string", "enum": ["total", "facets", "total,facets"]},
        "`total`: how many there are on all pages together. `facets`: what the list can be narrowed by, with counts.",
    ),
    ("category", _TEXT, "Slugs or ids, with commas between: what stands in one of them or below."),
    ("brand", _TEXT, "Slugs or ids, with commas between: of one of these brands."),
    ("label", _TEXT, "Slugs or ids, with commas between: with one of these labels."),
    ("in_stock", {"type": "boolean"}, "Whether it can be bought now."),
    ("price[gte]", _AMOUNT, "From this price on, in minor units."),
    ("price[lte]", _AMOUNT, "Up to and with this price, in minor units."),
    (
        "attribute[code]",
        _TEXT,
        "By an attribute's code, such as `attribute[color]=red,blue`: slugs of its choices, or true or false.",
    ),
    ("attribute[code][gte]", {"type": "number"}, "From this number on; `[lte]`: up to and with it."),
]
query = _Dependency()
