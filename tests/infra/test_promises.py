"""Each promise (SLO) has an alarm, on a number that the code writes."""

import json

import pytest

from functions.audit import sweep_unsealed
from functions.events import sweep_outbox
from infra.local.events import context
from infra.stacks.observability import AUDIT, DURATION, FAILURES, OUTBOX, OUTBOX_AGE, PROMISES, UNSEALED_AGE
from shared.core import queues, telemetry
from shared.core.topology import Topology
from tests.infra.assembly import Assembly, Resource, text


@pytest.fixture
def cloud(application: None, prod: Assembly, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 -- sweeps a database
    """Tell the process what production's functions are told about metrics; what it sends to queues goes nowhere."""
    [namespace] = {
        one["Environment"]["Variables"]["POWERTOOLS_METRICS_NAMESPACE"]
        for name, one in prod.functions().items()
        if name != "migrations"
    }
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", namespace)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "stormcom-prod-orders-place-order")
    monkeypatch.setattr(queues, "send", lambda _queue, _bodies: None)


def test_each_promise_is_about_an_endpoint_that_there_is(committed: Topology) -> None:
    kept = {promise.about for promise in PROMISES for endpoint in committed.endpoints if promise.covers(endpoint)}

    assert kept == {promise.about for promise in PROMISES}


@pytest.mark.parametrize(
    ("name", "service", "milliseconds"),
    [
        ("orders-place-order-slow", "orders-place-order", 400),
        ("checkout-complete-slow", "checkout-complete", 400),
        ("inventory-adjust-slow", "inventory-adjust", 50),
    ],
)
def test_nineteen_in_twenty_are_as_fast_as_promised(prod: Assembly, name: str, service: str, milliseconds: int) -> None:
    alarm = _alarms(prod)[name]

    assert (alarm["Namespace"], alarm["MetricName"], alarm["ExtendedStatistic"]) == ("StormCom/prod", "Duration", "p95")
    assert alarm["Dimensions"] == [{"Name": "service", "Value": service}]
    assert alarm["Threshold"] == milliseconds


@pytest.mark.parametrize("audience", ["merchant", "platform", "storefront"])
def test_fewer_than_one_request_in_two_hundred_fails_by_our_fault(prod: Assembly, audience: str) -> None:
    alarm = _alarms(prod)[f"{audience}-server-errors"]

    assert alarm["Threshold"] == 0.5
    metrics = {one["MetricStat"]["Metric"]["MetricName"] for one in alarm["Metrics"] if "MetricStat" in one}
    assert metrics == {"5xx", "Count"}


def test_an_outbox_that_nobody_empties_is_an_alarm_and_so_is_silence(prod: Assembly) -> None:
    alarm = _alarms(prod)["events-wait"]

    assert (alarm["MetricName"], alarm["Threshold"], alarm["TreatMissingData"]) == ("OutboxAge", 90, "breaching")


def test_every_alarm_tells_somebody_and_says_what_it_means(prod: Assembly) -> None:
    alarms = [one for _, one in prod.resources("AWS::CloudWatch::Alarm")]

    assert len(alarms) > 30
    assert all(one["AlarmDescription"] and "arms" in text(one["AlarmActions"]) for one in alarms)


@pytest.mark.usefixtures("cloud")
def test_the_numbers_that_the_alarms_and_the_dashboard_read_are_those_that_the_code_writes(
    capsys: pytest.CaptureFixture[str], prod: Assembly
) -> None:
    telemetry.log_outcome("answered", name="orders-place-order", milliseconds=12.5)
    sweep_outbox.handler({}, context("stormcom-prod-events-sweep-outbox"))
    sweep_unsealed.handler({}, context("stormcom-prod-audit-sweep-unsealed"))

    written = _written(capsys.readouterr().out)
    assert {
        ("StormCom/prod", "service", "orders-place-order", DURATION, "Milliseconds"),
        ("StormCom/prod", "service", "orders-place-order", FAILURES, "Count"),
        ("StormCom/prod", "service", OUTBOX, OUTBOX_AGE, "Seconds"),
        ("StormCom/prod", "service", AUDIT, UNSEALED_AGE, "Seconds"),
    } <= written
    read = {_read(alarm) for alarm in _alarms(prod).values() if alarm.get("Namespace") == "StormCom/prod"}
    assert ("StormCom/prod", "service", "orders-place-order", DURATION) in read
    assert {metric for _, _, _, metric in read} == {DURATION, OUTBOX_AGE, UNSEALED_AGE}
    assert ("StormCom/prod", "service", OUTBOX, OUTBOX_AGE) in read
    searched = 'SEARCH(\'{\\"StormCom/prod\\",service} MetricName=\\"Failures\\"\''
    assert searched in text(prod.one("AWS::CloudWatch::Dashboard")["DashboardBody"])


def test_the_dashboard_shows_the_promises_the_queues_and_the_pinned_connections(prod: Assembly) -> None:
    shown = text(prod.one("AWS::CloudWatch::Dashboard")["DashboardBody"])

    for wanted in ("Placing an order", "Dead letters", "DatabaseConnectionsCurrentlySessionPinned", "OutboxAge"):
        assert wanted in shown
    assert 'SEARCH(\'{\\"AWS/Lambda\\",FunctionName} MetricName=' in shown


def _alarms(assembly: Assembly) -> dict[str, Resource]:
    return {
        one["AlarmName"].split("-", 2)[2]: one
        for _, one in assembly.resources("AWS::CloudWatch::Alarm", stack="observability")
    }


def _written(output: str) -> set[tuple[str, str, str, str, str]]:
    """Return namespace, dimension, its value, metric and unit of all that was written in CloudWatch's own format."""
    lines = [json.loads(line) for line in output.splitlines() if '"_aws"' in line]
    return {
        (kind["Namespace"], dimension, line[dimension], metric["Name"], metric["Unit"])
        for line in lines
        for kind in line["_aws"]["CloudWatchMetrics"]
        for [dimension] in kind["Dimensions"]
        for metric in kind["Metrics"]
    }


def _read(alarm: Resource) -> tuple[str, str, str, str]:
    [dimension] = alarm["Dimensions"]
    return alarm["Namespace"], dimension["Name"], dimension["Value"], alarm["MetricName"]
