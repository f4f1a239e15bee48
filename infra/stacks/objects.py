"""The object store: a private bucket for what is sent and fetched, one for the pictures that the edge serves, a vault.

The vault holds the audit trail's archives and the heads of its chains. Object Lock in COMPLIANCE mode: whoever puts an
object says until when it stays, and then neither a role of ours nor the account's root deletes it, or the bucket.

Their names follow from the stage and the account, so that the edge, the roles and the functions name them without
standing on this stack: it comes after the edge, whose distribution alone may read the pictures.

Encryption is S3's own: with a key of ours each upload by a form, and each picture that the edge fetches anew, would be
a call of KMS for bytes that are public, or gone within a month.

Only a real account proves: that S3 holds a presigned form to its conditions, that names are free, and that the edge may
read. Credentials of a function's role end after some hours, and with them the forms that it signed.
"""

from aws_cdk import Aws, Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.stacks.acknowledgements import acknowledge
from infra.stages import Stage
from shared.core.storage import MEDIA_PATH, Bucket

PICTURES = f"{MEDIA_PATH}*"  # the paths that the edge asks the bucket for
VAULT = "audit"
# The audit trail is kept for 24 months. Heads lie here from their day on, archives from six months after their month.
_VAULT_KEPT = {"heads/": Duration.days(25 * 31), "entries/": Duration.days(19 * 31)}
_UPLOADS_KEPT = Duration.days(30)  # what was worked on is of no use, and what was exported can be exported again


def prefix(stage: Stage) -> str:
    """Return what the names of the stage's buckets begin with; names of buckets are the whole world's."""
    return f"{stage.prefix}-{Aws.ACCOUNT_ID}-"


def behavior(scope: Construct, stage: Stage) -> cloudfront.BehaviorOptions:
    """Return how the edge serves pictures: from the bucket, kept for as long as their headers say, a year."""
    name = prefix(stage) + Bucket.MEDIA
    bucket = s3.Bucket.from_bucket_attributes(
        scope, "Pictures", bucket_name=name, bucket_regional_domain_name=f"{name}.s3.{Aws.REGION}.{Aws.URL_SUFFIX}"
    )
    control = cloudfront.S3OriginAccessControl(
        scope,
        "PicturesAccess",
        origin_access_control_name=stage.named("pictures"),
        signing=cloudfront.Signing.SIGV4_ALWAYS,
    )
    return cloudfront.BehaviorOptions(
        origin=origins.S3BucketOrigin.with_origin_access_control(bucket, origin_access_control=control),
        viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
        allowed_methods=cloudfront.AllowedMethods.ALLOW_GET_HEAD,
        cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,
        response_headers_policy=cloudfront.ResponseHeadersPolicy.CORS_ALLOW_ALL_ORIGINS_AND_SECURITY_HEADERS,
        compress=False,  # pictures are compressed
    )


class Objects(Stack):
    """The buckets of a stage."""

    def __init__(self, scope: Construct, name: str, *, stage: Stage, distribution_id: str) -> None:
        """Set up the buckets; the distribution may read the pictures."""
        super().__init__(scope, name, description="StormCom: uploads, exports and pictures.")
        self._stage = stage
        self._log = self._access_log()
        self._bucket(
            Bucket.UPLOADS,
            lifecycle_rules=[
                s3.LifecycleRule(expiration=_UPLOADS_KEPT, abort_incomplete_multipart_upload_after=Duration.days(1))
            ],
            cors=[
                s3.CorsRule(
                    # The form is what lets somebody in; a merchant's pages stand wherever they stand.
                    allowed_origins=["*"],
                    allowed_methods=[s3.HttpMethods.POST],
                    allowed_headers=["*"],
                    max_age=3600,
                )
            ],
        )
        pictures = self._bucket(
            Bucket.MEDIA,
            lifecycle_rules=[s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(1))],
        )
        self._let_the_edge_read(pictures, distribution_id)
        self._vault()

    def _vault(self) -> None:
        s3.Bucket(
            self,
            "Vault",
            bucket_name=prefix(self._stage) + VAULT,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            object_lock_enabled=True,
            object_lock_default_retention=s3.ObjectLockRetention.compliance(_VAULT_KEPT["heads/"]),
            lifecycle_rules=[
                # What is locked stays until its lock ends, whatever a rule says: these come right after.
                s3.LifecycleRule(
                    prefix=kind,
                    expiration=days,
                    noncurrent_version_expiration=Duration.days(1),
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                )
                for kind, days in _VAULT_KEPT.items()
            ],
            server_access_logs_bucket=self._log,
            server_access_logs_prefix=f"{VAULT}/",
            removal_policy=RemovalPolicy.RETAIN,  # in every stage: what is locked cannot be removed with its stack
        )

    def _let_the_edge_read(self, pictures: s3.Bucket, distribution_id: str) -> None:
        edge = self.format_arn(service="cloudfront", region="", resource="distribution", resource_name=distribution_id)
        for action, resource in (
            ("s3:GetObject", pictures.arn_for_objects(f"{MEDIA_PATH.strip('/')}/*")),
            ("s3:ListBucket", pictures.bucket_arn),  # or what is not there would be answered with 403
        ):
            pictures.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[iam.ServicePrincipal("cloudfront.amazonaws.com")],
                    actions=[action],
                    resources=[resource],
                    conditions={"StringEquals": {"AWS:SourceArn": edge}},
                )
            )

    def _bucket(
        self, bucket: Bucket, *, lifecycle_rules: list[s3.LifecycleRule], cors: list[s3.CorsRule] | None = None
    ) -> s3.Bucket:
        return s3.Bucket(
            self,
            bucket.value.capitalize(),
            bucket_name=prefix(self._stage) + bucket,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            lifecycle_rules=lifecycle_rules,
            cors=cors,
            server_access_logs_bucket=self._log,
            server_access_logs_prefix=f"{bucket}/",
            removal_policy=self._removal,
        )

    def _access_log(self) -> s3.Bucket:
        log = s3.Bucket(
            self,
            "AccessLog",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(self._stage.log_days))],
            removal_policy=self._removal,
        )
        acknowledge(
            log,
            "AwsSolutions-S1",
            because="This bucket holds access logs; logging the access to them would log itself.",
            until="A second bucket, should the readers of logs ever need watching.",
        )
        return log

    @property
    def _removal(self) -> RemovalPolicy:
        return RemovalPolicy.RETAIN if self._stage.keep_data else RemovalPolicy.DESTROY
