"""What may be kept of an answer, on a small storefront of the tests' own."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import pytest
from fastapi import Cookie, Depends, Header

from infra.local import events
from shared.core import caching, http, tenancy, topology
from shared.core.declarations import BadDeclaration
from shared.core.errors import Conflict, NotFound
from shared.core.functions import Api, Cached
from shared.core.request import CartToken, StoreSession
from tests.client import Answer
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("watch")

api = Api("window", prefix="/api/v1/storefront/window", audience="storefront")
FIVE_MINUTES = Cached(seconds=300, browser_seconds=10, stale_while_revalidate=30)


@api.get("/shown/{count}", public="Anyone may look.", cached=FIVE_MINUTES)
def look(count: int, session: StoreSession) -> dict[str, Any]:
    """Show so many things, each under a tag."""
    caching.tag("price:list", *(f"product:{number}" for number in range(count)))
    return {"store": str(tenancy.require_store(session)), "count": count}


@api.get("/broken/{tag}", public="Anyone may look.", cached=FIVE_MINUTES)
def look_under(tag: str) -> dict[str, Any]:
    """Show something under a tag that CloudFront does not take."""
    caching.tag(tag)
    return {}


@api.get("/lost/{what}", public="Anyone may look.", cached=FIVE_MINUTES, raises=(Conflict,))
def look_for(what: str) -> dict[str, Any]:
    """Find nothing, or find it taken."""
    if what == "taken":
        raise Conflict("Somebody has it.")
    raise NotFound("There is none.")


@api.get("/rare", public="Anyone may look.", cached=FIVE_MINUTES)
def look_for_rare() -> dict[str, Any]:
    """Show something that is not to be kept this time."""
    caching.tag("product:rare")
    caching.keep_out()
    return {}


@api.get("/own", public="Anyone may look.")
def look_at_own(session: StoreSession) -> dict[str, Any]:  # noqa: ARG001 -- the route's shape
    """Show what is the caller's own: no route is cached unless it says so."""
    return {}


def test_a_cached_answer_says_who_may_keep_it_how_long_and_what_it_depends_on() -> None:
    store = a_store()

    answer = get(store, "/shown/1")

    assert answer.headers["cache-control"] == (
        "public, max-age=10, s-maxage=300, stale-while-revalidate=30, stale-if-error=3600"
    )
    assert vary(answer) == ["Accept-Language", "X-Currency", "X-Publishable-Key", "Origin"]
    assert answer.headers["cache-tag"] == f"{caching.store_tag(store.id)},price:list,product:0"
    assert answer.headers["etag"] == f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'


def test_who_has_the_answer_already_is_told_304_with_all_that_keeps_it_fresh() -> None:
    store = a_store()
    first = get(store, "/shown/2")

    again = get(store, "/shown/2", {"If-None-Match": first.headers["etag"]})
    compressed = get(store, "/shown/2", {"If-None-Match": f'"other", W/{first.headers["etag"]}'})
    other = get(store, "/shown/3", {"If-None-Match": first.headers["etag"]})

    assert [one.status_code for one in (first, again, compressed, other)] == [200, 304, 304, 200]
    assert again.body == b""
    for name in ("cache-control", "vary", "cache-tag", "etag"):
        assert again.headers[name] == first.headers[name], name


def test_a_page_of_an_allowed_origin_may_read_a_cached_answer_and_a_304() -> None:
    store = a_store(allowed_origins=["https://rupali.example"])
    allowed, foreign = {"Origin": "https://rupali.example"}, {"Origin": "https://evil.example"}

    first = get(store, "/shown/1", allowed)
    again = get(store, "/shown/1", allowed | {"If-None-Match": first.headers["etag"]})
    refused = get(store, "/shown/1", foreign)

    told = [one.headers.get("access-control-allow-origin") for one in (first, again, refused)]
    assert told == ["https://rupali.example", "https://rupali.example", None]
    assert [vary(one)[-1] for one in (first, again, refused)] == ["Origin"] * 3


@pytest.mark.parametrize(("path", "status"), [("/lost/one", 404), ("/lost/taken", 409), ("/shown/some", 404)])
def test_a_refusal_is_kept_by_nobody(path: str, status: int) -> None:
    refused = get(a_store(), path)

    assert (refused.status_code, refused.headers["cache-control"]) == (status, "no-store")
    assert "cache-tag" not in refused.headers
    assert "etag" not in refused.headers


