"""A stage has to be named, and everything is named after it."""

import os
import subprocess
import sys

import pytest

from infra import assets, stages
from infra.stages import Stage


def test_a_synthesis_without_a_stage_says_which_there_are() -> None:
    with pytest.raises(stages.UnknownStage) as refused:
        stages.named(None)

    assert str(refused.value) == "Which stage? Say -c stage=NAME, where NAME is one of: dev, prod, staging."


def test_an_unknown_stage_is_refused_by_name() -> None:
    with pytest.raises(stages.UnknownStage, match="There is no stage 'production'"):
        stages.named("production")


def test_the_command_line_ends_with_the_sentence_and_status_2() -> None:
    done = _app()

    assert done.returncode == 2
    assert done.stderr == "Which stage? Say -c stage=NAME, where NAME is one of: dev, prod, staging.\n"


def test_a_missing_topology_says_how_it_is_made() -> None:
    done = _app("-c", "stage=dev", "-c", "topology=nowhere.json")

    assert done.returncode == 2
    assert done.stderr == "There is no nowhere.json. Make it: python -m shared.core.topology > infra/topology.json\n"


@pytest.mark.parametrize("name", ["prod-eu", "Prod", "1st", "", "a-very-long-stage"])
def test_a_stage_can_not_be_named_so_that_anothers_grants_reach_it(name: str) -> None:
    with pytest.raises(ValueError, match="A stage's name is up to ten lower-case letters and digits"):
        Stage(name=name)


def test_a_name_that_lambda_does_not_take_is_refused_before_the_deployment() -> None:
    stage = Stage(name="dev")

    with pytest.raises(ValueError, match="has 65 characters, and Lambda takes 64"):
        stage.function_named("x" * 52)


def _app(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "CDK_CONTEXT_JSON"}
    return subprocess.run(
        [sys.executable, "-m", "infra.app", *arguments],
        cwd=assets.ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
