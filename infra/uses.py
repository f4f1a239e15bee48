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

    Places in braces are filled in by the stack: {stage} with the stage's prefix, and {partition}, {region}, {account}.
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
    services: tuple[str, ...] = ()  # AWS services that the private network has to reach for it
    internet: bool = False  # the private network gets a way out (a NAT gateway, paid by the hour)


CONSUMES = "consumes"  # the word that every consumer has without saying so

USES: Mapping[str, Use] = {
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
    "subscriptions": Use(meaning="Know which queue subscribes to which domain event.", subscriptions=True),
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
