"""Logs, metrics and traces, by Powertools, in the form that CloudWatch and X-Ray take; one correlation id through all.

One line a request or message. No personal data, no secrets. Metrics are EMF lines on standard output: no call.
The tracer is imported only where tracing is on, since its library is slow to load.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from shared.core import context


@lru_cache(maxsize=1)
def logger() -> Logger:
    """Return the process's structured logger."""
    return Logger(service="stormcom", utc=True)


def log_outcome(outcome: str, *, name: str, milliseconds: float, **facts: object) -> None:
    """Write the one line of a request or message and its metrics: how long it took, and whether it was our fault."""
    scope = context.current()
    line: dict[str, Any] = {
        "function": name,
        "outcome": outcome,
        "duration_ms": round(milliseconds, 1),
        "correlation_id": scope.correlation_id,
        "store_id": str(scope.store_id) if scope.store_id else None,
        **facts,
    }
    logger().info(f"{name} {outcome}", extra=line)
    if os.environ.get("AWS_LAMBDA_FUNCTION_NAME"):
        failures = float(outcome == "failed")
        values = {"Duration": (MetricUnit.Milliseconds, milliseconds), "Failures": (MetricUnit.Count, failures)}
        _emit(name, values)


def measure(service: str, metric: str, value: float, unit: MetricUnit) -> None:
    """Write one metric, in the cloud; a laptop has nobody who would read it."""
    if os.environ.get("AWS_LAMBDA_FUNCTION_NAME"):
        _emit(service, {metric: (unit, value)})


def _emit(service: str, values: Mapping[str, tuple[MetricUnit, float]]) -> None:
    metrics = Metrics(namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "StormCom"), service=service)
    for name, (unit, value) in values.items():
        metrics.add_metric(name, unit, value)
    metrics.flush_metrics()


@contextmanager
def traced(name: str) -> Iterator[None]:
    """Put the block into the X-Ray trace as a subsegment, where this invocation is sampled."""
    if "Sampled=1" not in os.environ.get("_X_AMZN_TRACE_ID", ""):
        yield
        return
    from aws_lambda_powertools import Tracer  # noqa: PLC0415 -- loads the X-Ray SDK, 150 ms

    with Tracer(service="stormcom", auto_patch=False).provider.in_subsegment(name) as segment:
        segment.put_annotation("correlation_id", context.current().correlation_id)
        yield
