"""The one front door: CloudFront before the HTTP APIs, behind the firewall.

Which path goes to which audience's API follows from the topology: everything is the merchant's but the prefixes under
which another audience's routes live.

What a route declares as `cached` is kept here, under a key that holds store, locale and currency (`edge_caching`), and
nothing else is.

A function at the edge tells the origin which host name and which address the viewer has, in `x-forwarded-host` and
`x-viewer-address`, overwriting what the viewer says about them: API Gateway itself sees only its own host name and
CloudFront's address. Anybody could write these headers, so CloudFront adds one that nobody else can: a secret that
CloudFormation made, which every endpoint's function knows too. Who goes round the edge, straight to an API's own host
name, is refused by the function (`shared.core.edge`), and so can't go round the firewall.

Both sides get the secret from CloudFormation, by a dynamic reference: it stands in no template, but in CloudFront's
configuration and in the functions' environment. Fetched by the function instead, it would cost every cold start a call,
make every request depend on Secrets Manager, and go stale in a warm environment. The price: whoever may read a
function's configuration reads it. It guards the way round the firewall and two headers, and no data.

Rotated by a higher `origin_secret` in infra/stages.py and a deployment, which makes a secret of another name: a new
value under the old name would change no template, and so reach nobody. A function knows one secret at a time: between
the edge's update and its own, it answers 403. That takes the minutes of a deployment, so rotate in a quiet hour, or at
once if the secret leaked.

Only a real account proves the certificate, the names, and that WAF's parameter is there when it is read.
"""

from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicy, SecretValue, Stack
from aws_cdk import aws_certificatemanager as certificates
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secrets
from aws_cdk import custom_resources as custom
from constructs import Construct

from infra import kept
from infra.stacks import edge_caching, edge_headers, firewall, objects
from infra.stacks.acknowledgements import acknowledge
from infra.stacks.api import Apis
from infra.stages import Stage
from shared.core.edge import SECRET_HEADER
from shared.core.topology import Topology

EVERYTHING_ELSE = "merchant"
ORIGIN_SECRET = "origin-secret"  # noqa: S105 -- what the secret is called, with its number behind

_TELL_THE_ORIGIN = """\
function handler(event) {
  var request = event.request;
  request.headers['x-forwarded-host'] = { value: request.headers.host.value };
  request.headers['x-viewer-address'] = { value: event.viewer.ip };
  return request;
}
"""


class MixedPrefixes(ValueError):
    """Two audiences have routes under one prefix, so a path can't say whose it is."""


def prefixes(topology: Topology) -> Mapping[str, str]:
    """Return the path prefixes that don't go to the merchant's API, with their audience.

    Raises:
        MixedPrefixes: routes of two audiences share a prefix.
    """
    owners: dict[str, str] = {}
    for endpoint in topology.endpoints:
        prefix = "/".join(endpoint.path.split("/")[:4])  # /api/v1/storefront
        if owners.setdefault(prefix, endpoint.audience) != endpoint.audience:
            message = f"{prefix} belongs to both {owners[prefix]} and {endpoint.audience}; give each its own prefix."
            raise MixedPrefixes(message)
    return {prefix: owner for prefix, owner in sorted(owners.items()) if owner != EVERYTHING_ELSE}


