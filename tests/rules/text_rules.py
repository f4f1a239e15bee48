"""The rules about how files read: suppressions, promises, tests that are sentences."""

import ast
import re
from collections.abc import Iterator

from tests.rules.rule import Rule, everywhere, inside
from tests.rules.sources import Source, dotted, imported

_SUPPRESSION = re.compile(r"#\s*(?:noqa|type:\s*ignore|ruff:|mypy:|fmt:\s*(?:off|skip)|pragma:)")
_EXPLAINED = re.compile(
    r"#\s*(?:(?:ruff:\s*)?noqa:\s*[A-Z]+\d+(?:\s*,\s*[A-Z]+\d+)*|type:\s*ignore\[[a-z, -]+\])"
    r"\s*(?:--?|#)\s*(?P<reason>\S+\s+\S+.*)",
)
_PROMISE = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")
_ISSUE = re.compile(r"#\d+\b|\bissue \d+\b")
_SKIPS = {"skip", "skipif", "xfail", "importorskip"}
_FEWEST_WORDS = 4


def _unexplained(source: Source) -> Iterator[int]:
    for line, comment in source.comments:
        if _SUPPRESSION.search(comment) and not _EXPLAINED.search(comment):
            yield line


def _promises(source: Source) -> Iterator[int]:
    for line, comment in source.comments:
        if _PROMISE.search(comment) and not _ISSUE.search(comment):
            yield line


def _stubs(source: Source) -> Iterator[int]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Name) and node.id == "NotImplementedError":
            yield node.lineno


def _is_test_file(source: Source) -> bool:
    return source.within("tests") and source.path.name.startswith("test_")


def _short_names(source: Source) -> Iterator[int]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            words = [word for word in node.name.removeprefix("test_").split("_") if word]
            if len(words) < _FEWEST_WORDS:
                yield node.lineno


def _test_classes(source: Source) -> Iterator[int]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            yield node.lineno


def _skips(source: Source) -> Iterator[int]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr in _SKIPS and dotted(node).startswith("pytest."):
            yield node.lineno
    yield from (line for line, name in imported(source.tree) if name in {f"pytest.{skip}" for skip in _SKIPS})


def _sleeps(source: Source) -> Iterator[int]:
    # Between two looks, in a loop with a deadline, is how one waits for another process; any other sleep is a bet.
    waits = [node for node in ast.walk(source.tree) if isinstance(node, ast.While | ast.For)]
    polling = {id(inner) for loop in waits for inner in ast.walk(loop)}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and dotted(node.func) in ("time.sleep", "sleep") and id(node) not in polling:
            yield node.lineno


RULES = (
    Rule(
        says="A suppression names its code and its reason.",
        applies=everywhere,
        find=_unexplained,
        instead="Write `noqa: CODE -- why this once` or `type: ignore[code] # why`; better, mend the line.",
        where="shared/orders/placement.py",
        offence="import os  # noqa: F401\nx = 1  # type: ignore\n",
        remedy="import os  # noqa: F401 -- for the console\nx = 1  # type: ignore[misc]  # no types there\n",
    ),
    Rule(
        says="A promise in a comment is kept by nobody.",
        applies=everywhere,
        find=_promises,
        instead="Do it now, or open an issue and name it: `TODO: ... #12`.",
        where="shared/orders/placement.py",
        offence="# TO" + "DO: handle refunds\n",
        remedy="# TO" + "DO: handle refunds, issue 12\nname = 'a TO" + "DO in a string is data'\n",
    ),
    Rule(
        says="There are no stubs.",
        applies=inside("functions", "infra", "migrations", "shared"),
        find=_stubs,
        instead="Write it, or leave it out until its first use; an interface is a Protocol or an abstract method.",
        where="shared/payments/gateways.py",
        offence="def refund():\n    raise NotImplementedError\n",
        remedy="from typing import Protocol\nclass Gateway(Protocol):\n    def refund(self) -> None: ...\n",
    ),
    Rule(
        says="A test's name is a sentence.",
        applies=_is_test_file,
        find=_short_names,
        instead="Say what holds, as a product owner would: test_an_order_that_cannot_be_filled_reserves_nothing.",
        where="tests/orders/test_placement.py",
        offence="def test_place_order(): ...\n",
        remedy="def test_the_total_is_the_shop_price_whatever_the_client_sends(): ...\n",
    ),
    Rule(
        says="Tests are functions.",
        applies=_is_test_file,
        find=_test_classes,
        instead="A file is group enough; what tests share is a builder or a fixture.",
        where="tests/orders/test_placement.py",
        offence="class TestPlacement:\n    pass\n",
        remedy="def test_an_order_of_nothing_is_refused(): ...\n",
    ),
    Rule(
        says="No test is skipped.",
        applies=inside("tests"),
        find=_skips,
        instead="Make it run everywhere, let it fail with the sentence that says what is missing, or delete it.",
        where="tests/orders/test_placement.py",
        offence="import pytest\n@pytest.mark.skip\ndef test_an_order_of_nothing_is_refused(): ...\n",
        remedy="import pytest\n@pytest.mark.parametrize('n', [1])\ndef test_an_order_of_nothing_is_refused(n): ...\n",
    ),
    Rule(
        says="A test that sleeps bets on the machine.",
        applies=inside("tests", but=("tests/bench",)),
        find=_sleeps,
        instead="Set the clock, wait on an event, or look again in a loop until a deadline.",
        where="tests/orders/test_placement.py",
        offence="import time\ntime.sleep(1)\n",
        remedy="import time\nwhile not done():\n    time.sleep(0.01)\n",
    ),
)
