"""Grants are words, and a role stands for a set of them."""

import pytest

from infra.stages import STAGES
from infra.uses import USES, UnknownUse
from shared.core.topology import Topology
from tests.infra.assembly import Assembly, text
from tests.infra.conftest import Synthesize
from tests.infra.topologies import a_topology, an_endpoint, functions


def test_an_unknown_word_ends_the_synthesis_and_names_the_function(synthesized: Synthesize) -> None:
    topology = a_topology(an_endpoint("orders", "beam", uses=("teleport",)))

    with pytest.raises(UnknownUse, match=r"orders-beam uses 'teleport', which infra/uses.py does not know"):
        synthesized(STAGES["dev"], topology)


def test_the_committed_topology_uses_only_known_words(committed: Topology) -> None:
    assert {word for function in functions(committed) for word in function.uses} <= set(USES)


def test_every_wildcard_says_why_and_until_when() -> None:
    allows = [allow for use in USES.values() for allow in use.allows]

    wide = [allow for allow in allows if any(resource.endswith("*") for resource in allow.resources)]

    assert len(wide) == 7
    assert all(allow.because.endswith(".") and allow.until.endswith(".") for allow in wide)


def test_functions_with_the_same_grants_share_a_role(prod: Assembly) -> None:
    roles = {one["RoleName"] for _, one in prod.resources("AWS::IAM::Role", stack="access")}

    assert roles == {
        "stormcom-prod-calls-gateway",
        "stormcom-prod-calls-scheduler",
        "stormcom-prod-uses-consumes",
        "stormcom-prod-uses-consumes-messages",
        "stormcom-prod-uses-consumes-queues-subscriptions",
        "stormcom-prod-uses-database",
        "stormcom-prod-uses-queues",
        "stormcom-prod-uses-queues-subscriptions",
    }


def test_a_function_without_words_may_log_in_read_the_keys_and_kick_the_relay(prod: Assembly) -> None:
    statements = _statements(prod, "Usesdatabase")

    reached = {action: text(one["Resource"]) for one in statements for action in _actions(one)}
    assert reached["rds-db:connect"].endswith("/stormcom_app")
    assert "StoreKeys" in reached["secretsmanager:GetSecretValue"]
    assert reached["sqs:SendMessage"].endswith(":stormcom-prod-outbox")
    assert reached["sqs:SendMessage"].count("arn:") == 2  # relay and sealer
    assert ":stormcom-prod-audit-seals" in reached["sqs:SendMessage"]
    assert "sqs:ReceiveMessage" not in reached
    assert "ses:SendEmail" not in reached
    assert {action for action, resource in reached.items() if resource == "*"} == {
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }


def test_who_sends_messages_may_write_to_people_and_to_no_topic(prod: Assembly) -> None:
    statements = _statements(prod, "Usesconsumesmessages")

    [publish] = [one for one in statements if "sns:Publish" in _actions(one)]

    assert "Resource" not in publish
    assert text(publish["NotResource"]).endswith(":sns:*:*:*")


def test_only_the_migration_is_the_owner(prod: Assembly) -> None:
    owners = [
        logical
        for logical, policy in prod.resources("AWS::IAM::Policy")
        for one in policy["PolicyDocument"]["Statement"]
        if "rds-db:connect" in _actions(one) and text(one["Resource"]).endswith("/stormcom_owner")
    ]

    assert len(owners) == 1
    assert owners[0].startswith("MigrationRole")


def test_a_word_that_needs_the_internet_brings_the_way_out(synthesized: Synthesize, prod: Assembly) -> None:
    abroad = synthesized(STAGES["prod"], a_topology(an_endpoint("orders", "quote-courier", uses=("internet",))))

    assert list(prod.resources("AWS::EC2::NatGateway")) == []
    assert len(list(abroad.resources("AWS::EC2::NatGateway"))) == 2


def test_a_word_brings_the_endpoints_of_the_services_that_it_needs(prod: Assembly, synthesized: Synthesize) -> None:
    silent = Topology(endpoints=a_topology().endpoints, consumers=(), schedules=())

    quiet = synthesized(STAGES["prod"], silent)

    assert _endpoints(prod) == {"email", "s3", "secretsmanager", "sns", "sqs"}
    assert _endpoints(quiet) == {"s3", "secretsmanager", "sqs"}


def _statements(assembly: Assembly, role: str) -> list[dict[str, object]]:
    [policy] = [
        one["PolicyDocument"]["Statement"]
        for logical, one in assembly.resources("AWS::IAM::Policy", stack="access")
        if logical.startswith(f"{role}DefaultPolicy")
    ]
    statements: list[dict[str, object]] = policy
    return statements


def _actions(statement: dict[str, object]) -> list[str]:
    actions = statement["Action"]
    return [actions] if isinstance(actions, str) else list(actions) if isinstance(actions, list) else []


def _endpoints(assembly: Assembly) -> set[str]:
    return {text(one["ServiceName"]).rsplit(".", 1)[-1] for _, one in assembly.resources("AWS::EC2::VPCEndpoint")}
