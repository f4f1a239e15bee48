"""What is shipped: small enough, the same every time, and whole."""

import ast
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import assets
from infra.assets import Asset
from tests.infra.runtime_api import ISOLATED, Unpacked

MEGABYTE = 1_000_000
MOST_UNPACKED = 250 * MEGABYTE  # Lambda's limit for code and layers together
IN_A_LAYER_OF_ITS_OWN = {"PIL"}  # see test_pictures.py
MOST_ZIPPED = 50 * MEGABYTE  # a layer that is uploaded directly


@pytest.fixture(scope="module")
def layer() -> Asset:
    """Build the layer for Lambda."""
    return assets.layer()


def test_code_and_layer_fit_into_a_function(layer: Asset, capsys: pytest.CaptureFixture[str]) -> None:
    code = assets.code()

    zipped = layer.path.stat().st_size
    unpacked = assets.unpacked_size(layer) + assets.unpacked_size(code)

    with capsys.disabled():
        print(f"\nlayer {zipped / MEGABYTE:.1f} MB zipped, all {unpacked / MEGABYTE:.1f} MB unpacked")  # noqa: T201 -- a figure to watch
    assert zipped < MOST_ZIPPED
    assert unpacked < MOST_UNPACKED


def test_the_layer_holds_binaries_for_arm64_alone(layer: Asset) -> None:
    with zipfile.ZipFile(layer.path) as archive:
        machines = {
            int.from_bytes(archive.read(name)[18:20], "little") for name in archive.namelist() if name.endswith(".so")
        }

    assert machines == {183}  # EM_AARCH64


def test_the_layer_is_stripped_and_brings_its_bytecode(layer: Asset) -> None:
    with zipfile.ZipFile(layer.path) as archive:
        names = archive.namelist()

    suffixes = {Path(name).suffix for name in names}
    assert not suffixes & {".pyi", ".pyx", ".c", ".exe"}
    assert not [name for name in names if "/tests/" in name or name.endswith("/RECORD")]
    assert "python/pydantic/__pycache__/main.cpython-313.pyc" in names
    services = {
        name.split("/")[3] for name in names if name.startswith("python/botocore/data/") and name.count("/") > 4
    }
    assert services == assets.AWS_SERVICES


def test_every_aws_service_that_the_code_calls_is_in_the_layer() -> None:
    called = {service for path in _sources() for service in _clients(path)}

    assert called
    assert called <= assets.AWS_SERVICES


def test_bytecode_is_never_compared_with_a_time_that_a_zip_does_not_keep(layer: Asset) -> None:
    with zipfile.ZipFile(layer.path) as archive:
        compiled = archive.read("python/pydantic/__pycache__/main.cpython-313.pyc")

    assert int.from_bytes(compiled[4:8], "little") == 0b01  # by hash, unchecked


def test_the_same_sources_make_the_same_bytes(tmp_path: Path) -> None:
    one, other = (_copy(tmp_path / name) for name in ("one", "other"))

    first, second = assets.code(one), assets.code(other)

    assert first.digest == second.digest
    assert first.path.read_bytes() == second.path.read_bytes()


def test_a_changed_source_makes_another_asset_and_an_unchanged_one_is_found_again(tmp_path: Path) -> None:
    root = _copy(tmp_path)
    built = assets.code(root)
    made = built.path.stat().st_ino

    again = assets.code(root)
    (root / "shared" / "core" / "clock.py").write_text("now = None\n", encoding="utf-8")
    changed = assets.code(root)

    assert again.path.stat().st_ino == made
    assert changed.digest != built.digest


def test_a_wheel_whose_hash_is_not_the_locks_is_refused(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"six==1.17.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")

    with pytest.raises(assets.BuildFailed, match=r"Hash mismatch for `six==1\.17\.0`"):
        assets.layer(tmp_path)

    assert list((tmp_path / ".stormcom" / "build").glob("*.zip")) == []


def test_builds_are_nobody_elses_business(tmp_path: Path) -> None:
    assets.code(_copy(tmp_path))

    assert (tmp_path / ".stormcom").stat().st_mode & 0o777 == 0o700


def test_everything_that_the_code_imports_is_shipped_also_what_is_imported_late(unpacked: Unpacked) -> None:
    imported = sorted({module for path in _sources() for module in _imports(path)} - IN_A_LAYER_OF_ITS_OWN)
    script = (
        "import importlib, sys\nsys.path[:0] = sys.argv[1:3]\nmissing = []\n"
        "for name in sys.argv[3:]:\n"
        "    try: importlib.import_module(name)\n"
        "    except ModuleNotFoundError as error: missing.append(f'{name}: {error}')\n"
        "sys.exit('\\n'.join(missing) or 0)\n"
    )
    # What a library of ours imports late itself, and only where it is asked for what we ask it for.
    imported.append("aws_xray_sdk.core")  # Powertools' Tracer

    done = subprocess.run(
        [*ISOLATED, "-c", script, str(unpacked.task), str(unpacked.packages), *imported],
        env={"LAMBDA_TASK_ROOT": "/var/task"},  # outside Lambda, X-Ray's library asks a service for what to sample
        cwd=unpacked.task,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert done.returncode == 0


def _copy(root: Path) -> Path:
    for name in assets.CODE:
        shutil.copytree(assets.ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    return root


def _sources() -> Iterator[Path]:
    for name in assets.CODE:
        yield from sorted((assets.ROOT / name).rglob("*.py"))


def _clients(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="client" | "resource"), args=[ast.Constant(value=str(service)), *_]
            ) if "boto3" in ast.dump(node.func):
                yield service


def _imports(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for block in ast.walk(tree):
        # What stands under TYPE_CHECKING is never imported; its nodes are emptied before the walk comes to them.
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING":
            block.body = []
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module)):
                yield module
            case _:
                pass
