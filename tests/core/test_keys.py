"""Master keys: where they come from, what they must be, and that they are loaded once."""

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import boto3
import pytest
from moto import mock_aws

from shared.core import keys
from shared.core.keys import HKDFKeyProvider, KeysUnusable, UnknownKey
from shared.core.settings import from_environment

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
STORE = UUID(int=1)


@pytest.mark.parametrize(
    ("master_keys", "current", "index"),
    [
        ({}, 1, None),
        ({1: b"short"}, 1, None),
        ({1: OLD}, 2, None),
        ({1: OLD}, 1, 2),
        ({0: OLD}, 0, None),
        ({65536: OLD}, 65536, None),
    ],
)
def test_unfit_master_keys_are_refused(master_keys: dict[int, bytes], current: int, index: int | None) -> None:
    with pytest.raises(KeysUnusable):
        HKDFKeyProvider(master_keys, current, index)


def test_an_unknown_version_has_no_key() -> None:
    with pytest.raises(UnknownKey, match="version 9"):
        HKDFKeyProvider({1: OLD}, current=1).key(STORE, 9)


def test_keys_come_from_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    file = written(tmp_path, {"current": 2, "keys": {"1": encoded(OLD), "2": encoded(NEW)}})

    provider = keys.load_key_provider(from_environment({"STORMCOM_KEYS": f"file:{file}"}))

    assert (provider.current_version, provider.index_version) == (2, 1)
    assert provider.key(STORE, 1) == HKDFKeyProvider({1: OLD}, current=1).key(STORE, 1)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o700])
def test_a_file_that_others_could_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = written(tmp_path, {"current": 1, "keys": {"1": encoded(OLD)}})
    file.chmod(mode)

    with pytest.raises(KeysUnusable, match=f"has mode {mode:04o}; give it 0600"):
        keys.load_key_provider(from_environment({"STORMCOM_KEYS": f"file:{file}"}))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(KeysUnusable, match="cannot be read: No such file"):
        keys.load_key_provider(from_environment({"STORMCOM_KEYS": f"file:{tmp_path}/none.json"}))


@pytest.mark.parametrize(
    "told",
    [
        {},
        [],
        {"current": 1},
        {"current": 1, "keys": {"1": "not base64!"}},
        {"current": "x", "keys": {}},
        {"current": 1, "keys": ["a"]},
    ],
)
def test_a_file_of_another_form_is_refused_without_showing_it(tmp_path: Path, told: object) -> None:
    file = written(tmp_path, told)

    with pytest.raises(KeysUnusable, match="Master keys are JSON") as refused:
        keys.load_key_provider(from_environment({"STORMCOM_KEYS": f"file:{file}"}))

    assert "not base64!" not in str(refused.value)


def test_keys_come_from_secrets_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "t",
        "AWS_SECRET_ACCESS_KEY": "t",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        secret = json.dumps({"current": 1, "keys": {"1": encoded(OLD)}})
        boto3.client("secretsmanager").create_secret(Name="stormcom/keys", SecretString=secret)

        provider = keys.load_key_provider(from_environment({"STORMCOM_KEYS": "secret:stormcom/keys"}))
        with pytest.raises(KeysUnusable, match="secret of master keys cannot be read"):
            keys.load_key_provider(from_environment({"STORMCOM_KEYS": "secret:stormcom/none"}))

    assert provider.key(STORE, 1) == HKDFKeyProvider({1: OLD}, current=1).key(STORE, 1)


def test_keys_are_loaded_once_by_the_first_who_needs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[int] = []
    both_wait = threading.Barrier(2)

    def load(_config: object) -> HKDFKeyProvider:
        loads.append(1)
        return HKDFKeyProvider({1: OLD}, current=1)

    def first_use(_: int) -> keys.KeyProvider:
        both_wait.wait()
        return keys.key_provider()

    monkeypatch.setattr(keys, "_provider", None)
    monkeypatch.setattr(keys, "load_key_provider", load)

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(first_use, range(2))

    assert first is second
    assert loads == [1]


def encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()


def written(folder: Path, told: object) -> Path:
    file = folder / "keys.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(told))
    return file
