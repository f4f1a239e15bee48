"""What the edge keeps: nothing but what says so, under a key that misses nothing, and never an error."""

import json
import os
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest

from infra.kept import KeptByMistake, TooManyBehaviors, function_code, kept_paths
from infra.stages import STAGES
from shared.core import caching
from shared.core.edge import ADDRESS_HEADER, HOST_HEADER
from shared.core.topology import Topology
from tests.infra.assembly import Assembly, text
from tests.infra.conftest import Synthesize
from tests.infra.test_edge import KEPT
from tests.infra.topologies import a_consumer, a_topology, an_endpoint, functions


def test_the_routes_that_say_so_are_kept(committed: Topology) -> None:
    assert tuple(kept_paths(a_topology())) == KEPT
    assert {"/api/v1/storefront/products", "/api/v1/storefront/products/*"} <= set(kept_paths(committed))


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_route_that_is_not_kept_among_those_that_are_ends_the_synthesis(method: str) -> None:
    mixed = a_topology(
        an_endpoint("reviews", "mine", method=method, path="/api/v1/storefront/products/{slug}/reviews/mine")
    )

    with pytest.raises(KeptByMistake, match="reviews-mine"):
        kept_paths(mixed)


def test_more_paths_than_a_distribution_takes_end_the_synthesis() -> None:
    many = [an_endpoint("pages", f"page-{n}", path=f"/api/v1/storefront/page-{n}", cached=True) for n in range(20)]

    with pytest.raises(TooManyBehaviors, match="22 paths"):
        kept_paths(a_topology(*many))


def test_the_key_holds_store_locale_currency_and_origin(prod: Assembly) -> None:
    policy = prod.one("AWS::CloudFront::CachePolicy")["CachePolicyConfig"]
    key = policy["ParametersInCacheKeyAndForwardedToOrigin"]

    assert key["HeadersConfig"] == {
        "HeaderBehavior": "whitelist",
        "Headers": ["Accept-Language", "Origin", "X-Currency", "X-Forwarded-Host", "X-Publishable-Key"],
    }
    assert key["QueryStringsConfig"] == {"QueryStringBehavior": "all"}
    assert key["CookiesConfig"] == {"CookieBehavior": "none"}
    assert (key["EnableAcceptEncodingBrotli"], key["EnableAcceptEncodingGzip"]) == (True, True)
    assert caching.HOST.lower() == HOST_HEADER  # which the edge's function writes


def test_an_answer_that_says_nothing_is_not_kept_and_none_longer_than_a_day(prod: Assembly) -> None:
    policy = prod.one("AWS::CloudFront::CachePolicy")["CachePolicyConfig"]

    assert (policy["MinTTL"], policy["DefaultTTL"], policy["MaxTTL"]) == (0, 0, 86_400)


def test_beside_the_key_the_origin_is_told_the_viewers_address_alone(prod: Assembly) -> None:
    policy = prod.one("AWS::CloudFront::OriginRequestPolicy")["OriginRequestPolicyConfig"]

    assert policy["HeadersConfig"] == {"HeaderBehavior": "whitelist", "Headers": [ADDRESS_HEADER]}
    assert policy["CookiesConfig"] == {"CookieBehavior": "none"}


def test_no_error_is_kept_on_any_path(prod: Assembly) -> None:
    config = prod.one("AWS::CloudFront::Distribution")["DistributionConfig"]

    told = {one["ErrorCode"]: one["ErrorCachingMinTTL"] for one in config["CustomErrorResponses"]}

    assert set(told.values()) == {0}
    assert {400, 403, 404, 405, 414, 500, 501, 502, 503, 504} <= set(told)


def test_the_edge_reads_the_tags_and_takes_them_off(prod: Assembly) -> None:
    config = prod.one("AWS::CloudFront::Distribution")["DistributionConfig"]
    [policy] = [one for _, one in prod.resources("AWS::CloudFront::ResponseHeadersPolicy")]

    assert config["CacheTagConfig"] == {"HeaderName": "Cache-Tag"}
    assert policy["ResponseHeadersPolicyConfig"]["RemoveHeadersConfig"] == {"Items": [{"Header": "Cache-Tag"}]}


