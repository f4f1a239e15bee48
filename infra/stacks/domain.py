"""One domain's functions, and what calls each: a route, a queue, or a schedule. A stack a domain, for 500 resources.

A function costs four or five resources here, two more with SnapStart: itself, its log group, its alarm, and what
calls it. API Gateway calls by a role, so that no function needs a permission of its own.

With `granularity: endpoint` a function serves the one route that its `STORMCOM_FUNCTION` names; with `domain` one
function serves all routes of an Api, at the largest memory and the longest timeout that any of them asks for. The
handler is the same, so this is the stage's decision alone.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from aws_cdk import Aws, Stack
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.stacks import objects
from infra.stacks.access import Access, Grants, grants
from infra.stacks.acknowledgements import acknowledge
from infra.stacks.api import Apis
from infra.stacks.data import APPLICATION, Data
from infra.stacks.edge import Edge, origin_secret
from infra.stacks.functions import Blueprint, Functions, Ground
from infra.stages import Stage
from infra.uses import USES
from shared.core.topology import Consumer, Endpoint, Schedule, Topology

GATEWAY_WAITS = 29  # seconds; API Gateway gives up at 30
METRICS = "StormCom"  # CloudWatch namespace; each stage has its own below it


class WontAnswerInTime(ValueError):
    """An endpoint may take longer than API Gateway waits for it."""


@dataclass(frozen=True, kw_only=True)
class House:
    """What every domain's stack stands on."""

    ground: Ground
    topology: Topology
    data: Data
    access: Access
    apis: Apis
    edge: Edge

    def environment(self, words: Grants) -> dict[str, str]:
        """Return what every function is told, and what its grants add."""
        told = {
            "STORMCOM_STAGE": self.ground.stage.name,
            "STORMCOM_DATABASE_URL": self.data.url(APPLICATION),
            "STORMCOM_DATABASE_AUTH": "iam",
            "STORMCOM_DATABASE_TLS": "true",
            "STORMCOM_QUEUE_PREFIX": f"https://sqs.{Aws.REGION}.{Aws.URL_SUFFIX}/{Aws.ACCOUNT_ID}/{self.ground.stage.prefix}-",
            "STORMCOM_KEYS": f"secret:{self.data.store_keys.secret_arn}",
            "STORMCOM_OBJECTS": f"s3:{objects.prefix(self.ground.stage)}",
            "STORMCOM_PUBLIC_URL": self.edge.url,
            "STORMCOM_EDGE_DISTRIBUTION": self.edge.distribution_id,
            "POWERTOOLS_METRICS_NAMESPACE": metrics_of(self.ground.stage),
            "POWERTOOLS_LOG_LEVEL": "INFO",
        }
        if self.ground.stage.storefront_domain:
            told["STORMCOM_STOREFRONT_DOMAIN"] = self.ground.stage.storefront_domain
        if any(USES[word].seals for word in words):
            told["STORMCOM_AUDIT_KEY"] = f"kms:{self.data.audit_key.key_arn}"
        if any(USES[word].issuers for word in words):
            told["STORMCOM_ISSUERS"] = f"secret:{self.data.issuers.secret_arn}"
        if any(USES[word].subscriptions for word in words):
            told["STORMCOM_SUBSCRIPTIONS"] = json.dumps(self.topology.subscriptions, sort_keys=True)
        return told


def metrics_of(stage: Stage) -> str:
    """Return the namespace of a stage's own metrics; stages share an account."""
    return f"{METRICS}/{stage.name}"


@dataclass(frozen=True, kw_only=True)
class Server:
    """One function that serves one or more routes of an audience."""

    name: str
    handler: str
    audience: str
    memory: int
    timeout: int
    words: Grants
    routes: tuple[Endpoint, ...]
    alone: bool  # serves one route, which its environment names


def servers(endpoints: Iterable[Endpoint], stage: Stage) -> Iterator[Server]:
    """Yield the functions that serve these endpoints, as the stage's granularity has it.

    Raises:
        WontAnswerInTime: an endpoint's timeout is longer than the gateway's.
    """
    groups: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints:
        if endpoint.timeout > GATEWAY_WAITS:
            message = f"{endpoint.name} may take {endpoint.timeout} s; API Gateway waits {GATEWAY_WAITS} s at most."
            raise WontAnswerInTime(message)
        alone = stage.granularity == "endpoint"
        groups.setdefault(endpoint.name if alone else _api_name(endpoint), []).append(endpoint)
    for name, routes in groups.items():
        yield Server(
            name=name,
            handler=routes[0].handler,
            audience=routes[0].audience,
            memory=max(one.memory for one in routes),
            timeout=max(one.timeout for one in routes),
            words=grants(word for one in routes for word in one.uses),
            routes=tuple(routes),
            alone=stage.granularity == "endpoint",
        )


def _api_name(endpoint: Endpoint) -> str:
    _, domain, module, _ = endpoint.handler.split(".")
    return f"{domain}-{module.replace('_', '-')}"