def test_a_stranger_is_refused_and_the_refusal_is_kept_by_nobody() -> None:
    store = a_store()
    stranger = replace(store, publishable_key="pk_nobody")

    refused = get(stranger, "/shown/1")

    assert (refused.status_code, refused.headers["cache-control"]) == (401, "no-store")


def test_a_bug_is_kept_by_nobody() -> None:
    answers = [get(a_store(), f"/broken/{tag}") for tag in ("a,b", "ein schönes", "x" * 257)]

    assert [(one.status_code, one.headers["cache-control"]) for one in answers] == [(500, "no-store")] * 3


@pytest.mark.parametrize("path", ["/own", "/rare"])
def test_what_does_not_say_that_it_is_cached_is_not(path: str) -> None:
    answer = get(a_store(), path)

    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert "cache-tag" not in answer.headers


def test_an_answer_under_more_tags_than_the_edge_takes_is_kept_a_minute_under_the_coarse_ones() -> None:
    store = a_store()

    fits, too_many = get(store, "/shown/48"), get(store, "/shown/49")

    assert len(fits.headers["cache-tag"].split(",")) == len(too_many.headers["cache-tag"].split(",")) == 50
    assert "s-maxage=300" in fits.headers["cache-control"]
    assert "s-maxage=60" in too_many.headers["cache-control"]
    assert too_many.headers["cache-tag"].startswith(f"{caching.store_tag(store.id)},price:list,product:0,")


def test_two_stores_share_no_tag_but_those_that_mean_all_stores() -> None:
    mine, theirs = get(a_store(), "/shown/0"), get(a_store(), "/shown/0")

    shared = set(mine.headers["cache-tag"].split(",")) & set(theirs.headers["cache-tag"].split(","))

    assert shared == {"price:list"}


def a_dependency(word: Annotated[str, Header()] = "") -> str:
    return word


def takes_a_cart(cart: CartToken) -> dict[str, Any]:
    return {"cart": cart}


def takes_a_cookie(session: Annotated[str | None, Cookie()] = None) -> dict[str, Any]:
    return {"session": session}


def depends_on_a_header(word: Annotated[str, Depends(a_dependency)]) -> dict[str, Any]:
    return {"word": word}


@pytest.mark.parametrize("call", [takes_a_cart, takes_a_cookie, depends_on_a_header])
def test_an_endpoint_that_takes_a_header_or_a_cookie_cannot_be_cached(call: Any) -> None:
    personal = Api("own", prefix="/api/v1/storefront/own", audience="storefront")
    personal.get("/own", public="Anyone may look.", cached=FIVE_MINUTES)(call)

    with pytest.raises(BadDeclaration, match="no header or cookie"):
        http.application(personal.endpoints)


@pytest.mark.parametrize(("method", "who"), [("POST", {"public": "Anyone."}), ("GET", {"permission": "order.read"})])
def test_only_a_public_get_can_be_cached(method: Any, who: dict[str, str]) -> None:
    personal = Api("own", prefix="/api/v1/own", audience="merchant")

    with pytest.raises(BadDeclaration, match="only a public GET"):
        personal.route(method, "/own", cached=FIVE_MINUTES, **who)(look_at_own)  # type: ignore[arg-type]  # see above


def test_no_cached_route_of_the_house_takes_what_the_key_does_not_hold() -> None:
    for _, one in topology.apis():
        for endpoint in one.endpoints:
            caching.refuse_personal(endpoint)


handler = api.lambda_handler()


def get(store: StoreUnderTest, path: str, headers: Mapping[str, str] | None = None) -> Answer:
    sent = {**store.shopper.headers, **(headers or {})}
    event = events.http_event("GET", "/api/v1/storefront/window" + path, headers=sent)
    result = handler(event, events.context("window"))
    body = (result.get("body") or "").encode()
    return Answer(result["statusCode"], {k.lower(): v for k, v in result["headers"].items()}, body)


def vary(answer: Answer) -> list[str]:
    return [name.strip() for name in answer.headers["vary"].split(",")]
