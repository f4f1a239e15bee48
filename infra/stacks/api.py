"""One HTTP API for each audience: merchant, storefront, platform.

An HTTP API takes 300 integrations and no ticket moves that limit, so the audiences have one each; and each can be
throttled, watched and cached by itself. The domains' stacks hang their routes into these. Who may call is decided by
the route class (credential, store, permission), which every route goes through; an authorizer would be a second
Lambda and a second place for the same rule.
"""

import json

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.stacks import retention
from infra.stages import Stage
from shared.core.topology import Topology

MOST_INTEGRATIONS = 240  # of the 300 that an HTTP API takes; the rest is room to act in

_ACCESS_LOG = {
    "request": "$context.requestId",
    "at": "$context.requestTimeEpoch",
    "route": "$context.routeKey",
    "status": "$context.status",
    "milliseconds": "$context.responseLatency",
    "function_milliseconds": "$context.integrationLatency",
    "bytes": "$context.responseLength",
    "error": "$context.error.message",
    "function_error": "$context.integrationErrorMessage",
}


class TooManyIntegrations(ValueError):
    """An audience has more functions than one HTTP API takes."""


class Apis(Stack):
    """The HTTP APIs of a stage; `ids` says each audience's."""

    def __init__(self, scope: Construct, name: str, *, stage: Stage, topology: Topology) -> None:
        """Set up an API for each audience that the topology has.

        Raises:
            TooManyIntegrations: more functions than fit one API; the message says what to do.
        """
        super().__init__(scope, name, description="StormCom: an HTTP API for each audience.")
        self._stage = stage
        for audience, number in integrations(topology, stage).items():
            if number > MOST_INTEGRATIONS:
                message = (
                    f"The {audience} API would have {number} integrations; {MOST_INTEGRATIONS} is the most here, and "
                    "300 the most that AWS takes. Declare an audience of its own for some of its Apis, or give the "
                    'stage granularity="domain".'
                )
                raise TooManyIntegrations(message)
        self.ids = {audience: self._api(audience) for audience in sorted({one.audience for one in topology.endpoints})}

    def host(self, audience: str) -> str:
        """Return the host name at which AWS serves an audience's API."""
        return f"{self.ids[audience]}.execute-api.{self.region}.{self.url_suffix}"

    def _api(self, audience: str) -> str:
        api = gateway.CfnApi(
            self,
            audience,
            name=self._stage.named(audience),
            protocol_type="HTTP",
            description=f"What the {audience} calls.",
        )
        log = logs.LogGroup(
            self,
            f"{audience}-log",
            log_group_name=f"{self._stage.logs}api/{audience}",
            retention=retention.of(self._stage.log_days),
            removal_policy=RemovalPolicy.DESTROY,
        )
        gateway.CfnStage(
            self,
            f"{audience}-stage",
            api_id=api.ref,
            stage_name="$default",
            auto_deploy=True,
            access_log_settings=gateway.CfnStage.AccessLogSettingsProperty(
                destination_arn=log.log_group_arn, format=json.dumps(_ACCESS_LOG)
            ),
            default_route_settings=gateway.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=self._stage.requests_per_second, throttling_burst_limit=self._stage.burst
            ),
        )
        self.export_value(api.ref)  # see network.py: an export must not come and go with its readers
        return api.ref


def integrations(topology: Topology, stage: Stage) -> dict[str, int]:
    """Return how many integrations each audience's API gets."""
    functions = {
        (one.audience, one.handler if stage.granularity == "domain" else one.name) for one in topology.endpoints
    }
    counted: dict[str, int] = {}
    for audience, _ in sorted(functions):
        counted[audience] = counted.get(audience, 0) + 1
    return counted
