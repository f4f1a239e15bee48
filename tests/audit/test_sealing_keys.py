"""The key that seals: in a file that its owner alone reads, or in KMS, which never gives it out."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from shared.audit import sealing_keys
from shared.audit.sealing_keys import FileKeys, KMSKeys, SealingKeys, SealingKeysUnusable
from shared.core.settings import use_settings

SECRETS = {1: b"1" * 32, 2: b"2" * 32}


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[KMSKeys]:
    for name, value in {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = KMSKeys(["unused"])._client
        made = [
            client.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["Arn"] for _ in SECRETS
        ]
        yield KMSKeys(made)


@pytest.fixture(params=["file", "kms"])
def keys(request: pytest.FixtureRequest) -> SealingKeys:
    found: SealingKeys = FileKeys(SECRETS, current=2) if request.param == "file" else request.getfixturevalue("kms")
    return found


def test_a_mac_holds_for_its_message_and_version_alone(keys: SealingKeys) -> None:
    mac = keys.mac(2, b"block")

    assert keys.current_version == 2
    assert keys.holds(2, b"block", mac)
    assert not keys.holds(2, b"another", mac)
    assert not keys.holds(1, b"block", mac)
    assert not keys.holds(3, b"block", mac)
    assert not keys.holds(0, b"block", mac)
    assert not keys.holds(2, b"block", mac[:-1] + bytes([mac[-1] ^ 1]))
    assert not keys.holds(2, b"block", b"")


def test_the_mac_of_a_file_is_hmac_sha256() -> None:
    assert FileKeys(SECRETS, current=1).mac(1, b"x") == hmac.new(b"1" * 32, b"x", hashlib.sha256).digest()


def test_keys_come_from_where_the_settings_say(tmp_path: Path) -> None:
    path = a_file(tmp_path, mode=0o600)

    with use_settings(audit_key=f"file:{path}"):
        found = sealing_keys.sealing_keys()
    with use_settings(audit_key="kms:arn:one,arn:two"):
        in_cloud = sealing_keys.sealing_keys()

    assert found.current_version == 1
    assert isinstance(in_cloud, KMSKeys)
    assert in_cloud.current_version == 2


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660])
def test_a_file_that_others_could_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(SealingKeysUnusable, match=f"has mode {mode:04o}"):
        FileKeys.read(a_file(tmp_path, mode=mode))


def test_what_is_no_key_is_refused_without_being_shown(tmp_path: Path) -> None:
    path = a_file(tmp_path, mode=0o600, text='{"current": 1, "keys": {"1": "hunter2"}}')

    with pytest.raises(SealingKeysUnusable, match="Sealing keys are JSON") as refused:
        FileKeys.read(path)
    with pytest.raises(SealingKeysUnusable, match="cannot be read: No such file"):
        FileKeys.read(tmp_path / "none.json")
    with pytest.raises(SealingKeysUnusable, match="32 bytes at least"):
        FileKeys({1: b"short"}, current=1)

    assert "hunter2" not in str(refused.value)


def a_file(folder: Path, *, mode: int, text: str | None = None) -> Path:
    path = folder / f"audit-{mode:o}.json"
    told = {"current": 1, "keys": {"1": base64.b64encode(b"k" * 32).decode()}}
    path.write_text(json.dumps(told) if text is None else text)
    path.chmod(mode)
    return path
