"""The whole cloud of one stage, synthesized without an account, Docker or a system Node.

`cdk deploy --all -c stage=NAME` runs this through cdk.json; `python -m infra.app -c stage=NAME [-o FOLDER]` does the
same without the command line of CDK, and writes the templates alone. What is deployed follows from three things: the
stage (infra/stages.py), the committed topology (infra/topology.json, made from what functions declare), and our code.

Only a deployment proves a deployment: what AWS accepts beyond what cfn-lint and cdk-nag know, quotas, names taken.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra import stages
from infra.assets import ROOT, BuildFailed, code, layer, layers
from infra.stages import Stage
from infra.uses import UnknownUse
from shared.core.topology import Topology

TOPOLOGY = "infra/topology.json"


class NoTopology(FileNotFoundError):
    """The topology was not made yet."""


def read_topology(path: Path) -> Topology:
    """Read the topology from a file.

    Raises:
        NoTopology: there is no such file.
    """
    try:
        return Topology.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        message = f"There is no {path}. Make it: python -m shared.core.topology > {TOPOLOGY}"
        raise NoTopology(message) from error


def synthesize(stage: Stage, topology: Topology, *, outdir: str | None = None, checked: bool = True) -> Path:
    """Write the stage's templates and assets into a folder, and return it.

    `checked` lets cdk-nag look at every resource; a finding that nobody acknowledged ends the synthesis.
    """
    # Imported here because it starts CDK's JavaScript half, which a wrong stage's name need not wait for.
    from infra.stacks.functions import Shipment  # noqa: PLC0415 -- starts Node, as said above
    from infra.stacks.house import build  # noqa: PLC0415 -- the same

    return build(stage, topology, Shipment(code=code(), layer=layer(), layers=layers()), outdir=outdir, checked=checked)


def main(arguments: Sequence[str]) -> int:
    """Synthesize one stage, as the command line or CDK's own asks for it; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.app", description="Synthesize one stage of StormCom's cloud."
    )
    parser.add_argument("-c", "--context", action="append", default=[], metavar="KEY=VALUE", help="stage=NAME")
    parser.add_argument("-o", "--output", metavar="FOLDER", help="where the templates go; cdk.out unless said")
    told = parser.parse_args(arguments)
    given = _context(told.context)
    try:
        stage = stages.named(given.get("stage"))
        topology = read_topology(Path(given.get("topology", ROOT / TOPOLOGY)))
        folder = synthesize(stage, topology, outdir=told.output)
    except (stages.UnknownStage, NoTopology, UnknownUse, BuildFailed) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stderr.write(f"The stage {stage.name} is in {folder}\n")
    return 0


def _context(pairs: Sequence[str]) -> Mapping[str, str]:
    # CDK's own command line hands its -c on in the environment, as JSON.
    told = json.loads(os.environ.get("CDK_CONTEXT_JSON", "{}"))
    return {**told, **dict(pair.split("=", 1) for pair in pairs)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
