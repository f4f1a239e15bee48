"""Lists: what a list may be filtered and sorted by, and how a caller goes through it page by page.

A list is declared once, beside its query: `Listing(Order, filters=..., sorts=..., default_sort="-created_at")`. The
declaration reads the request's query string, documents itself in OpenAPI, and runs as one SQL statement. Pages go by
keyset: a cursor names the last row seen, so rows that come or go meanwhile are neither skipped nor repeated, and the
thousandth page costs what the first one does. Whoever declares a filter or a sort sees to its index, led by `store_id`.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter, Signature
from typing import Annotated, Any, overload

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from sqlalchemy import ColumnElement, Row, Select, SQLColumnExpression, func, select
from sqlalchemy.orm import Session
from starlette.datastructures import QueryParams
from starlette.requests import Request

from shared.core.errors import FieldError, MalformedRequest, pointer
from shared.core.keysets import Filter, Keyset, Operator, UnreadableValue
from shared.core.request import Exchange

__all__ = ["Filter", "InvalidListing", "ListQuery", "Listing", "Page", "PageInfo"]

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
MAX_SEARCH_LENGTH = 200  # characters

_OWN = ("limit", "cursor", "sort", "include", "q")
_CREDENTIAL = "publishable_key"  # what a storefront may send in the query string; never a filter


class InvalidListing(MalformedRequest):
    """The query string asks for a filter, an order or a page that this list lacks; `allowed` says what it has."""

    code = "invalid_listing"
    title = "Invalid list parameters"


class PageInfo(BaseModel):
    """Where this page stands. `next_cursor` is opaque, and holds for the same filters and sort alone."""

    model_config = ConfigDict(frozen=True)

    next_cursor: str | None = None
    has_more: bool = False


class Page[T](BaseModel):
    """One page of a list."""

    data: list[T]
    page: PageInfo
    total: int | None = Field(
        default=None,
        exclude_if=lambda total: total is None,
        description="How many there are on all pages together; only with `include=total`.",
    )


@dataclass(frozen=True)
class Condition:
    """One filter as asked for: `created_at[gte]=...` is ("created_at", "gte", the moment)."""

    field: str
    operator: Operator
    value: Any


@dataclass(frozen=True)
class ListQuery:
    """What a caller asked of a list, checked against its declaration. Made by `Listing.parse`."""

    limit: int
    sort: str
    conditions: tuple[Condition, ...]
    search: str | None
    with_total: bool
    position: tuple[Any, ...] | None
    fingerprint: str  # of sort, filters and search: what a cursor is bound to


class Listing:
    """What a list may be filtered, sorted and searched by.

    `filters`: name -> `Filter(column, operators)`. `sorts`: name -> the columns of that order; the model's `id` is
    added as the last, so that the order is total. `search`: turns the text of `q` into a condition. `beside`: the
    endpoint's own query parameters, which are not this list's.

    `listing.query` is the FastAPI dependency: `query: Annotated[ListQuery, Depends(ORDERS.query)]`.
    """

    def __init__(  # noqa: PLR0913 -- each is a fact of the list, by keyword
        self,
        model: type[Any],
        *,
        filters: Mapping[str, Filter],
        sorts: Mapping[str, Sequence[SQLColumnExpression[Any]]],
        default_sort: str,
        search: Callable[[str], ColumnElement[bool]] | None = None,
        beside: Sequence[str] = (),
    ) -> None:
        """Declare a list. Inert: columns are looked at when the list is first used.

        Raises:
            TypeError: a filter is named like one of the parameters of every list, or there is no such default sort.
        """
        if taken := filters.keys() & {*_OWN, _CREDENTIAL}:
            raise TypeError(f"{', '.join(sorted(taken))}: every list has a parameter of that name.")
        if default_sort.removeprefix("-") not in sorts:
            raise TypeError(f"The default sort {default_sort!r} is not among the sorts.")
        self.model = model
        self.filters = dict(filters)
        self.sorts = dict(sorts)
        self.default_sort = default_sort
        self.search = search
        self.beside = frozenset(beside) | {_CREDENTIAL}
        self.query = _Dependency(self)

    def parse(self, parameters: QueryParams) -> ListQuery:
        """Read a query string.

        Raises:
            InvalidListing: a parameter, operator or value is not among the allowed ones; all that are wrong are named.
        """
        return _Reading(self, parameters).result()

    @overload
    def run[T](self, session: Session, query: ListQuery, base: Select[T]) -> tuple[list[T], PageInfo, int | None]: ...

    @overload
    def run[T, U, *Ts](
        self, session: Session, query: ListQuery, base: Select[T, U, *Ts]
    ) -> tuple[list[Row[T, U, *Ts]], PageInfo, int | None]: ...

    def run(
        self, session: Session, query: ListQuery, base: Select[*tuple[Any, ...]]
    ) -> tuple[list[Any], PageInfo, int | None]:
        """Return one page of `base`, in one statement: entities or values where it selects one thing, rows otherwise.

        `base` has no ORDER BY, LIMIT or DISTINCT of its own. The total counts all that the filters let through, which
        costs time in proportion; it stays out unless asked for. Only where a total was asked for behind the last row
        does a second statement count.
        """
        keyset = self.keyset(query.sort)
        matching = self._matching(base, query)
        statement = matching.order_by(*keyset.order())
        if query.position is not None:
            statement = statement.where(keyset.beyond(query.position))
        statement = statement.limit(query.limit + 1).add_columns(*keyset.labelled())
        if query.with_total:
            statement = statement.add_columns(_count(matching).label("_total"))

        answer = session.execute(statement).freeze()
        rows = answer().all()
        width = len(base.column_descriptions)
        visible = answer().scalars().all() if width == 1 else answer().columns(*range(width)).all()
        total = None
        if query.with_total:
            total = rows[0][-1] if rows else self._total_of_nothing(session, query, matching)

        has_more = len(rows) > query.limit
        page = list(visible[: query.limit])
        if not has_more:
            return page, PageInfo(), total
        values = tuple(rows[query.limit - 1])[width : width + len(keyset.columns)]
        return page, PageInfo(next_cursor=keyset.cursor(query.fingerprint, values), has_more=True), total

    def keyset(self, sort: str) -> Keyset:
        """Return the total order that `sort` names."""
        columns = tuple(self.sorts[sort.removeprefix("-")])
        if getattr(columns[-1], "key", None) != "id":
            columns = (*columns, self.model.id)
        return Keyset(columns, descending=sort.startswith("-"))

    def allowed(self) -> dict[str, Any]:
        """Return what this list understands, for people and for programs."""
        own = [name for name in _OWN if name != "q" or self.search is not None]
        return {
            "parameters": own,
            "filters": {name: list(one.operators) for name, one in self.filters.items()},
            "sort": self.sort_names(),
        }

    def sort_names(self) -> list[str]:
        """Return every value of `sort`, both directions of each."""
        return [prefix + name for name in self.sorts for prefix in ("", "-")]

    def _matching(self, base: Select[*tuple[Any, ...]], query: ListQuery) -> Select[*tuple[Any, ...]]:
        for condition in query.conditions:
            base = base.where(self.filters[condition.field].clause(condition.operator, condition.value))
        if query.search is not None and self.search is not None:
            base = base.where(self.search(query.search))
        return base

    @staticmethod
    def _total_of_nothing(session: Session, query: ListQuery, matching: Select[*tuple[Any, ...]]) -> int:
        return 0 if query.position is None else session.execute(select(_count(matching))).scalar_one()


def _count(matching: Select[*tuple[Any, ...]]) -> ColumnElement[int]:
    return select(func.count()).select_from(matching.subquery()).scalar_subquery()


class _Reading:
    """One query string on its way to a `ListQuery`; collects everything that is wrong before it refuses."""

    def __init__(self, listing: Listing, parameters: QueryParams) -> None:
        self.listing = listing
        self.given: dict[str, str] = {}
        self.errors: list[FieldError] = []
        for name, text in parameters.multi_items():
            if name in listing.beside:
                continue
            if name in self.given:
                self._refuse(name, "given_twice", "This parameter is given twice.")
            self.given[name] = text

    def result(self) -> ListQuery:
        conditions = tuple(
            condition
            for name, text in self.given.items()
            if name not in _OWN and (condition := self._condition(name, text)) is not None
        )
        limit, sort, search, with_total = self._limit(), self._sort(), self._search(), self._with_total()
        fingerprint = self._fingerprint(sort, search)
        position = self._position(sort, fingerprint)
        if self.errors:
            wrong = ", ".join(dict.fromkeys(error.pointer.rpartition("/")[2] for error in self.errors))
            allowed = self.listing.allowed()
            detail = f"This list cannot be had so: see errors for {wrong}, and allowed for what it understands."
            raise InvalidListing(detail, errors=self.errors, allowed=allowed)
        return ListQuery(limit, sort, conditions, search, with_total, position, fingerprint)

    def _refuse(self, name: str, code: str, message: str) -> None:
        self.errors.append(FieldError(pointer("query", name), code, message))

    def _condition(self, name: str, text: str) -> Condition | None:
        field = name.partition("[")[0]
        known = self.listing.filters.get(field)
        operator = known.spellings(field).get(name) if known is not None else None
        if known is None or operator is None:
            code = "unknown_parameter" if known is None else "unknown_operator"
            allowed = [spelling for key, one in self.listing.filters.items() for spelling in one.spellings(key)]
            self._refuse(name, code, f"Allowed filters: {', '.join(allowed) or 'none'}.")
            return None
        try:
            return Condition(field, operator, known.read(operator, text))
        except UnreadableValue as error:
            self._refuse(name, "invalid_value", str(error))
            return None

    def _limit(self) -> int:
        text = self.given.get("limit", str(DEFAULT_LIMIT))
        if text.isascii() and text.isdigit() and len(text) < len(str(MAX_LIMIT)) + 1 and 1 <= int(text) <= MAX_LIMIT:
            return int(text)
        self._refuse("limit", "invalid_value", f"A page has 1 to {MAX_LIMIT} entries.")
        return DEFAULT_LIMIT

    def _sort(self) -> str:
        sort = self.given.get("sort", self.listing.default_sort)
        if sort in self.listing.sort_names():
            return sort
        self._refuse("sort", "invalid_value", f"Allowed: {', '.join(self.listing.sort_names())}.")
        return self.listing.default_sort

    def _search(self) -> str | None:
        text = self.given.get("q", "").strip()
        if "q" in self.given and self.listing.search is None:
            self._refuse("q", "unknown_parameter", "This list cannot be searched.")
        if len(text) > MAX_SEARCH_LENGTH:
            self._refuse("q", "invalid_value", f"A search has at most {MAX_SEARCH_LENGTH} characters.")
        return text or None

    def _with_total(self) -> bool:
        if self.given.get("include", "total") != "total":
            self._refuse("include", "invalid_value", "Allowed: total.")
        return "include" in self.given

    def _fingerprint(self, sort: str, search: str | None) -> str:
        filters = sorted((name, text) for name, text in self.given.items() if name not in _OWN)
        whole = json.dumps([self.listing.model.__name__, sort, filters, search])
        return base64.urlsafe_b64encode(hashlib.sha256(whole.encode()).digest()[:9]).decode()

    def _position(self, sort: str, fingerprint: str) -> tuple[Any, ...] | None:
        text = self.given.get("cursor")
        if text is None or self.errors:
            return None  # a cursor is bound to the rest, so it cannot be judged while the rest is wrong
        try:
            return self.listing.keyset(sort).position(text, fingerprint)
        except UnreadableValue as error:
            self._refuse("cursor", "invalid_value", str(error))
            return None


class _Dependency:
    """`Listing.query`: FastAPI calls it with the request, and reads from its signature what to document."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing

    async def __call__(self, request: Request, **_documented: object) -> ListQuery:
        return self._listing.parse(request.query_params)

    def supply(self, present: Exchange) -> ListQuery:
        """Return the same without FastAPI, which would look at each documented parameter; see `supplying`."""
        return self._listing.parse(present.request.query_params)

    @property
    def __signature__(self) -> Signature:
        # Each parameter is text to FastAPI, whatever the document says of it: so a wrong one is refused by `parse`,
        # with 400 and the allowed ones, and not by FastAPI with 422.
        documented = [
            Parameter(
                f"parameter_{place}",
                Parameter.KEYWORD_ONLY,
                default=schema.get("default"),
                annotation=Annotated[str | None, WithJsonSchema(schema), Query(alias=name, description=description)],
            )
            for place, (name, schema, description) in enumerate(self._parameters())
        ]
        return Signature([Parameter("request", Parameter.POSITIONAL_OR_KEYWORD, annotation=Request), *documented])

    def _parameters(self) -> list[tuple[str, dict[str, Any], str]]:
        listing = self._listing
        limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
        sort = {"type": "string", "enum": listing.sort_names(), "default": listing.default_sort}
        own: list[tuple[str, dict[str, Any], str]] = [
            ("limit", limit, "How many entries the page has at most."),
            ("cursor", {"type": "string"}, "`page.next_cursor` of the page before, with the same filters and sort."),
            ("sort", sort, "The order; with a minus the other way round."),
            ("include", {"type": "string", "enum": ["total"]}, "`total`: how many there are on all pages together."),
        ]
        if listing.search is not None:
            own.append(("q", {"type": "string", "maxLength": MAX_SEARCH_LENGTH}, "Words to search for."))
        return own + [told for name, one in listing.filters.items() for told in one.documentation(name)]
