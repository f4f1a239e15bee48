"""What holds for every cart, whatever is in it."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.money import EXPONENTS, LARGEST
from shared.pricing.cart import LineToPrice, PricedCart, PricingContext, TotalTooLarge, price_cart, replay

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

amounts = st.integers(0, 10**9)
rates = st.integers(0, 10**6).map(lambda millionths: Decimal(millionths) / 10**6)
contexts = st.builds(
    PricingContext,
    currency=st.sampled_from(sorted(EXPONENTS)),
    tax_rate=rates,
    prices_include_tax=st.booleans(),
    shipping=amounts,
    at=st.just(AT),
    discount=st.one_of(st.just(0), amounts),
)
line_lists = st.lists(
    st.builds(
        LineToPrice,
        line_id=st.uuids(),
        variant_id=st.uuids(),
        sku=st.text(min_size=1, max_size=20),
        quantity=st.integers(1, 1000),
        unit_price=amounts,
        taxable=st.booleans(),
        compare_at=st.one_of(st.none(), amounts),
    ),
    max_size=30,
    unique_by=lambda line: line.line_id,
)


@given(line_lists, contexts)
def test_the_parts_add_up_to_the_total(lines: list[LineToPrice], context: PricingContext) -> None:
    priced = price_cart(lines, context)

    added = 0 if context.prices_include_tax else priced.tax + priced.shipping_tax
    assert priced.total == priced.subtotal - priced.discount + priced.shipping + added
    assert priced.subtotal == sum(line.subtotal for line in priced.lines)
    assert priced.discount == sum(line.discount for line in priced.lines)
    assert priced.tax == sum(line.tax for line in priced.lines)
    for line in priced.lines:
        assert line.subtotal == line.unit_price * line.quantity
        assert line.total == line.subtotal - line.discount + (0 if context.prices_include_tax else line.tax)


@given(line_lists, contexts)
def test_the_trace_reproduces_every_total(lines: list[LineToPrice], context: PricingContext) -> None:
    priced = price_cart(lines, context)

    assert replay(priced.trace) == priced.total
    assert all(replay(line.trace) == line.total for line in priced.lines)


@given(line_lists, contexts)
def test_discount_shares_are_exact_and_within_a_unit_of_proportion(
    lines: list[LineToPrice], context: PricingContext
) -> None:
    priced = price_cart(lines, context)

    assert priced.discount == min(context.discount, priced.subtotal)
    for line in priced.lines:
        assert 0 <= line.discount <= line.subtotal
        if priced.subtotal:
            assert abs(line.discount - Fraction(priced.discount * line.subtotal, priced.subtotal)) < 1


@given(line_lists, contexts)
def test_tax_is_the_exact_tax_rounded_half_even_once_a_line(lines: list[LineToPrice], context: PricingContext) -> None:
    rate = Fraction(context.tax_rate)
    share = rate / (1 + rate) if context.prices_include_tax else rate
    taxable = {line.line_id for line in lines if line.taxable}

    priced = price_cart(lines, context)

    for line in priced.lines:
        exact = (line.subtotal - line.discount) * share if line.line_id in taxable else Fraction(0)
        assert line.tax == round(exact)  # of a fraction, Python's round is exact, and half to even
    assert priced.shipping_tax == round(priced.shipping * share)


@given(line_lists, contexts)
def test_nothing_is_negative_and_tax_never_exceeds_what_it_is_on(
    lines: list[LineToPrice], context: PricingContext
) -> None:
    priced = price_cart(lines, context)

    assert priced.total >= 0
    for line in priced.lines:
        assert line.total >= 0
        assert 0 <= line.tax <= line.subtotal - line.discount


@given(line_lists, contexts, st.randoms(use_true_random=False))
def test_the_order_of_the_lines_never_matters(
    lines: list[LineToPrice], context: PricingContext, chance: object
) -> None:
    shuffled = list(lines)
    chance.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis' own Random

    one, other = price_cart(lines, context), price_cart(shuffled, context)

    assert {line.line_id: line for line in one.lines} == {line.line_id: line for line in other.lines}
    assert one.total == other.total


@given(line_lists, contexts, amounts)
def test_more_off_never_costs_more(lines: list[LineToPrice], context: PricingContext, more: int) -> None:
    without = price_cart(lines, with_discount(context, 0))

    less = price_cart(lines, with_discount(context, context.discount))
    least = price_cart(lines, with_discount(context, context.discount + more))

    assert least.total <= less.total + len(lines)  # each line's tax is rounded, which may be worth a unit
    assert least.subtotal - least.discount <= less.subtotal - less.discount <= without.subtotal


@given(line_lists, contexts)
def test_a_price_survives_its_json(lines: list[LineToPrice], context: PricingContext) -> None:
    priced = price_cart(lines, context)

    assert PricedCart.from_json(priced.as_json()) == priced


def test_what_no_payment_could_carry_is_refused() -> None:
    dear = LineToPrice(UUID(int=1), UUID(int=2), "PALACE", 1000, 10**13)

    with pytest.raises(TotalTooLarge) as refused:
        price_cart([dear], PricingContext("BDT", Decimal(0), prices_include_tax=True, shipping=0, at=AT))

    assert refused.value.code == "total_too_large"
    assert dear.quantity * dear.unit_price > LARGEST / 2


@pytest.mark.parametrize(("quantity", "unit_price"), [(0, 100), (-1, 100), (1, -1)])
def test_a_line_that_no_shop_sells_is_refused(quantity: int, unit_price: int) -> None:
    with pytest.raises(ValueError, match="nothing that a shop sells"):
        LineToPrice(UUID(int=1), UUID(int=2), "MUG", quantity, unit_price)


def test_two_lines_with_one_id_are_refused() -> None:
    line = LineToPrice(UUID(int=1), UUID(int=2), "MUG", 1, 100)

    with pytest.raises(ValueError, match="one id"):
        price_cart([line, line], PricingContext("BDT", Decimal(0), prices_include_tax=True, shipping=0, at=AT))


def with_discount(context: PricingContext, discount: int) -> PricingContext:
    return PricingContext(
        currency=context.currency,
        tax_rate=context.tax_rate,
        prices_include_tax=context.prices_include_tax,
        shipping=context.shipping,
        at=context.at,
        discount=discount,
    )