class Edge(Stack):
    """The distribution of a stage; `url` is the address of the whole system."""

    def __init__(self, scope: Construct, name: str, *, stage: Stage, topology: Topology, apis: Apis) -> None:
        """Set up the front door."""
        super().__init__(scope, name, description="StormCom: the front door.")
        tell = cloudfront.Function(
            self,
            "TellTheOrigin",
            function_name=stage.named("tell-the-origin"),
            code=cloudfront.FunctionCode.from_inline(_TELL_THE_ORIGIN),
            runtime=cloudfront.FunctionRuntime.JS_2_0,
            comment="Tells the origin the viewer's host name and address.",
        )
        secret = self._origin_secret(stage)
        hosts = {audience: apis.host(audience) for audience in apis.ids}
        origin_of = {audience: _origin(host, secret) for audience, host in hosts.items()}
        headers = edge_headers.policy(self, stage=stage)
        behaviors = {audience: _behavior(origin, tell, headers) for audience, origin in origin_of.items()}
        distribution = cloudfront.Distribution(
            self,
            "Distribution",
            comment=stage.prefix,
            default_behavior=behaviors.get(EVERYTHING_ELSE) or next(iter(behaviors.values())),
            additional_behaviors={
                **self._kept(stage, topology, origin_of, headers),  # before the audiences', whose paths they are among
                **{
                    f"{prefix}*": behaviors[audience]
                    for prefix, audience in prefixes(topology).items()
                    if EVERYTHING_ELSE in behaviors
                },
                objects.PICTURES: objects.behavior(self, stage),
            },
            error_responses=edge_caching.no_errors(),
            web_acl_id=self._firewall(stage),
            enable_logging=True,
            log_bucket=self._logs(stage),
            log_includes_cookies=False,
            minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            price_class=cloudfront.PriceClass.PRICE_CLASS_200,  # all but the dearest places
            domain_names=_names(stage),
            certificate=certificates.Certificate.from_certificate_arn(self, "Certificate", stage.certificate)
            if stage.certificate
            else None,
        )
        edge_caching.read_tags(distribution)
        self._acknowledge(distribution, stage)
        self.url = f"https://{stage.domain_name or distribution.distribution_domain_name}"
        self.distribution_id = distribution.distribution_id
        if not stage.domain_name:
            self.export_value(distribution.distribution_domain_name)
        self.export_value(distribution.distribution_id)

    def _kept(
        self,
        stage: Stage,
        topology: Topology,
        origin_of: Mapping[str, origins.HttpOrigin],
        headers: cloudfront.ResponseHeadersPolicy,
    ) -> Mapping[str, cloudfront.BehaviorOptions]:
        paths = kept.kept_paths(topology)
        if not paths:
            return {}
        shared = edge_caching.Kept(self, stage=stage)
        owners = prefixes(topology)
        by_prefix = {path: owners.get("/".join(path.split("/")[:4]), EVERYTHING_ELSE) for path in paths}
        return {path: _kept_behavior(origin_of[audience], shared, headers) for path, audience in by_prefix.items()}

    def _origin_secret(self, stage: Stage) -> SecretValue:
        secret = secrets.Secret(
            self,
            f"OriginSecret{stage.origin_secret}",
            secret_name=_origin_secret_name(stage),
            description="What the edge sends to the functions, so that they believe it.",
            # Letters and digits, since it goes into a header as it is.
            generate_secret_string=secrets.SecretStringGenerator(exclude_punctuation=True, password_length=40),
            # The one before stays, so that a deployment that fails finds it on its way back; delete it by hand.
            removal_policy=RemovalPolicy.RETAIN if stage.keep_data else RemovalPolicy.DESTROY,
        )
        acknowledge(
            secret,
            "AwsSolutions-SMG4",
            because="A new value reaches CloudFront and the functions by a deployment; a timer would cut them off.",
            until="Functions that take the old value and the new one at once.",
        )
        return secret.secret_value

    def _firewall(self, stage: Stage) -> str:
        name = firewall.parameter(stage)
        arn = f"arn:{self.partition}:ssm:{firewall.REGION}:{self.account}:parameter{name}"
        read = custom.AwsSdkCall(
            service="SSM",
            action="getParameter",
            parameters={"Name": name},
            region=firewall.REGION,
            physical_resource_id=custom.PhysicalResourceId.of(name),
        )
        found = custom.AwsCustomResource(
            self,
            "Firewall",
            on_create=read,
            on_update=read,
            policy=custom.AwsCustomResourcePolicy.from_sdk_calls(resources=[arn]),
            install_latest_aws_sdk=False,
            timeout=Duration.minutes(2),
        )
        # CDK makes the function that reads; its role is CDK's choice, not ours.
        reader = self.node.find_child("AWS679f53fac002430cb0da5b7982bd2287")
        acknowledge(
            reader,
            "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]",
            because="CDK's function that reads one parameter during a deployment may write its log.",
            until="A firewall that stands in the stage's own region.",
        )
        return found.get_response_field("Parameter.Value")

    def _logs(self, stage: Stage) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "AccessLogs",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.OBJECT_WRITER,  # CloudFront's log delivery writes by ACL
            enforce_ssl=True,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(stage.log_days))],
            removal_policy=RemovalPolicy.RETAIN if stage.keep_data else RemovalPolicy.DESTROY,
        )
        acknowledge(
            bucket,
            "AwsSolutions-S1",
            because="This bucket holds access logs; logging the access to them would log itself.",
            until="A second bucket, should the readers of logs ever need watching.",
        )
        return bucket

    @staticmethod
    def _acknowledge(distribution: cloudfront.Distribution, stage: Stage) -> None:
        acknowledge(
            distribution,
            "AwsSolutions-CFR1",
            because="Shops sell wherever their merchants ship to; no country is shut out.",
            until="A law or a contract that shuts one out.",
        )
        if not stage.certificate:
            acknowledge(
                distribution,
                "AwsSolutions-CFR4",
                because="CloudFront's own name comes with CloudFront's own certificate, whose oldest TLS is not ours.",
                until="domain_name and certificate in infra/stages.py.",
            )


