"""Builds what a Lambda environment unpacks: one asset with our code, one layer with what it depends on, and others.

What only some functions need (`LAYERS`) is in a layer that they alone have. All are made the same way for the cloud and
for this machine, so that what the tests unpack and run is what is shipped.

Decided here:

- Exact hashes from `requirements.lock`, wheels only, for `manylinux_2_28` on arm64 (Lambda's Python 3.13 is Amazon
  Linux 2023). Nothing is compiled and no Docker is asked for.
- boto3 is in the layer, although Lambda's runtime has one: the runtime's changes under a function's feet, and the
  tests would prove another version than the one that runs. Of its 27 MB of service descriptions the layer keeps those
  of the services that we call (`AWS_SERVICES`); calling another one fails in the tests, which run on the unpacked
  layer.
- Bytecode is shipped. `/var/task` and `/opt` are read-only, so without it every cold start compiles every module
  again: measured here, the import floor is 1.3 s without and 0.5 s with it. It is of the unchecked kind, because zip
  files of fixed dates have no time to check it by.
- A build is found again by the hash of what went into it, under `.stormcom/build/`; unchanged, it costs a hash.

Only a real account proves that Lambda's own loader takes it; the tests run it under AWS's runtime client.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.core import clock

ROOT = Path(__file__).resolve().parent.parent
LAMBDA = "aarch64-manylinux_2_28"  # uv's name for an arm64 Lambda of Python 3.13
HERE = None  # the platform of the interpreter that builds

CODE = ("functions", "migrations", "shared")
LAYERS = {  # by the word of `uses` that brings it: what it is made of, besides the layer that all functions have
    "pictures": "requirements-media.lock",
}
NOT_SHIPPED = frozenset({".md", ".pyc"})
AWS_SERVICES = frozenset({"cloudfront", "kms", "rds", "s3", "secretsmanager", "ses", "sesv2", "sns", "sqs", "sts"})

_STRIPPED_SUFFIXES = frozenset({".c", ".exe", ".h", ".pxd", ".pyc", ".pyi", ".pyx"})
_STRIPPED_FOLDERS = frozenset({"__pycache__", "bin", "test", "testing", "tests"})
_STRIPPED_RECORDS = frozenset({"INSTALLER", "RECORD", "REQUESTED", "direct_url.json"})
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the first that a zip file can say
_KEPT_SECONDS = 7 * 24 * 3600  # a build that nobody asked for in a week is made again


@dataclass(frozen=True)
class Asset:
    """A zip file, and the hash of what it was made from."""

    path: Path
    digest: str


class BuildFailed(RuntimeError):
    """The dependencies could not be brought together; the message is the installer's."""


def code(root: Path = ROOT) -> Asset:
    """Return the zip of our own code, building it where nothing like it was built before."""
    sources = list(_sources(root))
    digest = _digest(*(part for path in sources for part in (path.relative_to(root).as_posix().encode(), _read(path))))

    def lay_out(folder: Path) -> None:
        for path in sources:
            place = folder / path.relative_to(root)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
        _compile(folder, unpacked_at="/var/task")

    return _built(root, "code", digest, lay_out)


def layer(root: Path = ROOT, *, platform: str | None = LAMBDA, lock: str = "requirements.lock") -> Asset:
    """Return the zip of the dependencies for a platform, building it where nothing like it was built before.

    The first build downloads the wheels, through uv and its cache.

    Raises:
        BuildFailed: a wheel is missing for the platform, or its hash is not the one in the lock.
    """
    wanted = root / lock
    digest = _digest((platform or sys.platform + os.uname().machine).encode(), _read(wanted))

    def lay_out(folder: Path) -> None:
        packages = folder / "python"
        _install(wanted, packages, platform)
        _strip(packages)
        _compile(packages, unpacked_at="/opt/python")

    return _built(root, f"layer-{wanted.stem}-{platform or 'here'}", digest, lay_out)


def layers(root: Path = ROOT, *, platform: str | None = LAMBDA) -> dict[str, Asset]:
    """Return the zips of the layers that only some functions have, by the word that brings them.

    Raises:
        BuildFailed: as `layer`.
    """
    return {word: layer(root, platform=platform, lock=lock) for word, lock in LAYERS.items()}


