"""The tables of threats and of the standard's rows, read from their Markdown."""

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
NAMES = ("stride", "asvs")

_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


@dataclass(frozen=True)
class Row:
    """A row of a table: its first cell, all of its text, and the tests that it names as `file::name`."""

    name: str
    text: str
    tests: tuple[str, ...]


def rows(table: str) -> list[Row]:
    """Return the rows of a table, without its head."""
    lines = [line for line in (HERE / f"{table}.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return [_row(line) for line in lines[1:]]


def missing(tests: tuple[str, ...]) -> list[str]:
    """Return which of these tests there are not."""
    return [test for test in tests if test.partition("::")[2] not in _tests_of(test.partition("::")[0])]


def _row(line: str) -> Row:
    name = line.split("|")[1].strip()
    return Row(name, line, tuple("::".join(found) for found in _TEST.findall(line)))


@cache
def _tests_of(path: str) -> frozenset[str]:
    file = ROOT / path
    if not file.exists():
        return frozenset()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))
