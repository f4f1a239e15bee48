"""The object store: files too large for a row, by a key that begins with their store's id.

Two buckets. `uploads` is private: what merchants send and fetch, by addresses that are signed for minutes. `media` is
public under `/media/`, and nothing in it ever changes: a key holds the digest of its content, so whoever cached one
may keep it for a year.

`objects()` is S3 in the cloud and files on a laptop, as STORMCOM_OBJECTS says (`s3:PREFIX-OF-BUCKETS`, `file:PATH`).
Every call talks to the outside: never within a transaction, but for the presigned addresses, which are computed.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import UUID

from shared.core.settings import settings

IMMUTABLE = "public, max-age=31536000, immutable"  # how the media bucket is served
MEDIA_PATH = "/media/"  # where, below the public address

_KEY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(/[A-Za-z0-9][A-Za-z0-9._-]{0,127}){1,8}")


class Bucket(StrEnum):
    """Where an object lies, and with it who may read it."""

    UPLOADS = "uploads"
    MEDIA = "media"


class BadKey(ValueError):
    """A key that no object may have. A bug: keys are made of ids and of words of ours."""


class NoSuchObject(LookupError):
    """There is nothing under the key (any more)."""


@dataclass(frozen=True)
class Form:
    """Where a browser sends a file: a multipart POST of `fields`, and after them the file, as the field `file`."""

    url: str
    fields: dict[str, str]


class Objects(Protocol):
    """What an object store can do. Keys come from `key_of`; others are refused with `BadKey`."""

    def put(self, bucket: Bucket, key: str, content: bytes, *, media_type: str) -> None:
        """Keep an object, whole or not at all; what was under the key is replaced."""

    def put_parts(self, bucket: Bucket, key: str, parts: Iterable[bytes], *, media_type: str) -> int:
        """Keep an object that comes in parts, in the memory of some MB; return its bytes.

        Whole or not at all: when `parts` raises, nothing is kept and the exception goes on.
        """

    def open(self, bucket: Bucket, key: str, *, start: int = 0) -> BinaryIO:
        """Open an object for reading from the byte `start` on, in the memory of some MB. The caller closes it.

        Raises:
            NoSuchObject: there is none.
        """

    def size(self, bucket: Bucket, key: str) -> int | None:
        """Return an object's bytes; None where there is none."""

    def delete(self, bucket: Bucket, keys: Collection[str]) -> None:
        """Remove objects; those that are gone already are no error."""

    def delete_store(self, bucket: Bucket, store_id: UUID, *, most: int) -> int:
        """Remove up to `most` objects of a store; return how many. Zero: there are no more."""

    def presigned_upload(
        self, bucket: Bucket, key: str, *, media_type: str, most_bytes: int, expires: timedelta
    ) -> Form:
        """Return a form by which one file of this type and of at most `most_bytes` can be sent to this very key."""

    def presigned_download(self, bucket: Bucket, key: str, *, file_name: str, expires: timedelta) -> str:
        """Return an address from which the object can be fetched, to be saved as `file_name`."""


def objects() -> Objects:
    """Return the object store of this process."""
    return _objects(settings().objects, settings().given_public_url)


def key_of(store_id: UUID, *parts: str) -> str:
    """Return the key of an object of a store: "{store_id}/uploads/..." of parts that name no other place.

    Raises:
        BadKey: a part is empty, too long, begins with a dot or holds anything but letters, digits and `._-`.
    """
    if any("/" in part for part in parts):
        message = f"{parts!r} are no parts of a key: one of them has parts of its own."
        raise BadKey(message)
    return checked("/".join((str(store_id), *parts)))


def checked(key: str) -> str:
    """Return the key, if it is one.

    Raises:
        BadKey: it is not.
    """
    if not _KEY.fullmatch(key):
        message = f"{key!r} is no key of an object."
        raise BadKey(message)
    return key


def media_url(key: str) -> str:
    """Return the whole address of an object of the media bucket."""
    return settings().public_url + MEDIA_PATH + key


@lru_cache(maxsize=4)
def _objects(where: str, public_url: str | None) -> Objects:
    kind, _, rest = where.partition(":")
    if kind == "s3":
        from shared.core.storage_s3 import S3Objects  # noqa: PLC0415 -- boto3 is imported by who asks for it

        return S3Objects(rest)
    from shared.core.storage_files import FileObjects  # noqa: PLC0415 -- of no use in the cloud

    return FileObjects(Path(rest), base_url=public_url or "")
