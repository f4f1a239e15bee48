"""What the words in a function's `uses=(...)` mean in the cloud: the one place where a grant becomes IAM.

A function says what it uses in words of the shop ("messages"), never in ARNs. Functions with the same words share one
role (an account holds 1,000 roles; a role a function would spend them on five stages), so a role's name says its words.
The database, the outbox queue, the keys, logs and traces are no `use`: every function has them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


class UnknownUse(LookupError):
    """A function uses a word that has no meaning here."""


@dataclass(frozen=True, kw_only=True)
class Allow:
    """One statement of a policy.

    Places in braces are filled in by the stack: {stage} with the stage's prefix, {partition}, {region}, {account}, and
    {audit_key} and {issuers} with the ARNs of the key that seals the audit trail and of the secret list of issuers.
    A resource that ends in a star, or is one, says in `because` why nothing narrower does, and in `until` what would
    make it narrower; both become the acknowledgement that cdk-nag asks for.
    """

    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    other_than: tuple[str, ...] = ()  # everything but these, where what is meant has no name of its own
    because: str = ""
    until: str = ""


@dataclass(frozen=True, kw_only=True)
class Use:
    """What a word grants, and what else it brings with it."""

    meaning: str
    allows: tuple[Allow, ...] = ()
    subscriptions: bool = False  # the function is told which queue subscribes to which event
    seals: bool = False  # the function is told which key seals the audit trail
    issuers: bool = False  # the function is told where the list of OpenID Connect issuers is
    services: tuple[str, ...] = ()  # AWS services that the private network has to reach for it
    internet: bool = False  # the private network gets a way out (a NAT gateway, paid by the hour)
    layer: str | None = None  # a layer of `assets.LAYERS` that the function gets besides the one that all have


CONSUMES = "consumes"  # the word that every consumer has without saying so

USES: Mapping[str, Use] = {
    "audit_key": Use(
        meaning="Seal blocks of the audit trail, and check who sealed one: for the sealer and the verifier alone.",
        allows=(Allow(actions=("kms:GenerateMac", "kms:VerifyMac"), resources=("{audit_key}",)),),
        services=("kms",),
        seals=True,
    ),
    CONSUMES: Use(
        meaning="Take messages from the stage's queues.",
        allows=(
            Allow(
                actions=(
                    "sqs:ChangeMessageVisibility",
                    "sqs:DeleteMessage",
                    "sqs:GetQueueAttributes",
                    "sqs:ReceiveMessage",
                ),
                resources=("arn:{partition}:sqs:{region}:{account}:{stage}-*",),
                because="Consumers share one role, so that the roles of many stages fit an account.",
                until="An account of its own for each stage, and with it a role for each consumer.",
            ),
        ),
    ),
    "messages": Use(
        meaning="Send e-mail and SMS to people.",
        allows=(
            Allow(
                actions=("ses:SendEmail",),
                resources=(
                    "arn:{partition}:ses:{region}:{account}:identity/*",
                    "arn:{partition}:ses:{region}:{account}:configuration-set/{stage}-*",
                ),
                because="Merchants verify sender addresses of their own at run time; no list of them exists at synth.",
                until="One sender's domain for all stores.",
            ),
            # Only a phone number is no topic: publishing to one is what remains when every topic is taken away.
            Allow(actions=("sns:Publish",), other_than=("arn:{partition}:sns:*:*:*",)),
        ),
        services=("email", "sns"),
    ),
    "pictures": Use(
        meaning="Decode pictures, and put what is made of them where the edge serves them.",
        allows=(
            Allow(
                actions=("s3:DeleteObject", "s3:GetObject", "s3:PutObject"),
                resources=("arn:{partition}:s3:::{stage}-{account}-media/*",),
                because="Pictures of all stores lie in one bucket, under names that are made when they come.",
                until="A bucket for each store.",
            ),
        ),
        layer="pictures",
    ),
    "queues": Use(
        meaning="Send to, look into and redrive any queue of the stage.",
        allows=(
            Allow(
                actions=(
                    "sqs:DeleteMessage",
                    "sqs:GetQueueAttributes",
                    "sqs:GetQueueUrl",
                    "sqs:ReceiveMessage",
                    "sqs:SendMessage",
                ),
                resources=("arn:{partition}:sqs:{region}:{account}:{stage}-*",),
                because="The relay sends to whichever queue subscribes; the queues follow from the topology.",
                until="A role for each function, with the queues that it names.",
            ),
        ),
    ),
    "edge": Use(
        meaning="Tell the edge what to forget of what it keeps.",
        allows=(
            Allow(
                actions=("cloudfront:CreateInvalidation",),
                resources=("arn:{partition}:cloudfront::{account}:distribution/*",),
                because="The distribution is made after the roles, and its id is CloudFront's own choice.",
                until="An account of its own for each stage, or roles that are made after the edge.",
            ),
        ),
        internet=True,  # CloudFront has one address for the world, and no endpoint inside a network
    ),
    "subscriptions": Use(meaning="Know which queue subscribes to which domain event.", subscriptions=True),
    "uploads": Use(
        meaning="Read, write and sign addresses of what merchants send and fetch.",
        allows=(
            Allow(
                actions=("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"),
                resources=("arn:{partition}:s3:::{stage}-{account}-uploads/*",),
                because="Files of all stores lie in one bucket, under names that are made when they come.",
                until="A bucket for each store.",
            ),
            # Without it S3 answers 403 for what is not there, and nobody could tell that from what is forbidden.
            Allow(actions=("s3:ListBucket",), resources=("arn:{partition}:s3:::{stage}-{account}-uploads",)),
        ),
    ),
    "vault": Use(
        meaning="Put what nobody may replace or delete where nobody can, and read it.",
        allows=(
            Allow(
                actions=("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:PutObjectRetention"),
                resources=("arn:{partition}:s3:::{stage}-{account}-audit/*",),
                because="The trails of all tenants lie in one bucket, under names that are made when they come.",
                until="A bucket for each tenant.",
            ),
            Allow(
                actions=("s3:ListBucket", "s3:ListBucketVersions"),
                resources=("arn:{partition}:s3:::{stage}-{account}-audit",),
            ),
        ),
    ),
    "issuers": Use(
        meaning="Know the OpenID Connect issuers whose accounts let members of staff in, and our secrets at them.",
        allows=(Allow(actions=("secretsmanager:GetSecretValue",), resources=("{issuers}",)),),
        issuers=True,
    ),
    "internet": Use(meaning="Call services outside AWS: webhooks, couriers, payment providers.", internet=True),
}


def meanings(words: Iterable[str], *, function: str) -> tuple[Use, ...]:
    """Return what a function's words mean, in the order of the words.

    Raises:
        UnknownUse: a word has no meaning; the synthesis ends there.
    """
    wanted = sorted(set(words))
    if unknown := [word for word in wanted if word not in USES]:
        message = (
            f"The function {function} uses {', '.join(map(repr, unknown))}, which infra/uses.py does not know. "
            f"Known: {', '.join(sorted(USES))}."
        )
        raise UnknownUse(message)
    return tuple(USES[word] for word in wanted)
