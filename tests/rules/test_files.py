"""Where files stand, what they are called, how long they are."""

import subprocess
from pathlib import Path, PurePosixPath

from tests.rules import file_rules
from tests.rules.sources import ROOT, Source, python_sources, tracked


def test_no_file_outgrows_a_reader() -> None:
    offences = file_rules.too_long(python_sources())

    assert not offences, "\n".join(offences)
    assert frozenset() == file_rules.EXCEPTIONS


def test_a_file_of_401_lines_is_found() -> None:
    longest = Source(PurePosixPath("shared/orders/placement.py"), "x = 1\n" * 400)
    too_long = Source(PurePosixPath("shared/orders/refunds.py"), "x = 1\n" * 401)

    offences = file_rules.too_long([longest, too_long])

    assert len(offences) == 1
    assert offences[0].startswith("shared/orders/refunds.py: 401 lines")


def test_every_name_says_what_is_inside() -> None:
    offences = file_rules.names_that_say_nothing(python_sources())

    assert not offences, "\n".join(offences)


def test_a_name_that_says_nothing_is_found() -> None:
    empty = ["shared/orders/utils.py", "shared/common/money.py", "tests/order_helpers.py", "shared/core/base.py"]
    good = ["shared/orders/placement.py", "shared/core/database.py", "shared/orders/utilization.py"]

    offences = file_rules.names_that_say_nothing(Source(PurePosixPath(name), "") for name in empty + good)

    assert [offence.split(":")[0] for offence in offences] == empty


def test_the_top_level_is_as_the_house_was_drawn() -> None:
    offences = file_rules.strays(tracked())

    assert not offences, "\n".join(offences)


def test_a_stray_at_the_top_is_found() -> None:
    paths = [PurePosixPath(path) for path in ("docs/why.md", "uv.lock", "shared/core/ids.py", ".ci/run", "README.md")]

    offences = file_rules.strays(paths)

    assert [offence.split(":")[0] for offence in offences] == ["docs", "uv.lock"]


def test_no_folder_waits_for_its_first_capability() -> None:
    offences = file_rules.folders_without_a_capability(python_sources())

    assert not offences, "\n".join(offences)


def test_an_empty_package_is_found() -> None:
    paths = ("shared/__init__.py", "shared/orders/__init__.py", "shared/orders/refunds.py", "shared/later/__init__.py")

    offences = file_rules.folders_without_a_capability(Source(PurePosixPath(path), "") for path in paths)

    assert [offence.split(":")[0] for offence in offences] == ["shared/later"]


def test_no_text_names_a_registry_or_this_machine() -> None:
    texts = file_rules.readable(ROOT, tracked())

    offences = file_rules.hosts_and_homes(texts, machine=(ROOT, Path.home()))

    assert len(texts) > 0
    assert not offences, "\n".join(offences)


def test_a_registry_and_a_path_of_the_machine_are_found() -> None:
    texts = {
        PurePosixPath("requirements.lock"): "--index-url https://" + "pypi" + ".org/simple\n",
        PurePosixPath("Makefile"): "dev:\n\tcd /home/sam/stormcom/infra\n",
        PurePosixPath("README.md"): "make dev\n",
    }

    offences = file_rules.hosts_and_homes(texts, machine=(Path("/home/sam/stormcom"), Path("/")))

    assert [offence.split(":")[0] for offence in offences] == ["requirements.lock", "Makefile"]


def test_the_rules_see_new_files_and_no_ignored_or_deleted_ones(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text("*.pyc\n")
    (tmp_path / "gone.py").write_text("x = 1\n")
    subprocess.run(["git", "add", "gone.py"], cwd=tmp_path, check=True)
    (tmp_path / "gone.py").unlink()
    (tmp_path / "new.py").write_text("x = 1\n")
    (tmp_path / "new.pyc").write_text("")

    assert tracked(tmp_path) == [PurePosixPath(".gitignore"), PurePosixPath("new.py")]
