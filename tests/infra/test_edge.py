"""One front door, behind the firewall; which path is whose follows from the topology."""

import pytest

from infra.stacks.edge import MixedPrefixes, prefixes
from infra.stacks.objects import PICTURES
from infra.stages import Database, Stage
from shared.core.edge import SECRET_HEADER
from tests.infra.assembly import Assembly, text
from tests.infra.conftest import Synthesize
from tests.infra.topologies import a_topology, an_endpoint

KEPT = ("/api/v1/storefront/products", "/api/v1/storefront/products/*")


def test_each_audience_but_the_merchant_has_its_prefix() -> None:
    assert prefixes(a_topology()) == {"/api/v1/platform": "platform", "/api/v1/storefront": "storefront"}


def test_two_audiences_under_one_prefix_are_refused() -> None:
    mixed = a_topology(an_endpoint("orders", "public", path="/api/v1/orders/public", audience="storefront"))

    with pytest.raises(MixedPrefixes, match="/api/v1/orders belongs to both"):
        prefixes(mixed)


def test_a_path_goes_to_its_audiences_api(prod: Assembly) -> None:
    config = prod.one("AWS::CloudFront::Distribution")["DistributionConfig"]

    hosts = {origin["Id"]: text(origin["DomainName"]) for origin in config["Origins"]}
    told = {one["PathPattern"]: hosts[one["TargetOriginId"]] for one in config["CacheBehaviors"]}

    assert "Refmerchant" in hosts[config["DefaultCacheBehavior"]["TargetOriginId"]]
    assert list(told) == [*KEPT, "/api/v1/platform*", "/api/v1/storefront*", PICTURES]  # in this order they are asked
    assert "Refplatform" in told["/api/v1/platform*"]
    assert all("Refstorefront" in told[path] for path in (*KEPT, "/api/v1/storefront*"))


