"""Objects as files of a laptop: what `make dev` and the tests keep instead of S3.

They outlive the system that wrote them, and nobody but their owner reads them (0600 in 0700). Addresses are signed
with a key that lies beside the objects; the local gateway serves them, and asks `taking` and `fetching` what they
allow: the same conditions that S3 holds a form to.
"""

import base64
import fcntl
import hashlib
import hmac
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, urlencode
from uuid import UUID

from shared.core import clock
from shared.core.storage import Bucket, Form, NoSuchObject, checked

UPLOAD_PATH = "/objects/"  # where the local gateway takes forms and serves private objects; a bucket follows

_FORM = ("Content-Type", "key")  # the fields that the policy fixes, besides the file's size


class Denied(Exception):
    """A form or an address that S3 would answer with 403; the message says why."""


class WrongSize(Exception):
    """A file that is larger, or smaller, than its form allows; S3 answers with 400."""


@dataclass(frozen=True)
class Allowed:
    """What a signed form allows: one object, of so many bytes at most."""

    bucket: Bucket
    key: str
    most_bytes: int


class FileObjects:
    """Objects in one folder."""

    def __init__(self, folder: Path, *, base_url: str) -> None:
        """Keep objects in `folder`, made when the first one comes. `base_url`: where the local gateway is."""
        self._folder = folder
        self._base_url = base_url

    def put(self, bucket: Bucket, key: str, content: bytes, *, media_type: str) -> None:
        """Keep an object."""
        self.put_parts(bucket, key, (content,), media_type=media_type)

    def put_parts(self, bucket: Bucket, key: str, parts: Iterable[bytes], *, media_type: str) -> int:  # noqa: ARG002 -- a file's type is told by its name
        """Keep an object that comes in parts: a file under another name until it is whole."""
        path = self._path(bucket, key)
        _private_folders(self._folder, path.parent)
        descriptor, draft = tempfile.mkstemp(dir=self._folder, prefix=".part-")  # made with mode 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                for part in parts:
                    file.write(part)
                file.flush()
                os.fsync(file.fileno())
                total = file.tell()
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        return total

    def open(self, bucket: Bucket, key: str, *, start: int = 0) -> BinaryIO:
        """Open an object for reading."""
        try:
            file = self._path(bucket, key).open("rb")
        except (FileNotFoundError, NotADirectoryError):
            raise NoSuchObject(key) from None
        file.seek(start)
        return file

    def size(self, bucket: Bucket, key: str) -> int | None:
        """Return an object's bytes."""
        try:
            return self._path(bucket, key).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    def delete(self, bucket: Bucket, keys: Collection[str]) -> None:
        """Remove objects."""
        for key in keys:
            self._path(bucket, key).unlink(missing_ok=True)

    def delete_store(self, bucket: Bucket, store_id: UUID, *, most: int) -> int:
        """Remove up to `most` objects of a store, and its folder with the last one."""
        folder = self._folder / bucket / str(store_id)
        gone = 0
        for path in folder.rglob("*"):
            if gone == most:
                return gone
            if path.is_file():
                path.unlink(missing_ok=True)
                gone += 1
        shutil.rmtree(folder, ignore_errors=True)
        return gone

    def presigned_upload(
        self, bucket: Bucket, key: str, *, media_type: str, most_bytes: int, expires: timedelta
    ) -> Form:
        """Return a form with a signed policy, in the shape of S3's."""
        until = (clock.now() + expires).isoformat()
        fixed = {"Content-Type": media_type, "key": checked(key)}
        policy = {"bucket": bucket, "until": until, "most_bytes": most_bytes, **fixed}
        encoded = base64.b64encode(json.dumps(policy).encode()).decode()
        fields = {**fixed, "policy": encoded, "x-signature": self._signature("POST", encoded)}
        return Form(f"{self._base_url}{UPLOAD_PATH}{bucket}", fields)

    def presigned_download(self, bucket: Bucket, key: str, *, file_name: str, expires: timedelta) -> str:
        """Return a signed address of the local gateway."""
        told = {"as": file_name, "until": (clock.now() + expires).isoformat()}
        path = f"{bucket}/{checked(key)}"
        signature = self._signature("GET", path, told["as"], told["until"])
        return f"{self._base_url}{UPLOAD_PATH}{path}?{urlencode({**told, 'signature': signature}, quote_via=quote)}"

    def taking(self, bucket: str, fields: Mapping[str, str]) -> Allowed:
        """Return what a form allows that somebody sends to a bucket.

        Raises:
            Denied: the form is not ours, is too old, or was changed.
        """
        policy = fields.get("policy", "")
        if not hmac.compare_digest(self._signature("POST", policy), fields.get("x-signature", "")):
            raise Denied("The form is not signed by this system.")
        told = json.loads(base64.b64decode(policy))
        if datetime.fromisoformat(told["until"]) < clock.now():
            raise Denied("The form has expired.")
        if told["bucket"] != bucket or any(fields.get(name) != told[name] for name in _FORM):
            raise Denied("The form's fields are not those that were signed.")
        return Allowed(Bucket(bucket), told["key"], told["most_bytes"])

    def take(self, allowed: Allowed, file: BinaryIO) -> None:
        """Keep what came by a form.

        Raises:
            WrongSize: it is larger than the form allows, or empty; nothing is kept.
        """

        def counted() -> Iterable[bytes]:
            total = 0
            while part := file.read(1024 * 1024):
                total += len(part)
                if total > allowed.most_bytes:
                    raise WrongSize(f"The file has more than {allowed.most_bytes} bytes.")
                yield part
            if not total:
                raise WrongSize("The file is empty.")

        self.put_parts(allowed.bucket, allowed.key, counted(), media_type="")

    def fetching(self, path: str, query: Mapping[str, str]) -> tuple[Path, str]:
        """Return the file that a signed address leads to, and the name to save it as.

        Raises:
            Denied: the address is not ours, is too old, or was changed.
            NoSuchObject: the object is gone.
        """
        name, until = query.get("as", ""), query.get("until", "")
        if not hmac.compare_digest(self._signature("GET", path, name, until), query.get("signature", "")):
            raise Denied("The address is not signed by this system.")
        if datetime.fromisoformat(until) < clock.now():
            raise Denied("The address has expired.")
        bucket, _, key = path.partition("/")
        return self.existing(Bucket(bucket), key), name

    def existing(self, bucket: Bucket, key: str) -> Path:
        """Return the file of an object.

        Raises:
            BadKey: it is no key.
            NoSuchObject: there is none.
        """
        path = self._path(bucket, key)
        if not path.is_file():
            raise NoSuchObject(key)
        return path

    def _path(self, bucket: Bucket, key: str) -> Path:
        return self._folder / bucket / checked(key)

    def _signature(self, *parts: str) -> str:
        told = json.dumps(parts).encode()  # so that no two lists of parts read the same
        return hmac.new(self._secret, told, hashlib.sha256).hexdigest()

    @cached_property
    def _secret(self) -> bytes:
        _private_folders(self._folder, self._folder)
        path = self._folder / ".signing-key"
        # Two processes may want the first one at once: the lock lets one make it, and the other read it.
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            kept = file.read()
            if not kept:
                kept = secrets.token_bytes(32)
                file.write(kept)
                file.flush()
                os.fsync(file.fileno())
            return kept


def _private_folders(top: Path, folder: Path) -> None:
    """Make a folder and all between it and `top`, for their owner alone."""
    if folder.is_dir():
        return
    if folder != top:
        _private_folders(top, folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    else:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
