"""What the edge keeps: the answers of the routes that say so, under a key that holds all that an answer depends on.

Which paths those are follows from the topology (`infra.kept`). Each has a behavior of its own, before its audience's,
so that nothing else is ever kept; how long, its answers say themselves (`shared.core.caching`). The key is the path,
the query, and the headers of `caching.KEY`; these, the viewer's address and nothing else go on to the origin, so that
no answer can depend on what the key misses: neither a cookie nor a token, and no correlation id either, which would be
shown to others.

A function at the edge makes equal what means the same, before the key is made: the query in the order of its names, the
language as one that we speak, the currency as three capital letters or none. Without it, each browser's own
list of languages would have a cache of its own.

CloudFront keeps an error for ten seconds unless told otherwise, and without the headers in the key: one caller's 404
would be another's. So no error is kept.

Only a real account proves that CloudFront reads the tags before the header that carries them is taken off.
"""

from aws_cdk import Duration
from aws_cdk import aws_cloudfront as cloudfront
from constructs import Construct

from infra import kept
from infra.stages import Stage
from shared.core import caching, edge

LONGEST = Duration.days(1)  # whatever an answer says

_ERRORS = (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)  # those of which CloudFront lets one say how long


def no_errors() -> list[cloudfront.ErrorResponse]:
    """Return the order to keep no error."""
    return [cloudfront.ErrorResponse(http_status=status, ttl=Duration.seconds(0)) for status in _ERRORS]


def read_tags(distribution: cloudfront.Distribution) -> None:
    """Have CloudFront read from the answers by what tags they can be taken back."""
    resource = distribution.node.default_child
    if not isinstance(resource, cloudfront.CfnDistribution):
        message = f"{distribution.node.path} is made of no CfnDistribution."
        raise TypeError(message)
    resource.add_property_override("DistributionConfig.CacheTagConfig", {"HeaderName": caching.TAGS_HEADER})


class Kept:
    """The policies and the function that the behaviors of kept paths share."""

    def __init__(self, scope: Construct, *, stage: Stage) -> None:
        """Make them."""
        self.cache_policy = cloudfront.CachePolicy(
            scope,
            "KeptStorefront",
            cache_policy_name=stage.named("storefront"),
            comment="As long as the answer says; by store, locale and currency.",
            min_ttl=Duration.seconds(0),
            default_ttl=Duration.seconds(0),  # an answer that says nothing is not kept
            max_ttl=LONGEST,
            header_behavior=cloudfront.CacheHeaderBehavior.allow_list(*caching.KEY),
            query_string_behavior=cloudfront.CacheQueryStringBehavior.all(),
            cookie_behavior=cloudfront.CacheCookieBehavior.none(),
            enable_accept_encoding_gzip=True,
            enable_accept_encoding_brotli=True,
        )
        self.origin_request_policy = cloudfront.OriginRequestPolicy(
            scope,
            "KeptStorefrontRequests",
            origin_request_policy_name=stage.named("storefront"),
            comment="Beside the key, the viewer's address alone: for the log.",
            header_behavior=cloudfront.OriginRequestHeaderBehavior.allow_list(edge.ADDRESS_HEADER),
            query_string_behavior=cloudfront.OriginRequestQueryStringBehavior.all(),
            cookie_behavior=cloudfront.OriginRequestCookieBehavior.none(),
        )
        self.function = cloudfront.Function(
            scope,
            "AskTheSame",
            function_name=stage.named("ask-the-same"),
            code=cloudfront.FunctionCode.from_inline(kept.function_code()),
            runtime=cloudfront.FunctionRuntime.JS_2_0,
            comment="Makes equal what means the same, and tells the origin the viewer's host name and address.",
        )
