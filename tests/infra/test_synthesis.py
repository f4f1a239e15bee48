"""The cloud of each stage is synthesized from the committed topology, and two strangers check it.

cdk-nag looks at resources (AWS Solutions), cfn-lint at templates (CloudFormation's own schema). Both also meet a
planted offence, so that their silence means something.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from aws_cdk import App, Stack, Validations
from aws_cdk import aws_sqs as sqs
from cdk_nag import AwsSolutionsChecks

from infra import assets
from infra.stacks.acknowledgements import acknowledge
from infra.stages import STAGES
from shared.core.topology import Topology
from tests.infra.assembly import Assembly
from tests.infra.conftest import Synthesize
from tests.infra.topologies import functions

# CDK writes down every dependency, also those that a reference implies; the rule is about templates written by hand.
_WRITTEN_BY_HAND = "W3005"


def test_a_stage_is_synthesized_with_an_empty_path_and_no_account(tmp_path: Path, committed: Topology) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "infra.app", "-c", "stage=dev", "-o", str(tmp_path / "out")],
        cwd=assets.ROOT,
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    wanted = {f"functions-{one.domain}" for one in functions(committed)}
    assert wanted <= set(Assembly(tmp_path / "out").templates)


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_nothing_that_cdk_nag_finds_is_unacknowledged(stage: str, committed: Topology, synthesized: Synthesize) -> None:
    assembly = synthesized(STAGES[stage], committed, checked=True)

    assert _rules((assembly.folder / "validation-report.json").read_text(encoding="utf-8")) == set()
    assert "network" in assembly.templates


def test_an_acknowledgement_is_for_one_resource_and_never_for_a_whole_stack() -> None:
    stack = Stack(App(), "whole")

    with pytest.raises(ValueError, match="An acknowledgement names one resource, and whole is a stack"):
        acknowledge(stack, "AwsSolutions-SQS3", because="Convenience.", until="Never.")


def test_cdk_nag_finds_a_planted_offence(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    sqs.Queue(Stack(app, "planted"), "Queue")

    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()

    found = (tmp_path / "validation-report.json").read_text(encoding="utf-8")
    assert {"AwsSolutions-SQS3", "AwsSolutions-SQS4"} <= _rules(found)


@pytest.mark.parametrize("stage", ["dev", "prod", "staging"])
def test_cfn_lint_has_nothing_to_say_about_any_template(stage: str, request: pytest.FixtureRequest) -> None:
    assembly: Assembly = request.getfixturevalue(stage)

    assert _lint(*assembly.files) == []


def test_cfn_lint_finds_a_planted_offence(prod: Assembly, tmp_path: Path) -> None:
    template = json.loads(json.dumps(prod.templates["messaging"]))
    [queue, *_] = [one for one in template["Resources"].values() if one["Type"] == "AWS::SQS::Queue"]
    queue["Properties"]["VisibilityTimeout"] = "a while"
    planted = tmp_path / "planted.template.json"
    planted.write_text(json.dumps(template), encoding="utf-8")

    assert _lint(planted) == ["E3012 'a while' is not of type 'integer'"]


def _lint(*files: Path) -> list[str]:
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--format", "json", "--ignore-checks", _WRITTEN_BY_HAND]
    done = subprocess.run([*command, "--", *map(str, files)], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return [f"{one['Rule']['Id']} {one['Message']}" for one in json.loads(done.stdout)]


def _rules(report: str) -> set[str]:
    plugins = json.loads(report)["pluginReports"]
    return {violation["ruleName"] for plugin in plugins for violation in plugin["violations"]}
