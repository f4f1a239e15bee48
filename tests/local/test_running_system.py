"""The whole local system in a process of its own: ready, killed, restarted, refused, stopped, reset."""

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from shared.core import topology
from tests.local import running
from tests.local.running import Process


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """Run one system for the tests that leave it as it is."""
    with running.running(tmp_path_factory.mktemp("local") / "state") as process:
        yield process


def test_dev_json_tells_where_the_system_is_and_how_to_get_in(system: Process) -> None:
    store = system.dev["stores"][0]

    status, listed = system.ask("GET", "/api/v1/credentials", token=store["secret_token"])

    assert system.dev["pid"] == system.process.pid
    assert system.dev["base_url"] == f"http://127.0.0.1:{system.port}"
    told = {"id", "slug", "publishable_key", "secret_token", "owner_email", "owner_password"}
    assert store.keys() == told
    assert all(store.values())
    assert (status, len(listed["data"]) > 0) == (200, True)


def test_every_schedule_runs_soon_after_the_start_and_none_fails(system: Process) -> None:
    names = [schedule.name for schedule in topology.load().schedules]
    looks = iter(lambda: system.ask("GET", "/dev/jobs")[1], None)

    # Each name stands once in the table of schedules, and once more with its first run; the test's time-out ends this.
    page = next(page for page in looks if all(page.count(f"<td>{name}</td>") > 1 for name in names))

    assert len(names) > 0
    assert "Traceback" not in page


def test_what_people_see_is_a_line_a_request_and_no_json(system: Process) -> None:
    token = system.dev["stores"][0]["secret_token"]

    system.ask("GET", "/api/v1/credentials?seen=1", token=token)
    looks = iter(system.screen.read_text, None)

    # The line is written after the answer has gone, since it says how long that took; the test's time-out ends this.
    screen = next(screen for screen in looks if "/api/v1/credentials" in screen and screen.endswith("\n"))
    line = next(line for line in reversed(screen.splitlines()) if "/api/v1/credentials" in line)
    assert line.split()[1:4] == ["GET", "/api/v1/credentials", "200"]
    assert line.endswith(system.dev["stores"][0]["slug"])
    assert '{"level"' not in screen
    assert all(json.loads(logged) for logged in (system.state / "log.jsonl").read_text().splitlines())


def test_a_second_start_on_the_same_folder_is_refused_with_the_first_ones_address(system: Process) -> None:
    second = running.run_to_its_end("infra.local", system.state)

    assert second.returncode == 1
    assert "already runs" in second.stderr
    assert f"process {system.process.pid}, {system.dev['base_url']}" in second.stderr
    assert len(second.stderr.splitlines()) == 1
    assert system.ask("GET", "/dev")[0] == 200


def test_a_taken_port_is_refused_in_one_sentence_that_says_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = running.run_to_its_end("infra.local", tmp_path / "state", port=port)

    assert refused.returncode == 1
    assert refused.stderr == f"Port {port} is taken by another program. Choose another one: PORT={port + 1} make dev\n"


def test_a_running_system_is_not_reset(system: Process) -> None:
    refused = running.run_to_its_end("infra.local.reset", system.state)

    assert (refused.returncode, "already runs" in refused.stderr) == (1, True)
    assert system.ask("GET", "/dev")[0] == 200


def test_all_data_survive_kill_9(tmp_path: Path) -> None:
    with running.running(tmp_path / "state") as first:
        stores, port, relatives = first.dev["stores"], first.port, first.relatives()
        scopes = ["order.read"]
        token = stores[0]["secret_token"]
        issued = first.ask("POST", "/api/v1/credentials", body={"name": "Till", "scopes": scopes}, token=token)
        before = first.ask("GET", "/api/v1/credentials", token=token)
        first.end(signal.SIGKILL)

    with running.running(tmp_path / "state", port=port) as second:
        after = second.ask("GET", "/api/v1/credentials", token=token)
        told = second.dev

    assert issued[0] == 201
    assert issued[1]["credential"]["id"] in [credential["id"] for credential in before[1]["data"]]
    assert after == before
    assert (told["stores"], told["base_url"]) == (stores, f"http://127.0.0.1:{port}")
    assert [relative for relative in relatives if relative.is_running()] == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_system_leaves_nothing_running_and_its_port_free(tmp_path: Path, how: signal.Signals) -> None:
    with running.running(tmp_path / "state") as system:
        port, relatives = system.port, system.relatives()
        code = system.end(how)

    with socket.create_server(("127.0.0.1", port)):
        pass
    assert code == 0
    assert len(relatives) > 1  # PostgreSQL and the emulated AWS
    assert psutil.wait_procs(relatives, timeout=10)[1] == []
    assert not (tmp_path / "state" / "dev.json").exists()


def test_a_reset_forgets_everything_even_after_kill_9(tmp_path: Path) -> None:
    with running.running(tmp_path / "state") as system:
        relatives = system.relatives()
        system.end(signal.SIGKILL)

    reset = running.run_to_its_end("infra.local.reset", tmp_path / "state")

    assert (reset.returncode, reset.stderr) == (0, "")
    assert not (tmp_path / "state").exists()
    assert psutil.wait_procs(relatives, timeout=10)[1] == []
