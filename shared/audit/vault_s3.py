"""A vault in S3: a bucket with versions and Object Lock, in which a version stays until its time has come.

COMPLIANCE: no role, not the account's root, shortens it. A second object under a key, or a mark of deletion over it, is
another version; readers take the oldest one, so that neither hides what was put first.
"""

import io
import threading
from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from shared.audit.vault import NotInVault

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CONFLICT = ("PreconditionFailed", "412", "ConditionalRequestConflict")

_making_client = threading.Lock()


class S3Vault:
    """A vault in one bucket."""

    def __init__(self, bucket: str) -> None:
        """Use the bucket; nothing is called before the first use."""
        self._bucket = bucket

    def put_new(self, key: str, content: IO[bytes], *, until: datetime) -> bool:
        """Keep an object, locked until that moment. Two calls."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 -- as the client

        if self._oldest(key) is not None:
            return False
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=content,
                IfNoneMatch="*",  # two workers at once: one of them is refused
                ChecksumAlgorithm="SHA256",  # S3 takes no lock without a checksum
                ObjectLockMode="COMPLIANCE",
                ObjectLockRetainUntilDate=until,
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _CONFLICT:
                return False
            raise
        return True

    def open(self, key: str) -> BinaryIO:
        """Open the oldest version of an object; a part of an archive has some MB."""
        version = self._oldest(key)
        if version is None:
            raise NotInVault(key)
        found = self._client.get_object(Bucket=self._bucket, Key=key, VersionId=version)
        return cast("BinaryIO", io.BytesIO(found["Body"].read()))

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys that have a version, in order."""
        last = None
        for page in self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix):
            for found in page.get("Versions", ()):  # by key, the newest version first
                if found["Key"] != last:
                    last = found["Key"]
                    yield last

    def _oldest(self, key: str) -> str | None:
        versions = [
            (found["LastModified"], number, found["VersionId"])
            for page in self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=key)
            for number, found in enumerate(page.get("Versions", ()))
            if found["Key"] == key
        ]
        # Of two within a second, the one that S3 lists later is the older.
        return min(versions, key=lambda one: (one[0], -one[1]))[2] if versions else None

    @cached_property
    def _client(self) -> "S3Client":
        import boto3  # noqa: PLC0415 -- 200 ms that only who talks to S3 pays
        from botocore.config import Config  # noqa: PLC0415 -- comes with boto3

        with _making_client:  # boto3's session may not be used by two threads while a client is made
            retries = Config(connect_timeout=2, read_timeout=20, retries={"total_max_attempts": 4, "mode": "standard"})
            return boto3.client("s3", config=retries)
