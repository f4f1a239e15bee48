"""The vault: one suite for S3 with Object Lock (moto's, over HTTP) and for the files of a laptop."""

import io
import os
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from infra.local import aws
from shared.audit.vault import NotInVault, Vault
from shared.audit.vault_files import FileVault
from shared.audit.vault_s3 import S3Vault
from shared.core import clock, ids

UNTIL = datetime(2099, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    before = dict(os.environ)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    aws.point_clients_at(f"http://{host}:{port}", os.environ)
    yield f"http://{host}:{port}"
    server.stop()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def locked(endpoint: str) -> tuple[S3Vault, Any, str]:
    """Return a vault in S3, a client of whoever has every right, and the bucket."""
    assert endpoint
    bucket = f"stormcom-{ids.new_id().hex}-audit"
    vault = S3Vault(bucket)
    vault._client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    return vault, vault._client, bucket


@pytest.fixture(params=["s3", "files"])
def vault(request: pytest.FixtureRequest, tmp_path: Path) -> Vault:
    if request.param == "files":
        return FileVault(tmp_path / "audit")
    s3: S3Vault = request.getfixturevalue("locked")[0]
    return s3


def put(vault: Vault, key: str, content: bytes = b"first") -> bool:
    return vault.put_new(key, io.BytesIO(content), until=UNTIL)


def read(vault: Vault, key: str) -> bytes:
    with vault.open(key) as file:
        return file.read()


def test_what_is_there_stays_as_it_is(vault: Vault) -> None:
    first, second = put(vault, "heads/a/1.json"), put(vault, "heads/a/1.json", b"second")

    assert (first, second) == (True, False)
    assert read(vault, "heads/a/1.json") == b"first"


def test_keys_come_in_order_and_by_their_beginning(vault: Vault) -> None:
    for key in ("heads/a/2.json", "heads/b/1.json", "heads/a/1.json", "entries/a/2026-05/1-x.jsonl.gz"):
        put(vault, key)

    assert list(vault.keys("heads/a/")) == ["heads/a/1.json", "heads/a/2.json"]
    assert list(vault.keys("entries/a/")) == ["entries/a/2026-05/1-x.jsonl.gz"]
    assert list(vault.keys("heads/c/")) == []


def test_what_is_not_there_is_told(vault: Vault) -> None:
    put(vault, "heads/a/10.json")

    with pytest.raises(NotInVault):
        vault.open("heads/a/1")


def test_what_is_locked_can_neither_be_deleted_nor_unlocked_by_whoever_has_every_right(
    locked: tuple[S3Vault, Any, str],
) -> None:
    vault, client, bucket = locked
    put(vault, "heads/a/1.json")
    [version] = client.list_object_versions(Bucket=bucket)["Versions"]
    whole = {"Bucket": bucket, "Key": "heads/a/1.json", "VersionId": version["VersionId"]}

    attempts: list[Callable[[], Any]] = [
        lambda: client.delete_object(**whole),
        lambda: client.delete_object(**whole, BypassGovernanceRetention=True),
    ]
    for attempt in attempts:
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()

    kept = client.head_object(**whole)
    assert (kept["ObjectLockMode"], kept["ObjectLockRetainUntilDate"]) == ("COMPLIANCE", UNTIL)
    assert read(vault, "heads/a/1.json") == b"first"


def test_what_is_put_or_marked_over_it_hides_nothing(locked: tuple[S3Vault, Any, str]) -> None:
    vault, client, bucket = locked
    put(vault, "heads/a/1.json")
    client.put_object(Bucket=bucket, Key="heads/a/1.json", Body=b"forged")
    client.delete_object(Bucket=bucket, Key="heads/a/1.json")

    assert read(vault, "heads/a/1.json") == b"first"
    assert list(vault.keys("heads/")) == ["heads/a/1.json"]
    assert not put(vault, "heads/a/1.json", b"again")


def test_files_of_the_vault_are_read_only_and_their_owners(tmp_path: Path) -> None:
    vault = FileVault(tmp_path / "audit")
    put(vault, "heads/a/1.json")

    [file] = (tmp_path / "audit").rglob("*.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o400
    assert {stat.S_IMODE(one.stat().st_mode) for one in file.parents[:3]} == {0o700}
    assert [one for one in (tmp_path / "audit").rglob(".part-*") if one.is_file()] == []


def test_a_lock_is_asked_for_the_moment_that_it_is_to_last_to(locked: tuple[S3Vault, Any, str]) -> None:
    vault, client, bucket = locked
    until = clock.now().replace(microsecond=0) + timedelta(days=800)
    vault.put_new("entries/a/x", io.BytesIO(b"x"), until=until)

    assert client.head_object(Bucket=bucket, Key="entries/a/x")["ObjectLockRetainUntilDate"] == until
