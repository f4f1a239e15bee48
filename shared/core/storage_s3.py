"""Objects in S3. Buckets are named by a prefix of the stage's and end in `uploads` and `media`.

The media bucket is read by the edge alone, which asks for the path it was asked for: its keys begin with `media/`.
Reading goes by ranges of a few MB, each retried by itself: who works through a large file for minutes never holds a
connection that S3 would close.
"""

import io
import threading
from collections.abc import Collection, Iterable
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import quote
from uuid import UUID

from shared.core.storage import IMMUTABLE, Bucket, Form, NoSuchObject, checked

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PART = 8 * 1024 * 1024  # bytes; S3 takes 10,000 parts, each but the last of 5 MB at least
READ = 4 * 1024 * 1024  # bytes of one ranged read
_A_CALL = 1000  # keys that S3 lists, or deletes, at once
_MISSING = ("NoSuchKey", "404", "NotFound")

_making_client = threading.Lock()


class S3Objects:
    """Objects in the buckets of one stage."""

    def __init__(self, prefix: str) -> None:
        """Use the buckets that begin with `prefix`; nothing is called before the first use."""
        self._prefix = prefix

    def put(self, bucket: Bucket, key: str, content: bytes, *, media_type: str) -> None:
        """Keep an object."""
        self._client.put_object(
            Bucket=self._bucket(bucket), Key=_key(bucket, key), Body=content, **_kept_as(bucket, media_type)
        )

    def put_parts(self, bucket: Bucket, key: str, parts: Iterable[bytes], *, media_type: str) -> int:
        """Keep an object that comes in parts, by a multipart upload that is taken back when a part fails."""
        place: Any = {"Bucket": self._bucket(bucket), "Key": _key(bucket, key)}
        upload = self._client.create_multipart_upload(**place, **_kept_as(bucket, media_type))["UploadId"]
        try:
            total, sent = 0, []
            for number, part in enumerate(_of_size(parts), start=1):
                answer = self._client.upload_part(**place, UploadId=upload, PartNumber=number, Body=part)
                sent.append({"ETag": answer["ETag"], "PartNumber": number})
                total += len(part)
            self._client.complete_multipart_upload(
                **place,
                UploadId=upload,
                MultipartUpload={"Parts": sent},  # type: ignore[typeddict-item] # its own dict type of the same shape
            )
        except BaseException:
            self._client.abort_multipart_upload(**place, UploadId=upload)  # a lifecycle rule takes what this misses
            raise
        return total

    def open(self, bucket: Bucket, key: str, *, start: int = 0) -> BinaryIO:
        """Open an object for reading; one that is replaced meanwhile ends the reading with an error."""
        head = self._head(bucket, key)
        if head is None:
            raise NoSuchObject(key)
        size, tag = head
        place = {"Bucket": self._bucket(bucket), "Key": _key(bucket, key), "IfMatch": tag}
        return cast("BinaryIO", io.BufferedReader(_Ranges(self._client, place, start, size), READ))

    def size(self, bucket: Bucket, key: str) -> int | None:
        """Return an object's bytes."""
        head = self._head(bucket, key)
        return None if head is None else head[0]

    def delete(self, bucket: Bucket, keys: Collection[str]) -> None:
        """Remove objects, a thousand a call."""
        wanted = [_key(bucket, key) for key in keys]
        for start in range(0, len(wanted), _A_CALL):
            self._delete(bucket, wanted[start : start + _A_CALL])

    def delete_store(self, bucket: Bucket, store_id: UUID, *, most: int) -> int:
        """Remove up to `most` objects of a store."""
        gone = 0
        while gone < most:
            listed = self._client.list_objects_v2(
                Bucket=self._bucket(bucket), Prefix=_prefixed(bucket, f"{store_id}/"), MaxKeys=min(_A_CALL, most - gone)
            )
            keys = [found["Key"] for found in listed.get("Contents", [])]
            if not keys:
                break
            self._delete(bucket, keys)
            gone += len(keys)
        return gone

    def presigned_upload(
        self, bucket: Bucket, key: str, *, media_type: str, most_bytes: int, expires: timedelta
    ) -> Form:
        """Return a form whose policy S3 itself enforces: key, type and size."""
        fields = {"Content-Type": media_type, "success_action_status": "204"}
        made = self._client.generate_presigned_post(
            self._bucket(bucket),
            _key(bucket, key),
            Fields=dict(fields),
            Conditions=[
                *({name: value} for name, value in fields.items()),
                ["content-length-range", 1, most_bytes],
            ],
            ExpiresIn=int(expires.total_seconds()),
        )
        return Form(made["url"], dict(made["fields"]))

    def presigned_download(self, bucket: Bucket, key: str, *, file_name: str, expires: timedelta) -> str:
        """Return an address that saves the object as a file."""
        disposition = f"attachment; filename*=UTF-8''{quote(file_name, safe='')}"
        return self._client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._bucket(bucket),
                "Key": _key(bucket, key),
                "ResponseContentDisposition": disposition,
            },
            ExpiresIn=int(expires.total_seconds()),
        )

    def _bucket(self, bucket: Bucket) -> str:
        return self._prefix + bucket.value

    def _head(self, bucket: Bucket, key: str) -> tuple[int, str] | None:
        from botocore.exceptions import ClientError  # noqa: PLC0415 -- as the client

        try:
            head = self._client.head_object(Bucket=self._bucket(bucket), Key=_key(bucket, key))
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _MISSING:
                return None
            raise
        return head["ContentLength"], head["ETag"]

    def _delete(self, bucket: Bucket, keys: list[str]) -> None:
        answer = self._client.delete_objects(
            Bucket=self._bucket(bucket), Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
        )
        if errors := answer.get("Errors", []):
            message = f"S3 kept {len(errors)} of {len(keys)} objects: {errors[0].get('Code')}"
            raise OSError(message)

    @cached_property
    def _client(self) -> "S3Client":
        import boto3  # noqa: PLC0415 -- 200 ms that only who talks to S3 pays
        from botocore.config import Config  # noqa: PLC0415 -- comes with boto3

        with _making_client:  # boto3's session may not be used by two threads while a client is made
            return boto3.client(
                "s3",
                config=Config(
                    connect_timeout=2,
                    read_timeout=20,
                    retries={"total_max_attempts": 4, "mode": "standard"},
                    signature_version="s3v4",
                ),
            )


