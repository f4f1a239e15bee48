"""Logs, metrics and traces: one line, one correlation id, in the forms that CloudWatch and X-Ray take."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from shared.core import context, telemetry


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Stand in for the X-Ray daemon of a Lambda environment whose present invocation is sampled."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", f"127.0.0.1:{receiver.getsockname()[1]}")
        monkeypatch.setenv("LAMBDA_TASK_ROOT", "/var/task")
        trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
        monkeypatch.setenv("_X_AMZN_TRACE_ID", trace)
        yield receiver


def test_a_sampled_invocation_leaves_a_segment_with_its_correlation_id(daemon: socket.socket) -> None:
    with context.entered(context.Context(correlation_id="walk-17")), telemetry.traced("orders-place-order"):
        pass

    segment = json.loads(daemon.recv(65_536).split(b"\n", 1)[1])
    assert (segment["name"], segment["annotations"]) == ("orders-place-order", {"correlation_id": "walk-17"})
    assert segment["trace_id"] == "1-5759e988-bd862e3fe1be46a994272793"


def test_an_outcome_is_one_line_with_who_what_and_how_long() -> None:
    logs = """
from shared.core import context, telemetry
with context.entered(context.Context(correlation_id="walk-18")):
    telemetry.log_outcome("answered", name="orders-place-order", milliseconds=12.34, status=201)
"""

    told = subprocess.run([sys.executable, "-c", logs], capture_output=True, text=True, check=True, env={"PATH": ""})

    line = json.loads(told.stdout)
    facts = {key: line[key] for key in ("function", "outcome", "duration_ms", "correlation_id", "status")}
    assert facts == {
        "function": "orders-place-order",
        "outcome": "answered",
        "duration_ms": 12.3,
        "correlation_id": "walk-18",
        "status": 201,
    }


def test_in_the_cloud_durations_and_failures_are_metrics(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "stormcom-dev-orders-place-order")

    telemetry.log_outcome("failed", name="orders-place-order", milliseconds=12.5)

    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert [(one["service"], one["Duration"], one["Failures"]) for one in metrics] == [
        ("orders-place-order", [12.5], [1.0])
    ]
