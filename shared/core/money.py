"""Money: integer minor units and an ISO 4217 currency; never a float.

Rates are `Decimal`; what they make of an amount is rounded half-even, once, at the line. What is split adds up again.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, Strict, WithJsonSchema
from pydantic.dataclasses import dataclass

LARGEST = 2**53 - 1  # minor units; beyond it, JavaScript's readers of our JSON would lose the last digits

_CODES_BY_EXPONENT = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY
        COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS
        INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR
        MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP
        STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

EXPONENTS: dict[str, int] = {code: exponent for exponent, codes in _CODES_BY_EXPONENT.items() for code in codes.split()}
"""How many decimals each currency of ISO 4217 has. Metals and test codes, which have no minor unit, are not money."""

# The symbols of Unicode's CLDR for English, where they mean one currency, and the taka's own. Others show their code.
_SYMBOLS = {
    "AUD": "A$",
    "BDT": "৳",
    "BRL": "R$",
    "CAD": "CA$",
    "CNY": "CN¥",
    "EUR": "€",
    "GBP": "£",
    "HKD": "HK$",
    "ILS": "₪",
    "INR": "₹",
    "JPY": "¥",
    "KRW": "₩",
    "MXN": "MX$",
    "NZD": "NZ$",
    "PHP": "₱",
    "TWD": "NT$",
    "USD": "$",
    "VND": "₫",
}


class CurrencyMismatch(TypeError):
    """Two amounts of different currencies were added, subtracted or compared. A bug, never a caller's mistake."""


def _known(code: str) -> str:
    if code not in EXPONENTS:
        message = "a currency is an ISO 4217 code in capitals, such as BDT"
        raise ValueError(message)
    return code


Currency = Annotated[
    str,
    AfterValidator(_known),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["BDT"], "description": "ISO 4217."}),
]
"""An ISO 4217 code: "BDT"."""

MinorUnits = Annotated[int, Strict(), Field(ge=-LARGEST, le=LARGEST)]
"""An amount in the currency's smallest unit: 129900 is 1,299.00 taka, 1299 yen is 1299."""


@dataclass(frozen=True, order=False, config=ConfigDict(extra="forbid"))
class Money:
    """An amount of one currency: `Money(129900, "BDT")`, on the wire `{"amount": 129900, "currency": "BDT"}`.

    Adds, subtracts and compares within its currency, multiplies by whole numbers. Equality across currencies is False,
    order across them is refused. A share or a rate goes through `allocate` or `round_half_even`.
    """

    amount: MinorUnits
    currency: Currency

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Return nothing of that currency: where a `sum` begins."""
        return cls(0, currency)

    def format(self) -> str:
        """Write it for people, with the symbol where it means one currency: "৳1,299.00", "CHF 1,299.00"."""
        symbol = _SYMBOLS.get(self.currency, self.currency + "\N{NO-BREAK SPACE}")
        return f"{self._sign}{symbol}{self._digits}"

    def __str__(self) -> str:
        """Write it with its code, in ASCII: "BDT 1,299.00". What an SMS of 160 characters can hold."""
        return f"{self._sign}{self.currency} {self._digits}"

    def __add__(self, other: "Money") -> "Money":
        """Add an amount of the same currency."""
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        """Subtract an amount of the same currency."""
        return Money(self.amount - self._same(other), self.currency)

    def __mul__(self, times: int) -> "Money":
        """Multiply by a whole number. A rate is no whole number: round explicitly."""
        if type(times) is not int:  # a bool is an int to Python, and a Decimal or float never is one
            return NotImplemented
        return Money(self.amount * times, self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> "Money":
        """Return the same amount the other way."""
        return Money(-self.amount, self.currency)

    def __lt__(self, other: "Money") -> bool:
        """Compare within one currency."""
        return self.amount < self._same(other)

    def __le__(self, other: "Money") -> bool:
        """Compare within one currency."""
        return self.amount <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        """Compare within one currency."""
        return self.amount > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        """Compare within one currency."""
        return self.amount >= self._same(other)

    @property
    def _sign(self) -> str:
        return "-" if self.amount < 0 else ""

    @property
    def _digits(self) -> str:
        exponent = EXPONENTS[self.currency]
        return f"{Decimal(abs(self.amount)).scaleb(-exponent):,.{exponent}f}"

    def _same(self, other: object) -> int:
        if not isinstance(other, Money):
            message = f"Money meets money, not {type(other).__name__}."
            raise TypeError(message)
        if other.currency != self.currency:
            message = f"{self.currency} and {other.currency} do not meet without an exchange rate."
            raise CurrencyMismatch(message)
        return other.amount


def round_half_even(exact: Decimal) -> int:
    """Round an exact number of minor units to whole ones; a half goes to the even neighbour, so errors do not add up.

    Raises:
        ValueError: it is not a number.
    """
    if not exact.is_finite():
        message = f"{exact} minor units cannot be paid."
        raise ValueError(message)
    return int(exact.to_integral_value(rounding=ROUND_HALF_EVEN))


def allocate(amount: int, weights: Sequence[int]) -> list[int]:
    """Split `amount` in proportion to `weights`; the parts add up exactly, and each is within one unit of its share.

    What division leaves over goes to the largest remainders; among equal ones the earlier comes first. A negative
    amount splits as its opposite does.

    Raises:
        ValueError: a weight is negative, or there is an amount and no weight that could bear it.
    """
    whole = sum(weights)
    if any(weight < 0 for weight in weights):
        message = "Weights of an allocation are not negative."
        raise ValueError(message)
    if amount == 0:
        return [0] * len(weights)
    if whole == 0:
        message = "An amount needs at least one positive weight to be allocated to."
        raise ValueError(message)
    shares = [divmod(abs(amount) * weight, whole) for weight in weights]
    parts = [quotient for quotient, _ in shares]
    by_remainder = sorted(range(len(shares)), key=lambda place: -shares[place][1])  # stable: the earlier first
    for place in by_remainder[: abs(amount) - sum(parts)]:
        parts[place] += 1
    return parts if amount > 0 else [-part for part in parts]