class _Ranges(io.RawIOBase):
    """An object as a file: each read is one request for the bytes that the reader has room for."""

    def __init__(self, client: "S3Client", place: dict[str, str], start: int, size: int) -> None:
        self._client, self._place, self._at, self._size = client, place, start, size

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:  # noqa: ANN401 -- a writable buffer of any kind
        if self._at >= self._size:
            return 0
        last = min(self._at + len(room), self._size) - 1
        wanted: Any = {**self._place, "Range": f"bytes={self._at}-{last}"}
        found = self._client.get_object(**wanted)["Body"].read()
        room[: len(found)] = found
        self._at += len(found)
        return len(found)


def _prefixed(bucket: Bucket, key: str) -> str:
    return f"media/{key}" if bucket is Bucket.MEDIA else key


def _key(bucket: Bucket, key: str) -> str:
    return _prefixed(bucket, checked(key))


def _kept_as(bucket: Bucket, media_type: str) -> Any:  # noqa: ANN401 -- keyword arguments of several calls
    kept = {"ContentType": media_type}
    return {**kept, "CacheControl": IMMUTABLE} if bucket is Bucket.MEDIA else kept


def _of_size(parts: Iterable[bytes]) -> Iterable[bytes]:
    """Yield the same bytes in parts of PART; at least one, since S3 takes no upload of none."""
    waiting = bytearray()
    yielded = False
    for part in parts:
        waiting += part
        while len(waiting) >= PART:
            yield bytes(waiting[:PART])
            del waiting[:PART]
            yielded = True
    if waiting or not yielded:
        yield bytes(waiting)
