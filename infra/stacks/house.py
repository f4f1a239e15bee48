"""The stacks of a stage, and the order in which they stand on each other."""

import json
import os
from pathlib import Path

from aws_cdk import App, Stack, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from infra.assets import ROOT
from infra.stacks.access import Access
from infra.stacks.api import Apis
from infra.stacks.data import Data
from infra.stacks.domain import Domain, House
from infra.stacks.edge import Edge
from infra.stacks.firewall import Firewall
from infra.stacks.functions import Ground, Shipment
from infra.stacks.messaging import Messaging
from infra.stacks.network import Network
from infra.stacks.objects import Objects
from infra.stacks.observability import Observability
from infra.stacks.release import Release
from infra.stages import PROJECT, Stage
from infra.uses import meanings
from shared.core.topology import Consumer, Endpoint, Schedule, Topology


def build(stage: Stage, topology: Topology, shipment: Shipment, *, outdir: str | None, checked: bool) -> Path:
    """Synthesize every stack of the stage into a folder, and return it.

    Raises:
        RuntimeError: cdk-nag found something that nobody acknowledged (`checked`), or CDK refuses a stack.
    """
    app = App(
        outdir=outdir or os.environ.get("CDK_OUTDIR") or "cdk.out",
        post_cli_context=_settled(),
        analytics_reporting=False,
    )
    if checked:
        Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    functions: tuple[Endpoint | Consumer | Schedule, ...]
    functions = (*topology.endpoints, *topology.consumers, *topology.schedules)
    uses = {use for function in functions for use in meanings(function.uses, function=function.name)}

    network = Network(app, stage.named("network"), stage=stage, uses=uses)
    ground = Ground(stage=stage, network=network, shipment=shipment)
    data = Data(app, stage.named("data"), stage=stage, network=network)
    firewall = Firewall(app, stage.named("firewall"), stage=stage)
    messaging = Messaging(app, stage.named("messaging"), stage=stage, topology=topology)
    access = Access(app, stage.named("access"), stage=stage, topology=topology, data=data)
    apis = Apis(app, stage.named("api"), stage=stage, topology=topology)
    edge = Edge(app, stage.named("edge"), stage=stage, topology=topology, apis=apis)
    edge.add_stack_dependency(firewall)
    objects = Objects(app, stage.named("objects"), stage=stage, distribution_id=edge.distribution_id)
    release = Release(app, stage.named("release"), ground=ground, data=data)
    house = House(ground=ground, topology=topology, data=data, access=access, apis=apis, edge=edge)
    for name in sorted({function.domain for function in functions}):
        domain = Domain(app, stage.named(f"functions-{name}"), domain=name, house=house)
        _after(domain, release, messaging, edge, objects)
    Observability(app, stage.named("observability"), house=house, messaging=messaging)
    for key, value in (("project", PROJECT), ("stage", stage.name)):
        # CDK would tag the proxy's target group too, which CloudFormation does not take.
        Tags.of(app).add(key, value, exclude_resource_types=["AWS::RDS::DBProxyTargetGroup"])
    return Path(app.synth().directory)


def _after(stack: Stack, *earlier: Stack) -> None:
    for one in earlier:
        stack.add_stack_dependency(one)


def _settled() -> dict[str, object]:
    # CDK's own command line reads this from cdk.json; without it, so do we.
    told: dict[str, object] = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    return told
