"""How any of our code becomes a Lambda function: the runtime, the network, the environment, the log group.

Code and layer are the same two files for all functions; a heavy library that few need is a layer more for these. Every
stack has layer versions of its own, made from the one file: a version shared between stacks could not be replaced while
another stack stands on it.

Only a real account proves SnapStart: that a restored environment opens its database connection anew (none is open when
the snapshot is taken, since importing connects to nothing), what a restore costs, and that it is shorter than a start.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import AssetHashType, Duration, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from infra.assets import Asset
from infra.stacks import retention
from infra.stacks.acknowledgements import acknowledge
from infra.stacks.network import Network
from infra.stages import Stage

RUNTIME = lambda_.Runtime.PYTHON_3_13
ARCHITECTURE = lambda_.Architecture.ARM_64


@dataclass(frozen=True, kw_only=True)
class Shipment:
    """What is deployed into a stage this time: our code, and what it depends on."""

    code: Asset
    layer: Asset
    layers: Mapping[str, Asset]  # what only some functions get, by the word that brings it


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What every function of a stage stands on."""

    stage: Stage
    network: Network
    shipment: Shipment


@dataclass(frozen=True, kw_only=True)
class Blueprint:
    """One function, as it is to be."""

    name: str
    handler: str
    memory: int  # MB; CPU comes with it
    timeout: int  # seconds
    role: iam.IRole
    environment: Mapping[str, str]
    group: ec2.ISecurityGroup | None = None  # the party that it is in the network; an ordinary function's unless said
    snap_start: bool = False
    layers: tuple[str, ...] = ()  # besides the one that every function has


def _file(asset: Asset) -> lambda_.Code:
    return lambda_.Code.from_asset(str(asset.path), asset_hash=asset.digest, asset_hash_type=AssetHashType.CUSTOM)


def acknowledge_runtime(function: lambda_.Function) -> None:
    """Say why the function does not run on the newest Python."""
    acknowledge(
        function,
        "AwsSolutions-L1",
        because="The project is written and tested for Python 3.13, which AWS maintains.",
        until="The move of the whole project to a newer Python.",
    )


class Functions:
    """Makes the functions of one stack."""

    def __init__(self, stack: Stack, ground: Ground) -> None:
        """Prepare the stack's layer version and code."""
        self._stack = stack
        self._stage = ground.stage
        self._network = ground.network
        self._code = _file(ground.shipment.code)
        self._assets = ground.shipment.layers
        self._layer = self._version("Dependencies", ground.shipment.layer, "What every function stands on.")
        self._layers: dict[str, lambda_.LayerVersion] = {}

    def add(self, wanted: Blueprint) -> lambda_.Function:
        """Add a function with its log group."""
        function = lambda_.Function(
            self._stack,
            wanted.name,
            function_name=self._stage.function_named(wanted.name),
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            handler=wanted.handler,
            code=self._code,
            layers=[self._layer, *map(self._extra, wanted.layers)],
            memory_size=wanted.memory,
            timeout=Duration.seconds(wanted.timeout),
            reserved_concurrent_executions=self._stage.reserved_concurrency.get(wanted.name),
            role=wanted.role,
            environment=dict(wanted.environment),
            vpc=self._network.vpc,
            vpc_subnets=self._network.for_functions,
            security_groups=[wanted.group or self._network.functions],
            tracing=lambda_.Tracing.ACTIVE,
            log_group=log_group(self._stack, self._stage, wanted.name),
            logging_format=lambda_.LoggingFormat.JSON,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if wanted.snap_start else None,
        )
        acknowledge_runtime(function)
        return function

    def _extra(self, word: str) -> lambda_.LayerVersion:
        if word not in self._layers:
            self._layers[word] = self._version(f"For-{word}", self._assets[word], f"What {word} need besides.")
        return self._layers[word]

    def _version(self, name: str, asset: Asset, description: str) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self._stack,
            name,
            code=_file(asset),
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[ARCHITECTURE],
            description=description,
        )


def log_group(stack: Stack, stage: Stage, function: str) -> logs.LogGroup:
    """Add the log group of a function, which keeps its lines as long as the stage says."""
    return logs.LogGroup(
        stack,
        f"{function}-log",
        log_group_name=stage.logs + function,
        retention=retention.of(stage.log_days),
        removal_policy=RemovalPolicy.DESTROY,
    )
