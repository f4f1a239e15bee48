"""Money: it adds up, it never leaves its currency, it is never a float."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from shared.core import money
from shared.core.money import Currency, CurrencyMismatch, Money

amounts = st.integers(min_value=-(10**13), max_value=10**13)
weights = st.lists(st.integers(min_value=0, max_value=10**9), min_size=1, max_size=50)


class Price(BaseModel):
    price: Money
    currency: Currency = "BDT"


def test_every_currency_has_the_decimals_of_iso_4217() -> None:
    odd = {code: exponent for code, exponent in money.EXPONENTS.items() if exponent != 2}

    assert (money.EXPONENTS["BDT"], money.EXPONENTS["USD"], money.EXPONENTS["EUR"]) == (2, 2, 2)
    assert {code for code, exponent in odd.items() if exponent == 0} >= {
        "JPY",
        "KRW",
        "VND",
        "CLP",
        "ISK",
        "XOF",
        "UGX",
    }
    assert {code for code, exponent in odd.items() if exponent == 3} == {
        "BHD",
        "IQD",
        "JOD",
        "KWD",
        "LYD",
        "OMR",
        "TND",
    }
    assert {code for code, exponent in odd.items() if exponent == 4} == {"CLF", "UYW"}
    assert all(len(code) == 3 and code.isalpha() and code.isupper() for code in money.EXPONENTS)


@given(amounts, amounts, st.integers(min_value=-100, max_value=100))
def test_amounts_of_one_currency_reckon_as_their_minor_units_do(one: int, other: int, times: int) -> None:
    a, b = Money(one, "BDT"), Money(other, "BDT")

    assert (a + b, a - b, -a) == (Money(one + other, "BDT"), Money(one - other, "BDT"), Money(-one, "BDT"))
    assert (a * times, times * a) == (Money(one * times, "BDT"),) * 2
    assert (a < b, a <= b, a > b, a >= b, a == b) == (
        one < other,
        one <= other,
        one > other,
        one >= other,
        one == other,
    )
    assert sum([a, b], Money.zero("BDT")) == Money(one + other, "BDT")


def test_currencies_do_not_meet() -> None:
    taka, dollar = Money(100, "BDT"), Money(100, "USD")

    for meeting in (
        lambda: taka + dollar,
        lambda: taka - dollar,
        lambda: taka < dollar,
        lambda: taka <= dollar,
        lambda: taka > dollar,
        lambda: taka >= dollar,
    ):
        with pytest.raises(CurrencyMismatch, match="BDT and USD"):
            meeting()
    assert taka != dollar


@pytest.mark.parametrize("rate", [0.15, Decimal("0.15"), True, "2"])
def test_money_is_multiplied_by_whole_numbers_alone(rate: object) -> None:
    with pytest.raises(TypeError):
        Money(100, "BDT") * rate  # type: ignore[operator]  # the fact is that it is refused


def test_money_does_not_meet_plain_numbers() -> None:
    with pytest.raises(TypeError, match="Money meets money, not int"):
        Money(100, "BDT") + 1  # type: ignore[operator]  # the fact is that it is refused


@pytest.mark.parametrize(
    "wrong",
    [
        '{"amount": 12.5, "currency": "BDT"}',
        '{"amount": 12.0, "currency": "BDT"}',
        '{"amount": "12", "currency": "BDT"}',
        '{"amount": true, "currency": "BDT"}',
        '{"amount": 9007199254740992, "currency": "BDT"}',
        '{"amount": 12, "currency": "bdt"}',
        '{"amount": 12, "currency": "XAU"}',
        '{"amount": 12}',
        '{"amount": 12, "currency": "BDT", "cents": 5}',
    ],
)
def test_the_wire_takes_whole_minor_units_of_a_known_currency(wrong: str) -> None:
    with pytest.raises(ValidationError):
        Price.model_validate_json(f'{{"price": {wrong}}}')


def test_money_goes_over_the_wire_and_back() -> None:
    wire = '{"price":{"amount":129900,"currency":"BDT"},"currency":"USD"}'

    price = Price.model_validate_json(wire)

    assert price == Price(price=Money(129_900, "BDT"), currency="USD")
    assert price.model_dump_json() == wire


def test_money_made_in_python_is_checked_as_well() -> None:
    with pytest.raises(ValidationError, match="ISO 4217"):
        Money(1, "TAKA")


def test_money_can_be_a_key() -> None:
    counted = {Money(1, "BDT"): "one"}

    assert counted[Money(1, "BDT")] == "one"


@pytest.mark.parametrize(
    ("amount", "currency", "shown", "plain"),
    [
        (129_900, "BDT", "৳1,299.00", "BDT 1,299.00"),
        (-5, "BDT", "-৳0.05", "-BDT 0.05"),
        (0, "USD", "$0.00", "USD 0.00"),
        (1_299, "JPY", "¥1,299", "JPY 1,299"),
        (1_234_567, "KWD", "KWD\u00a01,234.567", "KWD 1,234.567"),
        (9_007_199_254_740_991, "BDT", "৳90,071,992,547,409.91", "BDT 90,071,992,547,409.91"),
    ],
)
def test_people_read_it_with_symbol_and_decimals(amount: int, currency: str, shown: str, plain: str) -> None:
    paid = Money(amount, currency)

    assert (paid.format(), str(paid)) == (shown, plain)


@pytest.mark.parametrize(
    ("exact", "rounded"),
    [("0.5", 0), ("1.5", 2), ("2.5", 2), ("-0.5", 0), ("-1.5", -2), ("2.4999", 2), ("2.5001", 3), ("7", 7)],
)
def test_a_half_goes_to_the_even_neighbour(exact: str, rounded: int) -> None:
    assert money.round_half_even(Decimal(exact)) == rounded


def test_rounding_is_exact_for_amounts_of_any_length() -> None:
    exact = Decimal("123456789012345678901234567890123456789.5")

    assert money.round_half_even(exact) == 123456789012345678901234567890123456790


@pytest.mark.parametrize("exact", ["NaN", "Infinity"])
def test_what_is_no_number_is_not_rounded(exact: str) -> None:
    with pytest.raises(ValueError, match="cannot be paid"):
        money.round_half_even(Decimal(exact))


@given(amounts, weights.filter(any))
def test_the_parts_add_up_and_each_is_within_a_unit_of_its_share(amount: int, shares: list[int]) -> None:
    parts = money.allocate(amount, shares)

    assert sum(parts) == amount
    for part, weight in zip(parts, shares, strict=True):
        assert abs(part - Fraction(amount * weight, sum(shares))) < 1
    assert money.allocate(-amount, shares) == [-part for part in parts]
    assert all(part == 0 for part, weight in zip(parts, shares, strict=True) if weight == 0)


@given(amounts, weights.filter(any))
def test_a_heavier_weight_never_bears_less(amount: int, shares: list[int]) -> None:
    parts = sorted(zip(shares, money.allocate(abs(amount), shares), strict=True))

    assert all(a[1] <= b[1] for a, b in pairwise(parts) if a[0] < b[0])


def test_among_equal_remainders_the_earlier_comes_first() -> None:
    assert money.allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert money.allocate(101, [1, 1, 1]) == [34, 34, 33]
    assert money.allocate(10, [70, 20, 15]) == [7, 2, 1]  # shares 6.67, 1.90 and 1.43


def test_nothing_splits_into_nothing() -> None:
    assert money.allocate(0, [0, 0]) == [0, 0]
    assert money.allocate(0, []) == []


@pytest.mark.parametrize("shares", [[], [0, 0]])
def test_an_amount_needs_somebody_to_bear_it(shares: list[int]) -> None:
    with pytest.raises(ValueError, match="positive weight"):
        money.allocate(1, shares)


def test_a_weight_is_not_negative() -> None:
    with pytest.raises(ValueError, match="not negative"):
        money.allocate(1, [2, -1])
