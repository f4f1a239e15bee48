"""Syntheses and assets that the tests share: each is made once a worker."""

from collections.abc import Callable

import pytest

from infra import assets
from infra.app import TOPOLOGY, read_topology, synthesize
from infra.stages import STAGES, Stage
from shared.core.topology import Topology
from tests.infra import runtime_api
from tests.infra.assembly import Assembly
from tests.infra.topologies import a_large_topology, a_topology

type Synthesize = Callable[[Stage, Topology], Assembly]


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Synthesize:
    """Synthesize a topology for a stage, without cdk-nag, which has tests of its own."""

    def make(stage: Stage, topology: Topology) -> Assembly:
        folder = tmp_path_factory.mktemp(stage.name)
        return Assembly(synthesize(stage, topology, outdir=str(folder), checked=False))

    return make


@pytest.fixture(scope="session")
def committed() -> Topology:
    """Read the topology that is deployed."""
    return read_topology(assets.ROOT / TOPOLOGY)


@pytest.fixture(scope="session")
def prod(synthesized: Synthesize) -> Assembly:
    """Synthesize the tests' shop for production."""
    return synthesized(STAGES["prod"], a_topology())


@pytest.fixture(scope="session")
def staging(synthesized: Synthesize) -> Assembly:
    """Synthesize the tests' shop for staging."""
    return synthesized(STAGES["staging"], a_topology())


@pytest.fixture(scope="session")
def dev(synthesized: Synthesize) -> Assembly:
    """Synthesize the tests' shop for a developer."""
    return synthesized(STAGES["dev"], a_topology())


@pytest.fixture(scope="session")
def large(synthesized: Synthesize) -> Assembly:
    """Synthesize a shop of two hundred endpoints for production."""
    return synthesized(STAGES["prod"], a_large_topology())


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> runtime_api.Unpacked:
    """Build asset and layer for this machine and lay them out away from the checkout, as Lambda does."""
    layer = assets.layer(platform=assets.HERE)
    return runtime_api.unpack(assets.code(), layer, tmp_path_factory.mktemp("lambda"))