def test_kept_paths_are_read_and_never_written(prod: Assembly) -> None:
    config = prod.one("AWS::CloudFront::Distribution")["DistributionConfig"]

    for behavior in config["CacheBehaviors"]:
        if behavior["PathPattern"] in KEPT:
            assert set(behavior["AllowedMethods"]) == {"GET", "HEAD", "OPTIONS"}
            assert set(behavior["CachedMethods"]) == {"GET", "HEAD"}
            assert behavior["Compress"] is True


def test_every_function_knows_which_edge_to_tell(prod: Assembly) -> None:
    ours = {one.name for one in functions(a_topology())}
    known = {
        name: json.dumps(one["Environment"]["Variables"].get("STORMCOM_EDGE_DISTRIBUTION"))
        for name, one in prod.functions().items()
        if name in ours
    }

    assert set(known) == ours
    assert len(set(known.values())) == 1
    assert "Distribution" in known["events-outbox"]


def test_who_tells_the_edge_may_invalidate_and_gets_a_way_out(synthesized: Synthesize) -> None:
    told = synthesized(STAGES["dev"], a_topology(a_consumer("search", "edge-invalidations", uses=("edge",))))

    [policy] = [
        one["PolicyDocument"]["Statement"]
        for logical, one in told.resources("AWS::IAM::Policy", stack="access")
        if logical.startswith("Usesconsumesedge")
    ]
    [allowed] = [one for one in policy if "cloudfront:CreateInvalidation" in one["Action"]]
    assert allowed["Action"] == "cloudfront:CreateInvalidation"
    assert text(allowed["Resource"]).endswith(":distribution/*")
    assert len(list(told.resources("AWS::EC2::NatGateway"))) == 1


def test_the_same_question_has_the_same_key_however_it_is_put() -> None:
    first = at_the_edge(
        {"accept-language": "bn-BD,bn;q=0.9,en;q=0.8", "x-currency": " bdt"}, {"sort": "price", "category": "tea"}
    )
    second = at_the_edge({"accept-language": "de, BN;q=0.5", "x-currency": "BDT"}, {"category": "tea", "sort": "price"})

    assert first == second
    assert first["headers"]["accept-language"] == {"value": "bn"}
    assert list(first["querystring"]) == ["category", "sort"]


@pytest.mark.parametrize("language", [None, "", "de-DE,fr", ";;;,,", "x" * 500])
@pytest.mark.parametrize("currency", [None, "", "EURO", "<script>", "12345"])
def test_what_means_nothing_to_us_is_no_part_of_the_key(language: str | None, currency: str | None) -> None:
    given = {"accept-language": language, "x-currency": currency}

    asked = at_the_edge({name: value for name, value in given.items() if value is not None}, {})

    assert set(asked["headers"]) == {"host", "x-forwarded-host", "x-viewer-address", "accept-language"}
    assert asked["headers"]["accept-language"] == {"value": "en"}


def test_the_edge_alone_says_which_host_and_address_the_viewer_has() -> None:
    asked = at_the_edge({"x-forwarded-host": "other.shops.example", "x-viewer-address": "8.8.8.8"}, {})

    assert asked["headers"]["x-forwarded-host"] == {"value": "rupali.shops.example"}
    assert asked["headers"]["x-viewer-address"] == {"value": "203.0.113.9"}


def test_a_parameter_that_comes_twice_keeps_both_values() -> None:
    twice = {"value": "1", "multiValue": [{"value": "1"}, {"value": "2"}]}

    asked = at_the_edge({}, {"b": "3", "a": twice})

    assert asked["querystring"] == {"a": twice, "b": {"value": "3"}}


def at_the_edge(headers: Mapping[str, str], query: Mapping[str, Any]) -> dict[str, Any]:
    """Run the edge's function in Node on a viewer's request, and return what goes on to the cache."""
    request = {
        "method": "GET",
        "uri": "/api/v1/storefront/products",
        "headers": {"host": {"value": "rupali.shops.example"}, **{k: {"value": v} for k, v in headers.items()}},
        "querystring": {k: v if isinstance(v, dict) else {"value": v} for k, v in query.items()},
        "cookies": {},
    }
    event = {"version": "1.0", "viewer": {"ip": "203.0.113.9"}, "request": request}
    script = f"{function_code()}\nconsole.log(JSON.stringify(handler({json.dumps(event)})));"
    node = os.environ["JSII_NODE"]  # set by infra.stacks, when it is imported
    done = subprocess.run([node, "-e", script], capture_output=True, text=True, check=True, timeout=60)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