def test_where_nothing_is_kept_every_method_passes_and_plain_http_is_refused(prod: Assembly) -> None:
    config = prod.one("AWS::CloudFront::Distribution")["DistributionConfig"]

    others = [one for one in config["CacheBehaviors"] if one["PathPattern"] not in (*KEPT, PICTURES)]
    for behavior in (config["DefaultCacheBehavior"], *others):
        assert set(behavior["AllowedMethods"]) == {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"}
        assert behavior["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # AWS's "CachingDisabled"
        assert behavior["ViewerProtocolPolicy"] == "https-only"
        assert [one["EventType"] for one in behavior["FunctionAssociations"]] == ["viewer-request"]


def test_cookies_reach_the_functions_where_nothing_is_kept_and_never_where_something_is(prod: Assembly) -> None:
    config = prod.one("AWS::CloudFront::Distribution")["DistributionConfig"]

    forwarded = {
        one.get("PathPattern", "everything else"): one.get("OriginRequestPolicyId")
        for one in (config["DefaultCacheBehavior"], *config["CacheBehaviors"])
    }

    all_but_the_host = "b689b0a8-53d0-40ab-baf2-68738e2966ac"  # AWS's "AllViewerExceptHostHeader", cookies included
    with_cookies = {path for path, policy in forwarded.items() if policy == all_but_the_host}
    assert with_cookies == {"everything else", "/api/v1/platform*", "/api/v1/storefront*"}
    assert all("KeptStorefrontRequests" in str(forwarded[path]) for path in KEPT)  # which forwards none
    assert forwarded[PICTURES] is None
    assert prod.one("AWS::CloudFront::CachePolicy")["CachePolicyConfig"]["ParametersInCacheKeyAndForwardedToOrigin"][
        "CookiesConfig"
    ] == {"CookieBehavior": "none"}


def test_every_answer_says_https_alone_and_what_says_nothing_itself_is_shown_nowhere(prod: Assembly) -> None:
    policy = prod.one("AWS::CloudFront::ResponseHeadersPolicy")["ResponseHeadersPolicyConfig"]
    config = prod.one("AWS::CloudFront::Distribution")["DistributionConfig"]

    told = policy["SecurityHeadersConfig"]

    assert told["StrictTransportSecurity"] == {
        "AccessControlMaxAgeSec": 63_072_000,
        "IncludeSubdomains": True,
        "Override": True,
    }
    assert told["ContentTypeOptions"] == {"Override": True}
    assert told["FrameOptions"] == {"FrameOption": "DENY", "Override": False}
    assert told["ReferrerPolicy"] == {"ReferrerPolicy": "no-referrer", "Override": False}
    assert told["ContentSecurityPolicy"] == {
        "ContentSecurityPolicy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "Override": False,
    }
    ours = [one for one in config["CacheBehaviors"] if one["PathPattern"] != PICTURES]
    assert all("Answers" in str(one["ResponseHeadersPolicyId"]) for one in (config["DefaultCacheBehavior"], *ours))


def test_the_edge_proves_itself_to_every_endpoints_function_and_to_nobody_else(prod: Assembly) -> None:
    topology = a_topology()
    [(logical, secret)] = prod.resources("AWS::SecretsManager::Secret", stack="edge")

    config = prod.one("AWS::CloudFront::Distribution")["DistributionConfig"]
    sent = [header for origin in config["Origins"] for header in origin.get("OriginCustomHeaders", ())]
    known = {
        name: one["Environment"]["Variables"].get("STORMCOM_ORIGIN_SECRET") for name, one in prod.functions().items()
    }

    assert secret["Name"] == "stormcom-prod-origin-secret-1"
    assert secret["GenerateSecretString"] == {"ExcludePunctuation": True, "PasswordLength": 40}
    assert {one["HeaderName"] for one in sent} == {SECRET_HEADER}
    assert {text(one["HeaderValue"]) for one in sent} == {_reference(f'<"{logical}">')}
    assert len(sent) == len([one for one in config["Origins"] if "CustomOriginConfig" in one]) == 3
    told = {name for name, value in known.items() if value == _reference("stormcom-prod-origin-secret-1")}
    assert told == {one.name for one in topology.endpoints}
    assert {name for name, value in known.items() if value is None} == set(known) - told


def test_a_higher_number_is_a_new_secret_for_the_edge_and_the_functions(synthesized: Synthesize) -> None:
    rotated = synthesized(Stage(name="dev", granularity="domain", origin_secret=2), a_topology())

    [(_, secret)] = rotated.resources("AWS::SecretsManager::Secret", stack="edge")
    told = {one["Environment"]["Variables"].get("STORMCOM_ORIGIN_SECRET") for one in rotated.functions().values()}
    assert secret["Name"] == "stormcom-dev-origin-secret-2"
    assert told == {None, _reference("stormcom-dev-origin-secret-2")}


def test_the_firewall_stands_in_us_east_1_with_managed_rules_and_a_limit_for_each_address(prod: Assembly) -> None:
    firewall = prod.one("AWS::WAFv2::WebACL")

    rules = {rule["Name"]: rule for rule in firewall["Rules"]}

    assert firewall["Scope"] == "CLOUDFRONT"
    assert list(rules) == [
        "requests-per-address",
        "AWSManagedRulesAmazonIpReputationList",
        "AWSManagedRulesKnownBadInputsRuleSet",
        "AWSManagedRulesCommonRuleSet",
    ]
    limit = rules["requests-per-address"]["Statement"]["RateBasedStatement"]
    assert (limit["Limit"], limit["AggregateKeyType"], limit["EvaluationWindowSec"]) == (2000, "IP", 300)
    assert "Parameter.Value" in text(prod.one("AWS::CloudFront::Distribution")["DistributionConfig"]["WebACLId"])
    assert "firewall" in prod.after("edge")


def test_a_stage_with_a_domain_name_answers_at_it(synthesized: Synthesize, dev: Assembly) -> None:
    stage = Stage(
        name="own",
        granularity="domain",
        database=Database(),
        domain_name="shops.example",
        certificate="arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555",
        storefront_domain="shops.example",
    )

    own = synthesized(stage, a_topology())

    assert own.one("AWS::CloudFront::Distribution")["DistributionConfig"]["Aliases"] == [
        "shops.example",
        "*.shops.example",
    ]
    assert "edge" in own.after("functions-orders")  # it has the origin's secret, though nothing of it is imported
    told = own.functions()["orders-api"]["Environment"]["Variables"]
    assert (told["STORMCOM_PUBLIC_URL"], told["STORMCOM_STOREFRONT_DOMAIN"]) == (
        "https://shops.example",
        "shops.example",
    )
    assert "DomainName" in text(dev.functions()["orders-api"]["Environment"]["Variables"]["STORMCOM_PUBLIC_URL"])


def _reference(secret: str) -> str:
    return f"{{{{resolve:secretsmanager:{secret}:SecretString:::}}}}"
