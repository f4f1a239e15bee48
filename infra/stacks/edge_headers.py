"""The headers that the edge puts on every answer of ours, whichever function made it.

HTTPS is what the session's cookie and the judgement of other sites' requests rest on, so browsers are told to use
nothing else, for this name and those below it, for two years (ASVS 3.4.1 asks for one). The others are for answers
that say nothing themselves, JSON mostly: not to be shown in a frame, not to be taken for another type, to run nothing,
and to tell nobody their address. A page that says what it needs (the documentation, a guest's order) is believed.

Takes the tags off, which are for the edge alone.
"""

from aws_cdk import Duration
from aws_cdk import aws_cloudfront as cloudfront
from constructs import Construct

from infra.stages import Stage
from shared.core import caching

_TWO_YEARS = Duration.days(730)
_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def policy(scope: Construct, *, stage: Stage) -> cloudfront.ResponseHeadersPolicy:
    """Make the policy of a stage's distribution."""
    return cloudfront.ResponseHeadersPolicy(
        scope,
        "Answers",
        response_headers_policy_name=stage.named("answers"),
        comment="HTTPS alone, no frames, no guessing; takes the tags off, which are for the edge.",
        remove_headers=[caching.TAGS_HEADER],
        security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
            strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
                access_control_max_age=_TWO_YEARS, include_subdomains=True, override=True
            ),
            content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True),
            frame_options=cloudfront.ResponseHeadersFrameOptions(
                frame_option=cloudfront.HeadersFrameOption.DENY, override=False
            ),
            referrer_policy=cloudfront.ResponseHeadersReferrerPolicy(
                referrer_policy=cloudfront.HeadersReferrerPolicy.NO_REFERRER, override=False
            ),
            content_security_policy=cloudfront.ResponseHeadersContentSecurityPolicy(
                content_security_policy=_NOTHING, override=False
            ),
        ),
    )
