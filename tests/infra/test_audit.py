"""Who may seal and verify the audit trail, and a vault that nobody empties."""

import pytest

from infra.stages import STAGES
from shared.core.topology import Topology
from tests.infra.assembly import Assembly, text
from tests.infra.conftest import Synthesize
from tests.infra.topologies import a_consumer, a_topology, an_endpoint, functions

TRUSTED = {"audit-seal", "audit-verify", "audit-keep-head"}


@pytest.fixture(scope="module")
def trail(synthesized: Synthesize) -> Assembly:
    """Synthesize a sealer and a function that is none, looked at by cdk-nag."""
    sealer = a_consumer("audit", "seal", uses=("audit_key", "vault"))
    return synthesized(STAGES["prod"], a_topology(sealer, an_endpoint("orders", "read")), checked=True)


def test_the_sealer_the_verifier_and_who_keeps_heads_may_ask_the_key_and_nobody_else(committed: Topology) -> None:
    assert {one.name for one in functions(committed) if "audit_key" in one.uses} == TRUSTED


def test_the_key_makes_macs_and_only_its_word_brings_it(trail: Assembly) -> None:
    [key] = [one for _, one in trail.resources("AWS::KMS::Key", stack="data") if one.get("KeySpec") == "HMAC_256"]
    may = {
        logical
        for logical, one in trail.resources("AWS::IAM::Policy", stack="access")
        for statement in one["PolicyDocument"]["Statement"]
        if "kms:GenerateMac" in text(statement["Action"])
    }
    told = {name for name, one in trail.functions().items() if _is_told(one["Environment"]["Variables"])}

    assert key["KeyUsage"] == "GENERATE_VERIFY_MAC"
    assert len(may) == 1
    assert "auditkey" in may.pop().lower().replace("_", "")
    assert told == {"audit-seal"}


def test_the_key_is_asked_within_the_network(trail: Assembly) -> None:
    services = [text(one["ServiceName"]) for _, one in trail.resources("AWS::EC2::VPCEndpoint")]

    assert any(service.endswith(".kms") for service in services)


def test_nothing_in_the_vault_is_replaced_or_deleted_before_its_time(trail: Assembly) -> None:
    [(logical, vault)] = [
        (name, one)
        for name, one in trail.resources("AWS::S3::Bucket", stack="objects")
        if text(one.get("BucketName", "")).endswith("-audit")
    ]
    lock = vault["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    rules = {rule["Prefix"]: rule["ExpirationInDays"] for rule in vault["LifecycleConfiguration"]["Rules"]}

    assert (vault["ObjectLockEnabled"], vault["VersioningConfiguration"]["Status"]) == (True, "Enabled")
    assert (lock["Mode"], lock["Days"]) == ("COMPLIANCE", 775)
    assert rules == {"heads/": 775, "entries/": 589}
    assert trail.templates["objects"]["Resources"][logical]["DeletionPolicy"] == "Retain"


def test_nobody_who_uses_the_vault_may_delete_from_it(trail: Assembly) -> None:
    actions = {
        action
        for _, one in trail.resources("AWS::IAM::Policy", stack="access")
        for statement in one["PolicyDocument"]["Statement"]
        if "-audit" in text(statement.get("Resource", "")) and "s3:" in text(statement["Action"])
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }

    assert "s3:PutObject" in actions
    assert not [action for action in actions if "Delete" in action or "Bypass" in action]


def test_a_trail_that_nobody_seals_is_an_alarm_and_so_is_silence(prod: Assembly) -> None:
    [alarm] = [
        one for _, one in prod.resources("AWS::CloudWatch::Alarm") if one["AlarmName"].endswith("audit-unsealed")
    ]

    assert (alarm["MetricName"], alarm["Threshold"], alarm["TreatMissingData"]) == ("UnsealedAge", 300, "breaching")


def _is_told(variables: dict[str, object]) -> bool:
    return text(variables.get("STORMCOM_AUDIT_KEY", "")).startswith("kms:")
