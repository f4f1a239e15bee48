"""What an operator looks at, and what wakes one: a dashboard, and an alarm for each promise (SLO).

The promises about single endpoints are found by route, so that whoever serves the route is watched. Their latency is
the one that a function measures around its whole work and writes beside its log line (`shared.core.telemetry`),
whichever way the stage groups functions; API Gateway's own few milliseconds and cold starts come on top, and are on
the dashboard.

Only a real account proves that the numbers arrive; the tests prove that each promise has an alarm on the metric that
the code writes.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from constructs import Construct

from infra.stacks.domain import House, metrics_of
from infra.stacks.messaging import DEAD, Messaging
from infra.stages import Stage
from shared.core.topology import Endpoint

DURATION = "Duration"  # ms of a request or message, by function
FAILURES = "Failures"  # 1 for each request or message that failed by our fault, by function
OUTBOX_AGE = "OutboxAge"  # seconds that the oldest event has waited for the relay
OUTBOX = "outbox"
UNSEALED_AGE = "UnsealedAge"  # seconds that the oldest audit entry is not sealed
AUDIT = "audit"

_FIVE_MINUTES = Duration.minutes(5)


@dataclass(frozen=True, kw_only=True)
class Promise:
    """How fast 95 of 100 requests of a route are answered."""

    about: str
    method: str
    path: str  # a pattern
    milliseconds: int

    def covers(self, endpoint: Endpoint) -> bool:
        """Tell whether the promise is about this endpoint."""
        return endpoint.method == self.method and re.fullmatch(self.path, endpoint.path) is not None


PROMISES = (
    Promise(about="Placing an order", method="POST", path="/api/v1/orders", milliseconds=400),
    Promise(
        about="Completing a checkout",
        method="POST",
        path=r"/api/v1/storefront/checkouts?/(.*/)?complete",
        milliseconds=400,
    ),
    Promise(about="Adjusting stock", method="POST", path=r"/api/v1/inventory/(.*/)?adjust(ments)?", milliseconds=50),
)
SERVER_ERRORS = 0.5  # percent of requests, at most
RELAYED_WITHIN = 90  # seconds after the commit, a lost kick included
SEALED_WITHIN = 300  # seconds after the commit; the sweep comes every minute
FULLY_SCALED = 90  # percent of the database's largest size


class Observability(Stack):
    """The dashboard and the alarms of a stage."""

    def __init__(self, scope: Construct, name: str, *, house: House, messaging: Messaging) -> None:
        """Watch over the promises."""
        super().__init__(scope, name, description="StormCom: the dashboard, and an alarm for each promise.")
        self._stage = house.ground.stage
        self._topology = house.topology
        self._apis = house.apis
        self._data = house.data
        self._topic = messaging.alarms
        if self._topic is not None:
            self._alarms()
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=self._stage.prefix,
            default_interval=Duration.hours(6),
            widgets=[list(row) for row in self._rows()],
        )

    def _alarms(self) -> None:
        for audience, api in self._apis.ids.items():
            self._alarm(
                f"{audience}-server-errors",
                _share_of_server_errors(api),
                above=SERVER_ERRORS,
                means=f"More than {SERVER_ERRORS} % of the {audience}'s requests failed by our fault.",
            )
        for promise, endpoint in self.promised():
            self._alarm(
                f"{endpoint.name}-slow",
                self._own(DURATION, function=endpoint.name, statistic="p95"),
                above=promise.milliseconds,
                means=f"{promise.about} takes more than {promise.milliseconds} ms for one in twenty.",
            )
        self._alarm(
            "events-wait",
            self._own(OUTBOX_AGE, function=OUTBOX, statistic="Maximum", period=Duration.minutes(1)),
            above=RELAYED_WITHIN,
            means=f"An event has waited for more than {RELAYED_WITHIN} s, or the sweep that measures it has stopped.",
            # The sweep says a number every minute, a zero too: silence is the worst news.
            missing=cloudwatch.TreatMissingData.BREACHING,
        )
        self._alarm(
            "audit-unsealed",
            self._own(UNSEALED_AGE, function=AUDIT, statistic="Maximum", period=Duration.minutes(1)),
            above=SEALED_WITHIN,
            means=f"An audit entry has been unsealed for more than {SEALED_WITHIN} s, or the sweep has stopped.",
            missing=cloudwatch.TreatMissingData.BREACHING,
        )
        self._alarm(
            "database-at-its-limit",
            self._data.cluster.metric("ACUUtilization", statistic="Average", period=_FIVE_MINUTES),
            above=FULLY_SCALED,
            means="The database is near the largest size that infra/stages.py lets it grow to.",
        )

    def promised(self) -> Iterator[tuple[Promise, Endpoint]]:
        """Yield each promise with the endpoint that it is about, where this topology has it."""
        for promise in PROMISES:
            for endpoint in self._topology.endpoints:
                if promise.covers(endpoint):
                    yield promise, endpoint

    def _rows(self) -> Iterator[Iterable[cloudwatch.IWidget]]:
        yield [
            _graph(
                f"{audience}: requests and failures", [_of_api(api, "Count"), _of_api(api, "4xx"), _of_api(api, "5xx")]
            )
            for audience, api in self._apis.ids.items()
        ]
        yield [
            _graph(
                f"{audience}: latency (ms)",
                [_of_api(api, "Latency", statistic) for statistic in ("p50", "p95", "p99")],
            )
            for audience, api in self._apis.ids.items()
        ]
        yield [
            _graph(
                f"{promise.about}: {promise.milliseconds} ms promised",
                [self._own(DURATION, function=endpoint.name, statistic=statistic) for statistic in ("p50", "p95")],
            )
            for promise, endpoint in self.promised()
        ]
        yield [
            _search("Waiting messages", "AWS/SQS", "QueueName", "ApproximateAgeOfOldestMessage", self._stage.prefix),
            _search(
                "Dead letters",
                "AWS/SQS",
                "QueueName",
                "ApproximateNumberOfMessagesVisible",
                f"{self._stage.prefix} {DEAD[1:]}",
            ),
            _graph("Age of the outbox (s)", [self._own(OUTBOX_AGE, function=OUTBOX, statistic="Maximum")]),
        ]
        yield [
            # A message of a batch that fails is no error of its function, and neither is an answer of 500.
            _search("Functions: failed requests and messages", metrics_of(self._stage), "service", FAILURES, "", "Sum"),
            _search("Functions: errors", "AWS/Lambda", "FunctionName", "Errors", self._stage.prefix),
            _search("Functions: throttles", "AWS/Lambda", "FunctionName", "Throttles", self._stage.prefix),
            _search("Functions at once", "AWS/Lambda", "FunctionName", "ConcurrentExecutions", self._stage.prefix),
        ]
        cluster = self._data.cluster
        yield [
            _graph(
                "Database: capacity (ACU) and connections",
                [cluster.metric("ServerlessDatabaseCapacity"), cluster.metric_database_connections()],
            ),
            _graph("Database: commit latency (ms)", [cluster.metric("CommitLatency")]),
            _graph("Database: deadlocks", [cluster.metric_deadlocks()]),
            _graph(
                "Proxy: connections, and those pinned to a client",
                [
                    _of_proxy(self._stage, "ClientConnections"),
                    _of_proxy(self._stage, "DatabaseConnections"),
                    _of_proxy(self._stage, "DatabaseConnectionsCurrentlySessionPinned"),
                ],
            ),
        ]

    def _own(self, name: str, *, function: str, statistic: str, period: Duration = _FIVE_MINUTES) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=metrics_of(self._stage),
            metric_name=name,
            dimensions_map={"service": function},
            statistic=statistic,
            period=period,
        )

    def _alarm(
        self,
        name: str,
        metric: cloudwatch.Metric | cloudwatch.MathExpression,
        *,
        above: float,
        means: str,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    ) -> None:
        alarm = metric.create_alarm(
            self,
            name,
            alarm_name=self._stage.named(name),
            alarm_description=means,
            threshold=above,
            evaluation_periods=3,  # two bad of three: one slow start in the night wakes nobody
            datapoints_to_alarm=2,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            treat_missing_data=missing,
        )
        if self._topic is not None:
            alarm.add_alarm_action(actions.SnsAction(self._topic))


def _share_of_server_errors(api: str) -> cloudwatch.MathExpression:
    return cloudwatch.MathExpression(
        # Below twenty requests one failure would be more than the promise, and says little.
        expression="IF(requests > 20, 100 * failures / requests, 0)",
        using_metrics={"failures": _of_api(api, "5xx"), "requests": _of_api(api, "Count")},
        label="Server errors (%)",
        period=_FIVE_MINUTES,
    )


def _of_api(api: str, name: str, statistic: str = "Sum") -> cloudwatch.Metric:
    if name == "Count":
        statistic = "SampleCount"
    return cloudwatch.Metric(
        namespace="AWS/ApiGateway",
        metric_name=name,
        dimensions_map={"ApiId": api},
        statistic=statistic,
        period=_FIVE_MINUTES,
        label=f"{name} {statistic}",
    )


def _of_proxy(stage: Stage, name: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/RDS",
        metric_name=name,
        dimensions_map={"ProxyName": stage.named("proxy")},
        statistic="Maximum",
        period=Duration.minutes(1),
    )


def _graph(title: str, metrics: list[cloudwatch.IMetric]) -> cloudwatch.IWidget:
    return cloudwatch.GraphWidget(title=title, left=metrics, width=8, height=6)


def _search(  # noqa: PLR0913, PLR0917 -- the parts of one search, in its own order
    title: str, namespace: str, dimension: str, metric: str, name: str, statistic: str = "Maximum"
) -> cloudwatch.IWidget:
    # A search finds the queues and functions of tomorrow too, and a dashboard has no limit of its own on them.
    wanted = f'{{"{namespace}",{dimension}}} MetricName="{metric}" {name}'.rstrip()
    found = f"SEARCH('{wanted}', '{statistic}', 60)"
    return cloudwatch.GraphWidget(
        title=title,
        left=[cloudwatch.MathExpression(expression=found, label="", using_metrics={}, period=Duration.minutes(1))],
        width=8,
        height=6,
    )