def unpacked_size(asset: Asset) -> int:
    """Return how many bytes the asset takes once it is unpacked."""
    with zipfile.ZipFile(asset.path) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def unpack(asset: Asset, folder: Path) -> None:
    """Unpack the asset into a folder, as Lambda does into /var/task and /opt."""
    with zipfile.ZipFile(asset.path) as archive:
        archive.extractall(folder)


def _sources(root: Path) -> Iterator[Path]:
    for name in CODE:
        for path in sorted((root / name).rglob("*")):
            hidden = any(part.startswith(".") or part == "__pycache__" for part in path.relative_to(root).parts)
            if path.is_file() and not hidden and path.suffix not in NOT_SHIPPED:
                yield path


def _digest(*parts: bytes) -> str:
    # This file and the interpreter decide what a build looks like as much as the sources do.
    told = hashlib.sha256(sys.version.encode() + _read(Path(__file__)))
    for part in parts:
        told.update(len(part).to_bytes(8) + part)
    return told.hexdigest()[:32]


def _read(path: Path) -> bytes:
    return path.read_bytes()


def _built(root: Path, name: str, digest: str, lay_out: Callable[[Path], None]) -> Asset:
    builds = root / ".stormcom" / "build"
    path = builds / f"{name}-{digest}.zip"
    if path.exists():
        os.utime(path)
        return Asset(path, digest)
    builds.mkdir(mode=0o700, parents=True, exist_ok=True)
    (root / ".stormcom").chmod(0o700)
    # Whoever wants the same at the same time waits for it: a layer is a download and half a minute of compiling.
    with (builds / f"{name}.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=builds) as scratch:
                content, archive = Path(scratch, "content"), Path(scratch, "archive.zip")
                content.mkdir()
                lay_out(content)
                _zip(content, archive)
                archive.replace(path)  # at once, so that who does not wait for the lock reads a whole file
    _forget_old_builds(builds)
    return Asset(path, digest)


def _install(lock: Path, packages: Path, platform: str | None) -> None:
    wanted = [] if platform is None else ["--python-platform", platform, "--python-version", "3.13"]
    installer = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-config", "--python", sys.executable]
    exactly = ["--require-hashes", "--only-binary", ":all:", "--target", str(packages), "--requirements", str(lock)]
    done = subprocess.run(  # noqa: S603 -- our own words, and the paths of our own files
        [*installer, *wanted, *exactly], capture_output=True, text=True, check=False
    )
    if done.returncode:
        message = f"The layer for {platform or 'this machine'} could not be built.\n{done.stderr.strip()}"
        raise BuildFailed(message)


def _strip(packages: Path) -> None:
    descriptions = packages / "botocore" / "data"
    for found in sorted(packages.rglob("*"), reverse=True):  # children before their folder
        if found.is_dir():
            unused = found.parent == descriptions and found.name not in AWS_SERVICES
            if unused or found.name in _STRIPPED_FOLDERS:
                shutil.rmtree(found)
        elif found.suffix in _STRIPPED_SUFFIXES or found.name in _STRIPPED_RECORDS:
            found.unlink()


def _compile(folder: Path, *, unpacked_at: str) -> None:
    # A process of its own with a fixed hash seed, one file after the other: the same sources give the same bytes.
    command = [sys.executable, "-s", "-S", "-P", "-m", "compileall", "-q", "-s", str(folder), "-p", unpacked_at]
    command += ["--invalidation-mode", "unchecked-hash", str(folder)]
    subprocess.run(  # noqa: S603 -- our own words, and the paths of our own files
        command, check=True, env={"PYTHONHASHSEED": "0"}
    )


def _zip(folder: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as packed:
        for path in _files(folder):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _FIXED_TIME)
            entry.external_attr = (0o100644) << 16  # world-readable, as Lambda's user has to read it
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, _read(path))


def _files(folder: Path) -> Iterable[Path]:
    return sorted((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.as_posix())


def _forget_old_builds(builds: Path) -> None:
    for path in builds.glob("*.zip"):
        if clock.now().timestamp() - path.stat().st_mtime > _KEPT_SECONDS:
            path.unlink(missing_ok=True)
