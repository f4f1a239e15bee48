"""What single cells mean: amounts, yes and no, weights; and how a text is written so that no spreadsheet runs it."""

import re
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from shared.core.money import EXPONENTS

_LARGEST: Final = 10**12  # minor units
_NUMBER = re.compile(r"[+-]?\d{1,18}(?:\.\d{1,18})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,12}(?:\.0{1,6})?", re.ASCII)
_YES = frozenset({"true", "yes", "1", "y"})
_NO = frozenset({"false", "no", "0", "n"})

# A spreadsheet runs what begins so; one apostrophe in front makes it text. Where a text has apostrophes before such a
# beginning, it gets one more, so that taking one away always gives what was there.
_RUNS = re.compile(r"'*[=+\-@\t\r]")
_MADE_TEXT = re.compile(r"'+[=+\-@\t\r]")
# Codes of digits go with an apostrophe, too, in files of Shopify: "'0123456789".
_CODE_MADE_TEXT = re.compile(r"'+[=+\-@\t\r0-9]")
_CODE_RUNS = re.compile(r"'*[=+\-@\t\r]|'+[0-9]")


class BadCell(ValueError):
    """A cell does not say what its column is for; `code` is stable, the text is for the merchant."""

    def __init__(self, code: str, message: str) -> None:
        """See the class."""
        super().__init__(message)
        self.code = code


def amount(text: str, currency: str) -> int:
    """Read an amount of money as minor units: "1299", "1299.00"; no sign of a currency, no separator of thousands.

    Raises:
        BadCell: it is no number, is below zero, too large, or has more decimals than the currency.
    """
    exponent = EXPONENTS[currency]
    number = _number(text, "an amount such as 1299.00")
    if number < 0:
        raise BadCell("below_zero", f"{_shown(text)} is below zero.")
    exact = number.scaleb(exponent)
    if exact != exact.to_integral_value():
        raise BadCell("too_many_decimals", f"{_shown(text)} has more decimals than {currency} has ({exponent}).")
    if exact > _LARGEST:
        raise BadCell("too_large", f"{_shown(text)} is more than can be asked for anything.")
    return int(exact)


def written_amount(minor: int | None, currency: str) -> str:
    """Write an amount as `amount` reads it; nothing for None."""
    if minor is None:
        return ""
    exponent = EXPONENTS[currency]
    return f"{Decimal(minor).scaleb(-exponent):.{exponent}f}"


def units(text: str) -> int:
    """Read a number of pieces, which may be below zero: what is owed.

    Raises:
        BadCell: it is no whole number.
    """
    if not _WHOLE.fullmatch(text):
        raise BadCell("no_whole_number", f"{_shown(text)} is no whole number.")
    return int(Decimal(text))


def grams(text: str) -> int:
    """Read a weight in grams, rounded to whole ones.

    Raises:
        BadCell: it is no number, below zero, or more than any parcel weighs.
    """
    number = _number(text, "a weight in grams such as 250")
    if number < 0:
        raise BadCell("below_zero", f"{_shown(text)} is below zero.")
    if number > 10**9:
        raise BadCell("too_large", f"{_shown(text)} grams is more than any parcel weighs.")
    return int(number.to_integral_value(rounding=ROUND_HALF_EVEN))


def yes(text: str) -> bool:
    """Read yes or no.

    Raises:
        BadCell: it is neither.
    """
    word = text.casefold()
    if word not in _YES | _NO:
        raise BadCell("no_yes_or_no", f"{_shown(text)} is neither TRUE nor FALSE.")
    return word in _YES


def harmless(text: str, *, code: bool = False) -> str:
    """Write a text so that no spreadsheet takes it for a formula; `code`: it is a SKU or barcode."""
    return f"'{text}" if (_CODE_RUNS if code else _RUNS).match(text) else text


def meant(text: str, *, code: bool = False) -> str:
    """Read a text back that `harmless` may have written; what begins as a formula is text like any other."""
    return text[1:] if (_CODE_MADE_TEXT if code else _MADE_TEXT).match(text) else text


def _number(text: str, wanted: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        hint = " Leave out separators of thousands." if "," in text else ""
        raise BadCell("no_number", f"{_shown(text)} is not {wanted}.{hint}")
    return Decimal(text)


def _shown(text: str) -> str:
    """Return the beginning of a cell, as it may stand in a sentence."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    return f'"{plain[:40]}…"' if len(plain) > 40 else f'"{plain}"'  # noqa: PLR2004 -- what fits a line


def tags_of(text: str) -> list[str]:
    """Read a list of tags; a comma that belongs to one has a backslash before it."""
    return [tag.replace("\\,", ",").strip() for tag in re.split(r"(?<!\\),", text) if tag.strip()]


def written_tags(tags: list[str]) -> str:
    """Write tags as `tags_of` reads them."""
    return ", ".join(tag.replace(",", "\\,") for tag in tags)