class Domain(Stack):
    """The functions of one domain."""

    def __init__(self, scope: Construct, name: str, *, domain: str, house: House) -> None:
        """Add a function for everything that the topology says of this domain."""
        super().__init__(scope, name, description=f"StormCom: the functions of {domain}.")
        self._house = house
        self._stage = house.ground.stage
        self._roles: dict[Grants, iam.IRole] = {}
        self._functions = Functions(self, house.ground)
        self._alarm_topic = self._topic()
        for server in servers(_of(domain, house.topology.endpoints), self._stage):
            self._serve(server)
        for consumer in _of(domain, house.topology.consumers):
            self._consume(consumer)
        for schedule in _of(domain, house.topology.schedules):
            self._tick(schedule)

    def _serve(self, server: Server) -> None:
        told = {"STORMCOM_ORIGIN_SECRET": origin_secret(self._stage)}
        if server.alone:
            told["STORMCOM_FUNCTION"] = server.name
        target = self._function(server, words=server.words, environment=told)
        integration = gateway.CfnIntegration(
            self,
            f"{server.name}-integration",
            api_id=self._house.apis.ids[server.audience],
            integration_type="AWS_PROXY",
            integration_uri=target.function_arn,
            payload_format_version="2.0",
            credentials_arn=self._house.access.gateway.role_arn,
            timeout_in_millis=30_000,
        )
        for route in server.routes:
            declared = gateway.CfnRoute(
                self,
                f"{route.name}-route",
                api_id=self._house.apis.ids[route.audience],
                route_key=f"{route.method} {route.path}",
                authorization_type="NONE",
                target=f"integrations/{integration.ref}",
            )
            acknowledge(
                declared,
                "AwsSolutions-APIG4",
                because=f"The route class checks the permission {route.permission} before anything else runs."
                if route.permission
                else f"Open to everybody, as its declaration says: {route.public}",
                until="An authorizer of API Gateway's own that knows stores and tokens.",
            )

    def _consume(self, consumer: Consumer) -> None:
        words = grants(consumer.uses, consumes=True)
        target = self._function(consumer, words=words)
        lambda_.EventSourceMapping(
            self,
            f"{consumer.name}-from-{consumer.queue}",
            target=target,
            event_source_arn=self.format_arn(service="sqs", resource=self._stage.named(consumer.queue)),
            batch_size=consumer.batch,
            report_batch_item_failures=True,
            max_concurrency=consumer.concurrency,
        )

    def _tick(self, schedule: Schedule) -> None:
        target = self._function(schedule, words=grants(schedule.uses))
        scheduler.CfnSchedule(
            self,
            f"{schedule.name}-schedule",
            name=self._stage.named(schedule.name),
            schedule_expression=schedule.expression,
            schedule_expression_timezone="UTC",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=target.function_arn,
                role_arn=self._house.access.scheduler.role_arn,
                input=_tick_event(),
                # A missed beat is caught up by the next one; a late one would only meet it.
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_retry_attempts=0, maximum_event_age_in_seconds=60
                ),
            ),
        )

    def _function(
        self, one: Server | Consumer | Schedule, *, words: Grants, environment: Mapping[str, str] | None = None
    ) -> lambda_.IFunction:
        function = self._functions.add(
            Blueprint(
                name=one.name,
                handler=one.handler,
                memory=one.memory,
                timeout=one.timeout,
                role=self._role(words),
                environment={**self._house.environment(words), **(environment or {})},
                snap_start=self._stage.snap_start,
                layers=tuple(sorted({layer for word in words if (layer := USES[word].layer)})),
            )
        )
        self._alarm(one.name, function)
        if not self._stage.snap_start:
            return function
        return lambda_.Alias(self, f"{one.name}-live", alias_name="live", version=function.current_version)

    def _role(self, words: Grants) -> iam.IRole:
        if words not in self._roles:
            # Read-only here: what a role may do is decided in the access stack, not by what a construct adds to it.
            arn = self._house.access.role(words).role_arn
            spelled = "-".join(sorted(words)) or "database"
            self._roles[words] = iam.Role.from_role_arn(self, f"Uses-{spelled}", arn, mutable=False)
        return self._roles[words]

    def _topic(self) -> sns.ITopic | None:
        if self._stage.alarms_to is None:
            return None
        arn = self.format_arn(service="sns", resource=self._stage.named("alarms"))
        return sns.Topic.from_topic_arn(self, "Alarms", arn)

    def _alarm(self, name: str, function: lambda_.Function) -> None:
        if self._alarm_topic is None:
            return
        trouble = cloudwatch.MathExpression(
            expression="errors + throttles",
            using_metrics={
                "errors": function.metric_errors(statistic="Sum"),
                "throttles": function.metric_throttles(statistic="Sum"),
            },
            label="Errors and throttles",
        )
        alarm = trouble.create_alarm(
            self,
            f"{name}-alarm",
            alarm_name=self._stage.named(f"{name}-fails"),
            alarm_description=f"{name} crashed, ran out of time, or was throttled. Its log: {self._stage.logs}{name}",
            threshold=0,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self._alarm_topic))


def _of[T: (Endpoint, Consumer, Schedule)](domain: str, declared: Iterable[T]) -> Iterator[T]:
    return (one for one in declared if one.domain == domain)


def _tick_event() -> str:
    # The shape of an EventBridge rule's event, which the local scheduler sends too; AWS fills in the brackets.
    event = {
        "version": "0",
        "id": "<aws.scheduler.execution-id>",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "time": "<aws.scheduler.scheduled-time>",
        "resources": ["<aws.scheduler.schedule-arn>"],
        "detail": {},
    }
    return json.dumps(event)
