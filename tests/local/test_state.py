"""The state folder: private, whole after a crash, and one system's at a time."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local import state as states
from infra.local import within
from infra.local.state import DemoStore, State

STORE = DemoStore("store_1", "demo", "pk_1", "sk_1", "owner@demo.example", "secret")


def test_what_is_kept_is_for_its_owner_alone(tmp_path: Path) -> None:
    state = State(tmp_path / ".stormcom")
    state.open()

    state.master_keys()
    state.sealing_keys()
    state.secret("owner")
    state.keep_environment({"STORMCOM_STAGE": "local"})
    state.keep_stores("embedded", [STORE])
    state.ready("http://127.0.0.1:8000", [STORE])
    modes = {path.name: stat.filemode(path.stat().st_mode) for path in state.folder.glob("*.json")}
    state.close()

    names = ("keys.json", "audit-key.json", "secrets.json", "stores.json", "dev.json", "environment.json")
    assert modes == dict.fromkeys(names, "-rw-------")
    assert stat.filemode(state.folder.stat().st_mode) == "drwx------"


def test_keys_secrets_and_stores_are_the_same_at_the_next_start(tmp_path: Path) -> None:
    first = State(tmp_path / "state")
    first.open()
    keys, secret = first.master_keys().read_text(), first.secret("owner")
    first.keep_stores("embedded", [STORE])
    first.close()

    second = State(tmp_path / "state")
    second.open()

    assert second.master_keys().read_text() == keys
    assert len(json.loads(keys)["keys"]["1"]) == 44  # 32 bytes as base64
    assert second.secret("owner") == secret
    assert second.secret("another") != secret
    assert second.stores("embedded") == [STORE]
    assert second.stores("another database") is None
    second.close()


def test_dev_json_says_where_the_system_is_and_is_gone_when_it_stopped(tmp_path: Path) -> None:
    state = State(tmp_path / "state")
    state.open()

    state.ready("http://127.0.0.1:8000", [STORE])
    told = json.loads((state.folder / "dev.json").read_text())
    state.close()

    assert told == {
        "base_url": "http://127.0.0.1:8000",
        "pid": os.getpid(),
        "stores": [
            {
                "id": "store_1",
                "slug": "demo",
                "publishable_key": "pk_1",
                "secret_token": "sk_1",
                "owner_email": "owner@demo.example",
                "owner_password": "secret",
            }
        ],
    }
    assert not (state.folder / "dev.json").exists()


def test_a_second_start_on_the_same_folder_says_who_runs_there(tmp_path: Path) -> None:
    first = State(tmp_path / "state")
    first.open()
    first.announce("http://127.0.0.1:8000")
    first.ready("http://127.0.0.1:8000", [])

    with pytest.raises(states.AlreadyRunning, match=rf"already runs .*process {os.getpid()}, http://127.0.0.1:8000"):
        State(tmp_path / "state").open()

    assert (first.folder / "dev.json").exists()
    first.close()


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    script = (
        "import os, signal, sys; from pathlib import Path; from infra.local.state import State\n"
        "state = State(Path(sys.argv[1])); state.open(); state.announce('http://old'); state.ready('http://old', [])\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(folder)], cwd=Path(__file__).parents[2], check=False)

    state = State(folder)
    state.open()

    assert killed.returncode == -9
    assert not (folder / "dev.json").exists()
    state.close()


def test_a_reset_removes_everything(tmp_path: Path) -> None:
    state = State(tmp_path / "state")
    state.open()
    state.master_keys()
    (state.database / "base").mkdir(parents=True)
    (state.outgoing / "m.json").write_text("{}")

    state.reset()

    assert not state.folder.exists()


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")

    with pytest.raises(states.NotAStateFolder):
        State(tmp_path).open()

    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    states.write(path, {"a": 1})

    with pytest.raises(TypeError):
        states.write(path, {"a": object()})

    assert states.read(path) == {"a": 1}
    assert [left.name for left in tmp_path.iterdir()] == ["kept.json"]


def test_the_key_that_seals_the_trail_is_the_same_at_the_next_start(tmp_path: Path) -> None:
    kept = []
    for _ in range(2):
        state = State(tmp_path / "state")
        state.open()
        kept.append(state.sealing_keys().read_text())
        state.close()

    assert kept[0] == kept[1]
    assert len(json.loads(kept[0])["keys"]["1"]) == 44


def test_a_command_gets_the_variables_of_the_system_that_runs_and_none_of_one_that_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    state = State(tmp_path / "state")
    monkeypatch.setenv("STORMCOM_STATE", str(state.folder))
    command = [sys.executable, "-c", "import os; print(os.environ['STORMCOM_STAGE'])"]
    state.open()
    state.keep_environment({"STORMCOM_STAGE": "of this run", "PATH": "no business of a function's"})

    during = within.main(command)
    told = capfd.readouterr().out
    state.close()
    after = within.main(command)

    assert (during, told) == (0, "of this run\n")
    assert (after, within.main([])) == (2, 2)
    assert "Nothing runs on" in capfd.readouterr().err
