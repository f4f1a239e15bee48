"""Prices that somebody worked out by hand: worked_examples.csv, one cart a row, readable without this file.

A line is QUANTITYxUNIT_PRICE, with a minus where it is not taxed; amounts are paisa; lists go by spaces.
"""

import csv
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from shared.pricing.cart import LineToPrice, PricedCart, PricingContext, price_cart, replay

EXAMPLES = list(
    csv.DictReader((Path(__file__).parent / "worked_examples.csv").read_text(encoding="utf-8").splitlines())
)


def test_there_are_as_many_examples_as_the_rules_need() -> None:
    assert len(EXAMPLES) == 30
    assert len({example["example"] for example in EXAMPLES}) == 30


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example["example"]))
def test_a_cart_costs_what_was_worked_out_by_hand(example: Mapping[str, str]) -> None:
    priced = priced_as(example)

    assert [line.total for line in priced.lines] == numbers(example["line totals"])
    assert [line.discount for line in priced.lines] == numbers(example["line discounts"])
    assert [line.tax for line in priced.lines] == numbers(example["line taxes"])
    assert priced.subtotal == int(example["subtotal"])
    assert priced.discount == int(example["discount"])
    assert priced.tax == int(example["tax"])
    assert priced.shipping_tax == int(example["shipping tax"])
    assert priced.total == int(example["total"])
    assert replay(priced.trace) == int(example["total"])


def test_the_trace_of_a_line_says_where_each_number_comes_from() -> None:
    priced = price_cart(
        [LineToPrice(UUID(int=1), UUID(int=2), "MUG", 2, 10_000, taxable=True, compare_at=12_500)],
        context_of(rate="0.15", with_tax=False, shipping=6_000, off=5_000),
    )

    assert [(step.code, step.text, step.amount) for step in priced.lines[0].trace] == [
        ("unit_price", "2 × MUG at ৳100.00, instead of ৳125.00", 20_000),
        ("discount", "This line's share of ৳50.00 off the goods", -5_000),
        ("tax", "15 % tax on ৳150.00", 2_250),
    ]
    assert [(step.code, step.amount, step.counts) for step in priced.trace] == [
        ("line", 17_250, True),
        ("shipping", 6_000, True),
        ("shipping_tax", 900, True),
    ]


def test_tax_that_a_price_contains_is_explained_and_not_added() -> None:
    priced = price_cart(
        [LineToPrice(UUID(int=1), UUID(int=2), "MUG", 1, 11_500)],
        context_of(rate="0.15", with_tax=True, shipping=0, off=0),
    )

    explained = priced.lines[0].trace[-1]
    assert (explained.code, explained.text) == ("tax_included", "15 % tax, contained in ৳115.00")
    assert (explained.amount, explained.counts) == (1_500, False)


def priced_as(example: Mapping[str, str]) -> PricedCart:
    lines = []
    for number, text in enumerate(example["lines"].split(), start=1):
        quantity, unit_price = text.removesuffix("-").split("x")
        taxable = not text.endswith("-")
        lines.append(
            LineToPrice(
                UUID(int=number), UUID(int=100 + number), f"SKU-{number}", int(quantity), int(unit_price), taxable
            )
        )
    with_tax = {"with tax": True, "without tax": False}[example["prices"]]
    context = context_of(
        rate=example["rate"], with_tax=with_tax, shipping=int(example["shipping"]), off=int(example["off"])
    )
    return price_cart(lines, context)


def context_of(*, rate: str, with_tax: bool, shipping: int, off: int) -> PricingContext:
    return PricingContext(
        currency="BDT",
        tax_rate=Decimal(rate),
        prices_include_tax=with_tax,
        shipping=shipping,
        at=datetime(2026, 11, 21, 9, 0, tzinfo=UTC),
        discount=off,
    )


def numbers(text: str) -> list[int]:
    return [int(number) for number in text.split()]
