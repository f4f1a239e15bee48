"""From a file to renditions in the object store: the work on one picture, outside of any transaction.

Decoding happens in a process of its own (`rendering`), without credentials and within limits of the kernel. Keys hold
the digest of their content, so work that is done twice writes the same objects again.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from shared.core import storage
from shared.core.outside import Outside, Unreachable
from shared.core.storage import Bucket, NoSuchObject
from shared.media import uploads
from shared.media.inspection import sniff
from shared.media.refusals import PictureRefused, Refusal
from shared.media.schemas import MOST_BYTES

_OURS = str(Path(__file__).parents[2])  # where `shared` lies; Python may know it as the present folder alone
_RENDERING = 110  # seconds for the process that decodes; its CPU is limited below that
_FETCHING = 20  # seconds for a picture that lies elsewhere
_ACCEPTS = ("image/", "application/octet-stream", "binary/octet-stream")
_MEDIA_TYPES = {".avif": "image/avif", ".webp": "image/webp", ".jpg": "image/jpeg"}


@dataclass(frozen=True)
class Task:
    """One picture to work on. `url` None: its file was uploaded, as a `declared` type."""

    store_id: UUID
    media_id: UUID
    url: str | None
    declared: str | None
    attempt: int


@dataclass(frozen=True)
class Ready:
    """The picture has its renditions."""

    media_type: str
    size_bytes: int
    width: int
    height: int
    digest: bytes
    renditions: list[dict[str, Any]]


@dataclass(frozen=True)
class Refused:
    """The file is no picture that we take."""

    code: str


@dataclass(frozen=True)
class NotHad:
    """The file could not be had; `retryable`: it may come later."""

    code: str
    retryable: bool


type Outcome = Ready | Refused | NotHad
type Work = Callable[[Task], Outcome]


def work(task: Task, *, outside: Outside | None = None) -> Outcome:
    """Work on one picture. `outside`: the way to other servers; the internet's, unless a test brings its own."""
    try:
        content = _uploaded(task) if task.url is None else _elsewhere(task.url, outside or Outside())
        if task.url is None and task.declared is not None and sniff(content) not in (None, task.declared):
            return Refused(Refusal.TYPE_MISMATCH)
        return _made(task, content)
    except PictureRefused as refused:
        return Refused(refused.reason)
    except NoSuchObject:
        return NotHad(Refusal.NEVER_UPLOADED, retryable=False)
    except Unreachable as missed:
        return NotHad(missed.code, missed.retryable)


def _uploaded(task: Task) -> bytes:
    with storage.objects().open(Bucket.UPLOADS, uploads.key(task.store_id, task.media_id)) as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise PictureRefused(Refusal.TOO_LARGE)
    return content


def _elsewhere(url: str, outside: Outside) -> bytes:
    return outside.fetch(url, most_bytes=MOST_BYTES, seconds=_FETCHING, accepts=_ACCEPTS).content


def _made(task: Task, content: bytes) -> Ready:
    with tempfile.TemporaryDirectory(prefix="picture-") as name:
        folder = Path(name)
        told = render(folder, content)
        kept = [_kept(task, folder, made) for made in told["renditions"]]
    return Ready(
        media_type=told["media_type"],
        size_bytes=len(content),
        width=told["width"],
        height=told["height"],
        digest=hashlib.sha256(content).digest(),
        renditions=kept,
    )


def render(folder: Path, content: bytes) -> dict[str, Any]:
    """Decode and encode in a process of its own; return what `rendering` tells, its files being in `folder`.

    Raises:
        PictureRefused: the file is no picture that we take, or the process died of it.
    """
    (folder / "original").write_bytes(content)
    command = [sys.executable, "-P", "-m", "shared.media.rendering", str(folder)]
    # Nothing of our environment but where the modules are: no credentials for whoever breaks a decoder.
    environment = {"PYTHONPATH": os.pathsep.join([_OURS, *filter(None, sys.path)]), "MALLOC_ARENA_MAX": "2"}
    try:
        done = subprocess.run(  # noqa: S603 -- our own words, and the path of our own folder
            command, cwd=folder, env=environment, capture_output=True, timeout=_RENDERING, check=False
        )
    except subprocess.TimeoutExpired:
        raise PictureRefused(Refusal.TOO_COSTLY) from None
    if done.returncode < 0:  # a signal: out of memory, out of time, or a decoder that crashed
        raise PictureRefused(Refusal.TOO_COSTLY)
    if done.returncode:
        message = f"Rendering ended with {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}"
        raise RuntimeError(message)
    told: dict[str, Any] = json.loads(done.stdout)
    if "refused" in told:
        raise PictureRefused(Refusal(told["refused"]))
    return told


def _kept(task: Task, folder: Path, made: dict[str, Any]) -> dict[str, Any]:
    file = folder / made.pop("file")
    key = storage.key_of(task.store_id, task.media_id.hex, file.name)
    storage.objects().put(Bucket.MEDIA, key, file.read_bytes(), media_type=_MEDIA_TYPES[file.suffix])
    return {**made, "key": key}
