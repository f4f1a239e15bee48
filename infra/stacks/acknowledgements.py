"""Findings of cdk-nag that stand: each for one resource, with the reason and with what would end it."""

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct

# How cdk-nag spells what is only known at deployment.
_SPELLED = {"partition": "<AWS::Partition>", "region": "<AWS::Region>", "account": "<AWS::AccountId>"}


def acknowledge(construct: IConstruct, rule: str, *, because: str, until: str) -> None:
    """Let one finding about one construct stand. `rule` is exact, as `AwsSolutions-IAM5[Resource::*]` is."""
    if Stack.is_stack(construct):
        message = f"An acknowledgement names one resource, and {construct.node.id} is a stack."
        raise ValueError(message)
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=f"{because} Ends with: {until}"))


def acknowledge_wildcard(construct: IConstruct, resource: str, *, because: str, until: str) -> None:
    """Let a policy's wildcard stand. `resource` is an ARN with {partition}, {region} and {account} in it, or a star."""
    acknowledge(construct, f"AwsSolutions-IAM5[Resource::{resource.format(**_SPELLED)}]", because=because, until=until)
