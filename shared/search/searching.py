"""A search as a storefront asks for it: words, the filters of the list of products, page by page.

Pages go by how many were shown before: what a search finds is bounded, and ranked anew for each page in one stable
order. A product that comes or goes between two pages may so be shown twice, or not.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from inspect import Parameter, Signature
from typing import Annotated, Any

from fastapi import Query
from pydantic import WithJsonSchema
from sqlalchemy.orm import Session
from starlette.datastructures import QueryParams
from starlette.requests import Request

from shared.catalog import vocabulary
from shared.catalog.vocabulary import Vocabulary
from shared.core import caching
from shared.core.errors import FieldError, pointer
from shared.core.paging import InvalidListing
from shared.core.prepared import Prepared
from shared.core.request import Exchange
from shared.search import asking, finding, misses
from shared.search.asking import Asked
from shared.search.finding_schemas import SearchList
from shared.search.narrowing import Wanted

_OWN = ("q", "cursor")
_NOT_HERE = ("sort", "include")  # what the list has and a search has not
_LONGEST_CURSOR = 100


@dataclass(frozen=True)
class Search:
    """What was asked for; `narrowed` holds the limit and the filters."""

    typed: str
    narrowed: Asked
    skipped: int = 0
    fingerprint: str = ""


def parse(parameters: QueryParams) -> Search:
    """Read a query string.

    Raises:
        InvalidListing: it has no `q`, or a parameter or a value is not among the allowed ones.
    """
    given = parameters.multi_items()
    errors = [
        FieldError(pointer("query", name), "given_twice", "This parameter is given twice.")
        for name in _OWN
        if len(parameters.getlist(name)) > 1
    ]
    errors += [
        FieldError(pointer("query", name), "unknown_parameter", "A search is ordered by how well things fit.")
        for name in _NOT_HERE
        if name in parameters
    ]
    typed = parameters.get("q", "").strip()
    if not typed or len(typed) > finding.LONGEST_TEXT:
        told = f"What to search for, of at most {finding.LONGEST_TEXT} characters."
        errors.append(FieldError(pointer("query", "q"), "invalid_value", told))
    if errors:
        raise asking.refuse(errors)
    narrowed = asking.parse(QueryParams([(name, text) for name, text in given if name not in _OWN]))
    fingerprint = hashlib.sha256(f"{narrowed.fingerprint} {typed}".encode(errors="replace")).hexdigest()[:12]
    return Search(typed, narrowed, _skipped(parameters.get("cursor"), fingerprint), fingerprint)


def search(session: Session, asked: Search) -> Prepared[SearchList]:
    """Return one page of what a search finds. One statement; two where the filters name something.

    What is searched in vain is noted, by words alone: a filter that leaves nothing is no gap in the assortment.

    Raises:
        InvalidListing: it names an attribute that the store's products are not filtered by, or not so.
    """
    narrowed = asked.narrowed
    named = vocabulary.read(session, narrowed.named) if narrowed.names_words else Vocabulary()
    wanted = Wanted.of(narrowed, named)
    if wanted.errors:
        raise asking.refuse([FieldError(pointer("query", name), code, told) for name, code, told in wanted.errors])
    found = finding.find(session, asked.typed, wanted=wanted.as_json(), skipped=asked.skipped, limit=narrowed.limit)
    if not found.shown and not asked.skipped and not narrowed.narrows:
        misses.note(session, asked.typed)
        caching.keep_out()  # the next one who searches for it is to be counted, too
    end = asked.skipped + narrowed.limit
    more = end < found.total and found.shown > 0
    rest = {
        "page": {"next_cursor": _cursor(asked.fingerprint, end) if more else None, "has_more": more},
        "total": found.total,
        "did_you_mean": found.meant,
        "all_words": found.whole,
    }
    told = json.dumps(rest, ensure_ascii=False, separators=(",", ":"))
    return Prepared(f'{{"data":[{found.cards}],{told[1:]}')


def _cursor(fingerprint: str, skipped: int) -> str:
    return base64.urlsafe_b64encode(f"{fingerprint}.{skipped}".encode()).decode().rstrip("=")


def _skipped(cursor: str | None, fingerprint: str) -> int:
    if cursor is None:
        return 0
    told = "This cursor belongs to another search; begin again without it."
    try:
        text = base64.urlsafe_b64decode(cursor[:_LONGEST_CURSOR] + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        text = ""
    bound, _, skipped = text.partition(".")
    if bound == fingerprint and skipped.isdecimal() and len(skipped) <= len(str(finding.MOST * 10)):
        return int(skipped)
    raise asking.refuse([FieldError(pointer("query", "cursor"), "invalid_value", told)])


class _Dependency:
    """FastAPI calls it with the request, and reads from its signature what to document."""

    async def __call__(self, request: Request, **_documented: object) -> Search:
        return parse(request.query_params)

    def supply(self, present: Exchange) -> Search:
        """Return the same without FastAPI, which would look at each documented parameter; see `core.supplying`."""
        return parse(present.request.query_params)

    @property
    def __signature__(self) -> Signature:
        # Each parameter is text to FastAPI, whatever the document says of it: see `paging`.
        of_list = [one for one in asking.DOCUMENTED if one[0] not in _NOT_HERE]
        documented = [
            Parameter(
                f"parameter_{place}",
                Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[str | None, WithJsonSchema(schema), Query(alias=name, description=description)],
            )
            for place, (name, schema, description) in enumerate((_TYPED, *of_list))
        ]
        return Signature([Parameter("request", Parameter.POSITIONAL_OR_KEYWORD, annotation=Request), *documented])


_TYPED: tuple[str, dict[str, Any], str] = (
    "q",
    {"type": "string", "minLength": 1, "maxLength": finding.LONGEST_TEXT},
    "What to search for: words, or a SKU. Required.",
)
query = _Dependency()

__all__ = ["InvalidListing", "Search", "parse", "query", "search"]
