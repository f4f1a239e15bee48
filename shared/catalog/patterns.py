"""Patterns that merchants write for texts: a part of regular expressions that no text makes slow.

Characters, classes of them, and how often each comes; no groups, alternatives or references. So a match tries at most
as many ways as the product of what its repetitions allow, and that product is limited when the pattern is written.
"""

import re
from functools import lru_cache

MAX_PATTERN = 200  # characters
MAX_TEXT = 200  # characters of a text that has a pattern
_MAX_WAYS = 50_000  # some milliseconds of the worst text

_ITEM = re.compile(
    r"""
    (?P<one> \[\^?(?:[^\]\[\\&|~] | \\[dws\\\[\].+*?(){}|^$/-])+\] | \\[dws\\\[\].+*?(){}|^$/-] | [^\\\[\](){}|^$*+?] )
    (?: (?P<mark>[*+?]) | \{(?P<least>[0-9]{1,3})(?:,(?P<most>[0-9]{1,3}))?\} )?
    """,
    re.VERBOSE,
)


class UnsafePattern(ValueError):
    """The pattern is none that is taken; the text says why."""


def check(pattern: str) -> None:
    """Refuse a pattern that is not of the part that is taken.

    Raises:
        UnsafePattern: it is too long, holds something else than characters, classes and counts, or could be slow.
    """
    ways, place = 1, 0
    if len(pattern) > MAX_PATTERN:
        raise UnsafePattern(f"A pattern has at most {MAX_PATTERN} characters.")
    while place < len(pattern):
        item = _ITEM.match(pattern, place)
        if item is None:
            raise UnsafePattern(
                f"What stands at character {place + 1} is not taken: a pattern has characters, classes such as [A-Z] "
                r"and \d, and counts such as {2,4}, and no groups or alternatives.",
            )
        ways *= _ways(item)
        place = item.end()
    if ways > _MAX_WAYS:
        raise UnsafePattern("This pattern could match in too many ways: say how often its parts come, as in {2,4}.")
    try:
        re.compile(pattern)
    except re.error as wrong:
        raise UnsafePattern(f"This is no pattern: {wrong.msg}.") from None


def matches(pattern: str, text: str) -> bool:
    """Tell whether the whole text is as a checked pattern says; a text over `MAX_TEXT` characters is not."""
    return len(text) <= MAX_TEXT and _compiled(pattern).fullmatch(text) is not None


def _ways(item: re.Match[str]) -> int:
    if item["mark"]:
        return 2 if item["mark"] == "?" else MAX_TEXT
    if item["most"]:
        return max(int(item["most"]) - int(item["least"]) + 1, 1)
    return 1


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
