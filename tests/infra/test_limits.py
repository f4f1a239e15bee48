"""What AWS does not raise: 500 resources a stack, 300 integrations an HTTP API, 1,000 roles an account."""

import pytest

from infra.stacks.api import MOST_INTEGRATIONS, TooManyIntegrations, integrations
from infra.stages import STAGES
from shared.core.topology import Topology
from tests.infra.assembly import Assembly
from tests.infra.conftest import Synthesize
from tests.infra.topologies import a_large_topology

MOST_RESOURCES = 400  # of 500 a stack; the rest is room to act in
MOST_ROLES = 30  # a stage; an account has 1,000


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_every_stack_of_the_committed_topology_has_room(
    stage: str, committed: Topology, synthesized: Synthesize, capsys: pytest.CaptureFixture[str]
) -> None:
    assembly = synthesized(STAGES[stage], committed, checked=True)

    _print_room(f"{stage}, committed", assembly, committed, capsys)
    assert max(assembly.counts().values()) <= MOST_RESOURCES
    assert max(integrations(committed, STAGES[stage]).values()) <= MOST_INTEGRATIONS


def test_two_hundred_endpoints_have_room(large: Assembly, capsys: pytest.CaptureFixture[str]) -> None:
    topology = a_large_topology()

    _print_room("prod, 200 endpoints", large, topology, capsys)

    assert len(large.functions()) == 200 + 20 + 10 + 1  # endpoints, consumers, schedules, the migration
    assert max(large.counts().values()) <= MOST_RESOURCES
    assert integrations(topology, STAGES["prod"]) == {"merchant": 160, "storefront": 40}
    assert len(list(large.resources("AWS::IAM::Role"))) <= MOST_ROLES


def test_an_audience_that_outgrows_its_api_is_refused_with_a_way_out(synthesized: Synthesize) -> None:
    too_many = a_large_topology(301)  # four in five are the merchant's: 240

    assert integrations(too_many, STAGES["prod"])["merchant"] == 240
    with pytest.raises(TooManyIntegrations, match=r'Declare an audience of its own .* granularity="domain"'):
        synthesized(STAGES["prod"], a_large_topology(302))


def _print_room(what: str, assembly: Assembly, topology: Topology, capsys: pytest.CaptureFixture[str]) -> None:
    counts = sorted(assembly.counts().items(), key=lambda one: -one[1])
    stage = STAGES["dev" if "dev" in what else "prod"]
    with capsys.disabled():
        largest = ", ".join(f"{name} {count}" for name, count in counts[:4])
        print(f"\n{what}: {largest} of {MOST_RESOURCES} resources; integrations {integrations(topology, stage)}")  # noqa: T201 -- figures to watch