def origin_secret(stage: Stage) -> str:
    """Return the reference by which CloudFormation puts the edge's secret into a function's environment.

    By the secret's name, not its ARN: an export that functions import could not be replaced by a new secret's.
    """
    return SecretValue.secrets_manager(_origin_secret_name(stage)).unsafe_unwrap()


def _origin_secret_name(stage: Stage) -> str:
    return stage.named(f"{ORIGIN_SECRET}-{stage.origin_secret}")


def _origin(host: str, secret: SecretValue) -> origins.HttpOrigin:
    return origins.HttpOrigin(
        host,
        custom_headers={SECRET_HEADER: secret.unsafe_unwrap()},  # a reference; CloudFormation resolves it
        protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
        origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
        read_timeout=Duration.seconds(31),  # the gateway gives up at 30, and says so
    )


def _behavior(
    origin: origins.HttpOrigin, tell: cloudfront.Function, headers: cloudfront.ResponseHeadersPolicy
) -> cloudfront.BehaviorOptions:
    return cloudfront.BehaviorOptions(
        origin=origin,
        viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
        allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
        cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
        # Cookies go along: a member of staff's session is one. Nothing is kept here, so nobody gets another's answer.
        origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
        response_headers_policy=headers,
        compress=True,
        function_associations=[_first(tell)],
    )


def _kept_behavior(
    origin: origins.HttpOrigin, shared: edge_caching.Kept, headers: cloudfront.ResponseHeadersPolicy
) -> cloudfront.BehaviorOptions:
    return cloudfront.BehaviorOptions(
        origin=origin,
        viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
        allowed_methods=cloudfront.AllowedMethods.ALLOW_GET_HEAD_OPTIONS,
        cached_methods=cloudfront.CachedMethods.CACHE_GET_HEAD,
        cache_policy=shared.cache_policy,
        origin_request_policy=shared.origin_request_policy,
        response_headers_policy=headers,
        compress=True,
        function_associations=[_first(shared.function)],
    )


def _first(function: cloudfront.Function) -> cloudfront.FunctionAssociation:
    return cloudfront.FunctionAssociation(function=function, event_type=cloudfront.FunctionEventType.VIEWER_REQUEST)


def _names(stage: Stage) -> list[str] | None:
    names = [stage.domain_name] if stage.domain_name else []
    names += [f"*.{stage.storefront_domain}"] if stage.storefront_domain else []
    return names or None
