"""Each promise (SLO) has an alarm, on a number that the code writes."""

import re

import pytest

from infra import assets
from infra.stacks.observability import DURATION, OUTBOX_AGE, PROMISES
from shared.core.topology import Topology
from tests.infra.assembly import Assembly, Resource, text


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


def test_the_code_writes_the_numbers_that_the_alarms_read() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (assets.ROOT / "shared" / "core").glob("*.py"))

    for metric in (DURATION, OUTBOX_AGE):
        assert f'"{metric}"' in sources, metric
    assert "POWERTOOLS_METRICS_NAMESPACE" in sources  # else the stages of one account write into each other's numbers


def test_the_dashboard_shows_the_promises_the_queues_and_the_pinned_connections(prod: Assembly) -> None:
    shown = text(prod.one("AWS::CloudWatch::Dashboard")["DashboardBody"])

    for wanted in ("Placing an order", "Dead letters", "DatabaseConnectionsCurrentlySessionPinned", "OutboxAge"):
        assert wanted in shown
    assert re.search(r"SEARCH\('\{AWS/Lambda,FunctionName\} MetricName=", shown)


def _alarms(assembly: Assembly) -> dict[str, Resource]:
    return {
        one["AlarmName"].split("-", 2)[2]: one
        for _, one in assembly.resources("AWS::CloudWatch::Alarm", stack="observability")
    }
