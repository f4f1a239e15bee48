"""What merchants' values are read by: numbers as JSON or text has them, and the refusal of what does not fit."""

import re
from decimal import Decimal

_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
LONGEST = 40  # characters of a number


class Unfit(Exception):
    """A value does not fit what was defined: a stable code, and a sentence for who gave it."""

    def __init__(self, code: str, message: str) -> None:
        """See the class."""
        super().__init__(message)
        self.code = code
        self.message = message


def number(value: object) -> Decimal:
    """Read a JSON number or its decimal text.

    Raises:
        Unfit: it is neither; true and false are no numbers, and NaN and the infinities are none.
    """
    # A JSON number with a fraction arrives as Python's own; its text is the shortest that means it.
    told = "" if isinstance(value, bool) else str(value).strip()
    if len(told) > LONGEST or _NUMBER.fullmatch(told) is None:
        raise Unfit("not_a_number", "This is no number.")
    return Decimal(told)


def plain(value: Decimal) -> str:
    """Write a number as people do: 15.6, not 15.600000 and not 1.56E+1."""
    told = f"{value:f}"
    return told.rstrip("0").rstrip(".") if "." in told else told
