"""Syntheses and assets that the tests share: each is made once a run."""

import hashlib
from pathlib import Path
from typing import Protocol

import pytest

from infra import assets
from infra.app import TOPOLOGY, read_topology, synthesize
from infra.stages import STAGES, Stage
from shared.core.topology import Topology
from tests.infra import runtime_api
from tests.infra.assembly import Assembly
from tests.infra.once import Once
from tests.infra.topologies import a_large_topology, a_topology


class Synthesize(Protocol):
    """Synthesizes a topology for a stage; `checked` by cdk-nag, too, which takes its time."""

    def __call__(self, stage: Stage, topology: Topology, *, checked: bool = False) -> Assembly:
        """Return what was written."""


@pytest.fixture(scope="session")
def once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Return where the workers of this run share what they make."""
    return Once.of(request.config, tmp_path_factory)


@pytest.fixture(scope="session")
def synthesized(once: Once) -> Synthesize:
    """Return a maker of syntheses; asked for the same one twice, by whichever worker, it makes one."""

    def make(stage: Stage, topology: Topology, *, checked: bool = False) -> Assembly:
        wanted = hashlib.sha256(f"{stage!r} {checked} {topology.to_json()}".encode()).hexdigest()

        def build(folder: Path) -> None:
            synthesize(stage, topology, outdir=str(folder), checked=checked)

        return Assembly(once.make(f"{stage.name}-{wanted[:16]}", build))

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
def unpacked(once: Once) -> runtime_api.Unpacked:
    """Build asset and layer for this machine and lay them out away from the checkout, as Lambda does."""
    folder = once.make(
        "lambda", lambda folder: runtime_api.unpack(assets.code(), assets.layer(platform=assets.HERE), folder)
    )
    return runtime_api.Unpacked.in_folder(folder)
