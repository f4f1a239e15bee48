"""The built asset, unpacked away from the checkout, under AWS's own runtime client.

Every handler of the committed topology is imported there with an empty environment, and answers.
"""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.local.events import http_event, sqs_event
from infra.stacks import release
from shared.core.topology import Topology
from tests.infra.runtime_api import ISOLATED, EnvironmentDied, FunctionError, Unpacked, running
from tests.infra.topologies import functions

_IMPORT_ALL = """\
import importlib, json, os, sys
sys.path[:0] = sys.argv[1:3]
for handler in sys.argv[3:]:
    module, name = handler.rsplit(".", 1)
    assert callable(getattr(importlib.import_module(module), name)), handler
print(json.dumps(sorted({getattr(module, "__file__", None) or "" for module in list(sys.modules.values())})))
"""


def test_every_handler_is_imported_from_the_unpacked_asset_alone(unpacked: Unpacked, committed: Topology) -> None:
    handlers = [*_handlers(committed), release.MIGRATION]

    done = subprocess.run(
        [*ISOLATED, "-c", _IMPORT_ALL, str(unpacked.task), str(unpacked.packages), *handlers],
        env={},
        cwd=unpacked.task,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    ours = [file for file in json.loads(done.stdout) if "site-packages" in file or "shared/core" in file]
    assert ours
    assert [file for file in ours if not file.startswith(str(unpacked.task))] == []


def test_every_endpoints_function_answers_under_the_runtime_client(unpacked: Unpacked, committed: Topology) -> None:
    handlers = sorted({endpoint.handler for endpoint in committed.endpoints})

    answers = _ask(unpacked, {handler: http_event("GET", "/nowhere") for handler in handlers})

    for handler, answer in answers.items():
        assert answer["statusCode"] == 404, handler
        assert json.loads(answer["body"])["code"] == "not_found", handler


def test_every_consumer_takes_what_it_is_given_under_the_runtime_client(
    unpacked: Unpacked, committed: Topology
) -> None:
    wrong = {one.handler: sqs_event(one.queue, ["this is no message"]) for one in committed.consumers}

    answers = _ask(unpacked, wrong)

    for handler, answer in answers.items():
        message = wrong[handler]["Records"][0]["messageId"]
        assert answer == {"batchItemFailures": [{"itemIdentifier": message}]}, handler


def test_every_schedule_asks_for_its_database_under_the_runtime_client(unpacked: Unpacked, committed: Topology) -> None:
    answers = _ask(unpacked, {one.handler: {"id": "tick", "detail": {}} for one in committed.schedules})

    for handler, answer in answers.items():
        assert answer == {"raised": "SettingsError"}, handler


def test_a_handler_that_is_not_in_the_asset_is_reported_as_lambda_reports_it(unpacked: Unpacked) -> None:
    with running(unpacked, "functions.nowhere.handler") as environment, pytest.raises(FunctionError) as failed:
        environment.invoke({})

    assert failed.value.kind == "Runtime.ImportModuleError"


def test_an_environment_that_dies_says_how_it_ended(unpacked: Unpacked, tmp_path: Path) -> None:
    (tmp_path / "fatal.py").write_text("import os\ndef handler(event, context): os._exit(3)\n", encoding="utf-8")
    fatal = replace(unpacked, task=tmp_path)

    with running(fatal, "fatal.handler") as environment, pytest.raises(EnvironmentDied, match="exit status 3"):
        environment.invoke({})


def _handlers(topology: Topology) -> list[str]:
    return sorted({one.handler for one in functions(topology)})


def _ask(unpacked: Unpacked, events: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Hand each handler its event, in an environment of its own; return the answers, or what was raised."""

    def ask(handler: str) -> dict[str, Any]:
        with running(unpacked, handler) as environment:
            try:
                answer: dict[str, Any] = environment.invoke(events[handler])
            except FunctionError as error:
                return {"raised": error.kind}
            return answer

    with ThreadPoolExecutor(2) as askers:
        return dict(zip(events, askers.map(ask, events), strict=True))
