"""The rules about files: their names, their length, where they stand, and what no text may name."""

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from tests.rules.sources import Source

MOST_LINES = 400
EXCEPTIONS: frozenset[str] = frozenset()  # files that may be longer: none

_SAY_NOTHING = {"base", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
_TOP_LEVEL = {
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "cdk.json",
    "events",
    "functions",
    "infra",
    "migrations",
    "pyproject.toml",
    "requirements-dev.lock",
    "requirements-media.lock",
    "requirements.lock",
    "shared",
    "tests",
}

# Put together here, so that this file does not name them either.
_REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("deb", "debian", "org"),
        ("proxy", "golang", "org"),
        ("crates", "io"),
    )
)


def too_long(sources: Iterable[Source]) -> list[str]:
    """Return the Python files that no reader can keep in mind."""
    return [
        f"{source.path}: {lines} lines, and {MOST_LINES} are the most. Find the second capability in it, and give it "
        "a file of its own, named for what it does."
        for source in sources
        if (lines := source.text.count("\n")) > MOST_LINES and str(source.path) not in EXCEPTIONS
    ]


def names_that_say_nothing(sources: Iterable[Source]) -> list[str]:
    """Return the Python files and folders whose name could hold anything, and in time will."""
    return [
        f"{source.path}: {', '.join(sorted(empty))} says nothing. Name the file for what it does: placement, refunds."
        for source in sources
        if (empty := {word for part in source.path.with_suffix("").parts for word in part.split("_")} & _SAY_NOTHING)
    ]


def strays(paths: Iterable[PurePosixPath]) -> list[str]:
    """Return what stands at the top of the project and does not belong there."""
    tops = {path.parts[0] for path in paths}
    return [
        f"{top}: the top level is fixed. Prose lives in the README of the folder that it binds, code in "
        "infra, functions, shared, migrations, events or tests."
        for top in sorted(tops)
        if top not in _TOP_LEVEL and not top.startswith(".")
    ]


def folders_without_a_capability(sources: Iterable[Source]) -> list[str]:
    """Return the packages that hold an `__init__.py` and nothing else."""
    sources = list(sources)
    packages = {source.path.parent for source in sources if source.path.name == "__init__.py"}
    filled = {folder for source in sources if source.path.name != "__init__.py" for folder in source.path.parents}
    return [
        f"{package}: a package without a capability. It appears with its first one, not before."
        for package in sorted(packages - filled)
    ]


def hosts_and_homes(texts: Mapping[PurePosixPath, str], machine: Iterable[Path]) -> list[str]:
    """Return the files that name a package registry's host, or one of this machine's own folders."""
    places = [place for path in machine if len(place := f"{path}/") > len("/a/")]
    return [
        f"{path}: names {named}. Whoever installs brings an index of their own, and another machine has other folders."
        for path, text in texts.items()
        for named in (*_REGISTRIES, *places)
        if named in text
    ]


def readable(root: Path, paths: Iterable[PurePosixPath]) -> dict[PurePosixPath, str]:
    """Return the text of every file that is text."""
    texts = {}
    for path in paths:
        try:
            texts[path] = (root / path).read_text("utf-8")
        except UnicodeDecodeError:
            continue  # a picture or the like
    return texts
