"""What may be kept of an answer: by the browser, by the edge (CloudFront), for how long, and what takes it back.

A route says `cached=Cached(seconds=...)`. Its answers are then public: they carry an ETag, how long each party may keep
them, what they depend on, and tags (surrogate keys, `product:prod_...`) by which the edge forgets them before their
time. The declaration says how tags are read from an answer, and an endpoint names further ones by `tag`; the store's
own, `store:store_...`, goes without saying.

Whatever is no success goes out as `no-store`, a 404 too: the edge would keep it under no tag, and a shop would not see
the product that it has just put on sale.

An answer may depend on nothing but the path, the query and `KEY`, the headers that the edge's cache key holds. So a
cached route is public, and takes no header: neither a cart's token nor a cookie. Which store it is, the key says: by
its publishable key (header or query) or by the host name that the viewer asked for. `Origin` is in the key, since a
store answers each origin on its own whether its pages may read it. Locale and currency are in it before the first
answer depends on them, because a key that misses one shows one shopper's prices to another.
"""

import hashlib
import inspect
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID

from fastapi import params
from starlette.requests import Request
from starlette.responses import Response

from shared.core import ids
from shared.core.declarations import BadDeclaration, Cached, EndpointDeclaration
from shared.core.request import exchange

TAGS_HEADER = "Cache-Tag"
MOST_TAGS = 50  # that CloudFront takes of an answer; the others would never be found again
LONGEST_TAG = 256  # characters, by CloudFront's rule
SECONDS_BEYOND_TAGS = 60  # how long the edge keeps an answer that has more tags than it takes

LOCALE, CURRENCY, STORE = "Accept-Language", "X-Currency", "X-Publishable-Key"
HOST = "X-Forwarded-Host"  # the edge writes it, whatever the viewer says
KEY = (LOCALE, "Origin", CURRENCY, HOST, STORE)

_VARY = f"{LOCALE}, {CURRENCY}, {STORE}"  # `Origin` is added by `cors`; the host is a part of the URL
_TAGS_NAME = TAGS_HEADER.lower().encode()
_SUCCESS = 200  # not a redirect: a slug that is taken back would lead in a circle for as long as that is kept
_TAG = f"[!-+\\--~]{{1,{LONGEST_TAG}}}"  # visible ASCII without the comma
_TAGS = re.compile(f"{_TAG}(?:,{_TAG})*")


class BadTag(ValueError):
    """CloudFront would not take this tag, and so never find what carries it. A bug."""


def tag(*tags: str) -> None:
    """Name what the present answer shows, so that a change of it reaches the edge. The coarse ones first.

    Of more than the edge takes, the last ones are left out, and the answer is kept for a minute at most.
    """
    exchange.get().tags.extend(tags)


def keep_out() -> None:
    """Let nobody keep the present answer, though its route is cached: each request for it is to be seen."""
    present = exchange.get(None)
    if present is not None:  # called by a request, and by no consumer or test
        present.kept = False


def apply(cached: Cached, request: Request, response: Response, *, tags: Iterable[str], store_id: UUID | None) -> None:
    """Write into a success how long it may be kept, what it depends on, its ETag and its tags.

    The ETag is of the body, not of a version: stock changes what a product's page shows, and no version of the product.

    Raises:
        BadTag: a tag is nothing that CloudFront takes.
    """
    if response.status_code != _SUCCESS:
        return
    named = tuple(dict.fromkeys((*_of_store(cached, request, response, store_id), *tags)))
    told = ",".join(named)
    if named and (told.count(",") >= len(named) or not _TAGS.fullmatch(told)):
        raise BadTag(told)
    whole = len(named) <= MOST_TAGS
    headers = {
        b"cache-control": cached.control if whole else cached.control_within(SECONDS_BEYOND_TAGS),
        b"vary": _VARY,
    }
    if named:
        headers[_TAGS_NAME] = told if whole else ",".join(named[:MOST_TAGS])
    if "etag" not in response.headers:
        headers[b"etag"] = f'"{hashlib.sha256(response.body).hexdigest()[:32]}"'
    # All at once, since Starlette walks over all of them for each one that is set.
    others = [pair for pair in response.raw_headers if pair[0] not in headers]
    response.raw_headers[:] = [*others, *((name, value.encode("latin-1")) for name, value in headers.items())]


def _of_store(cached: Cached, request: Request, response: Response, store_id: UUID | None) -> Iterable[str]:
    if store_id is None:
        return ()
    read = (
        ()
        if cached.tags is None
        else cached.tags(store_id, request.scope["query_string"].decode("latin-1"), bytes(response.body))
    )
    return (store_tag(store_id), *read)


@lru_cache(maxsize=1024)
def store_tag(store_id: UUID) -> str:
    """Return the tag of everything that a store shows."""
    return f"store:{ids.encode('store', store_id)}"


def refuse_personal(endpoint: EndpointDeclaration) -> None:
    """Refuse to cache a route whose answers may be somebody's own.

    Raises:
        BadDeclaration: the route takes a header or a cookie.
    """
    if endpoint.cached is not None and (personal := sorted(_headers_of(endpoint.call))):
        message = f"{endpoint.path} is cached, so it may take no header or cookie: {', '.join(personal)}."
        raise BadDeclaration(message)


def _headers_of(call: Any) -> set[str]:  # noqa: ANN401 -- an endpoint, or what one depends on
    """Return the parameters that come from a header or cookie, those of dependencies included."""
    found: set[str] = set()
    hints = get_type_hints(call, include_extras=True)
    for name in inspect.signature(call).parameters:
        for fact in _facts(hints.get(name)):
            if isinstance(fact, params.Header | params.Cookie):
                found.add(name)
            elif isinstance(fact, params.Depends) and fact.dependency is not None:
                depended: Any = fact.dependency
                found |= _headers_of(depended if inspect.isfunction(depended) else depended.__call__)
    return found


def _facts(hint: Any) -> tuple[Any, ...]:  # noqa: ANN401 -- any annotation
    metadata: tuple[Any, ...] = getattr(hint, "__metadata__", ())
    if get_origin(hint) is None:
        return metadata
    return metadata + tuple(fact for part in get_args(hint) for fact in _facts(part))
