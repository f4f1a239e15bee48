"""Logs, metrics and traces, by Powertools, in the form that CloudWatch and X-Ray take; one correlation id through all.

One line a request or message. No personal data, no secrets. Metrics are EMF lines on standard output: no call.
The tracer is imported only where tracing is on, since its library is slow to load.
"""

import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import MetricUnit

from shared.core import context


@lru_cache(maxsize=1)
def logger() -> Logger:
    """Return the process's structured logger."""
    # No line tells of threads and processes: logging need not look them up for each.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    return Logger(service=_SERVICE, logger_formatter=_Formatter(utc=True))


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
    lines = _lines()
    if lines.isEnabledFor(logging.INFO):  # past `info`, which would look for its caller on the stack
        lines.handle(_Outcome(f"{name} {outcome}", line))
    if os.environ.get("AWS_LAMBDA_FUNCTION_NAME"):
        failures = float(outcome == "failed")
        values = {"Duration": (MetricUnit.Milliseconds, milliseconds), "Failures": (MetricUnit.Count, failures)}
        _emit(name, values)


@lru_cache(maxsize=1)
def _lines() -> logging.Logger:
    logger()  # which sets it up
    return logging.getLogger(_SERVICE)


class _Outcome(logging.LogRecord):
    """The record of a request's or message's one line, whose facts are known as a whole."""

    def __init__(self, message: str, facts: Mapping[str, Any]) -> None:
        super().__init__(_SERVICE, logging.INFO, __file__, 0, message, None, None, "log_outcome")
        self.facts = facts


class _Formatter(LambdaPowertoolsFormatter):
    """Powertools' format; an outcome is written at once, where Powertools would look at each attribute of a record."""

    def format(self, record: logging.LogRecord) -> str:
        if not isinstance(record, _Outcome):
            return super().format(record)
        line = {
            "level": record.levelname,
            "message": record.msg,
            "timestamp": f"{_second(int(record.created))},{int(record.msecs):03d}+0000",
            "service": _SERVICE,
            **record.facts,
            "xray_trace_id": self._get_latest_trace_id(),
        }
        return _as_json({name: value for name, value in line.items() if value is not None})


_SERVICE = "stormcom"
_as_json = json.JSONEncoder(default=str, ensure_ascii=False, separators=(",", ":")).encode


@lru_cache(maxsize=1)
def _second(second: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(second))


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
