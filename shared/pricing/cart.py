"""Pricing a cart: every amount of it, and for each the steps that led there. The package's docstring is the rule."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from shared.core import money
from shared.core.errors import Problem
from shared.core.money import Money


class TotalTooLarge(Problem):
    """The cart costs more than any payment could carry."""

    status = 422
    code = "total_too_large"
    title = "Total too large"


@dataclass(frozen=True, slots=True)
class LineToPrice:
    """What is wanted of one variant, and what one unit costs now. Amounts are minor units of the context's currency."""

    line_id: UUID
    variant_id: UUID
    sku: str
    quantity: int
    unit_price: int
    taxable: bool = True
    compare_at: int | None = None  # what one unit used to cost, where the shop says so

    def __post_init__(self) -> None:
        """Refuse what no shop sells: the caller has checked its input long before."""
        if self.quantity < 1 or self.unit_price < 0:
            message = f"A quantity of {self.quantity} at {self.unit_price} is nothing that a shop sells."
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class PricingContext:
    """All that a price depends on besides the lines.

    `shipping` is what the store charges for the cart, stated as its prices are: with or without tax. `discount` is what
    somebody decided to take off the goods as a whole; more than the goods cost is cut to that. `at` is the moment for
    which the price holds.
    """

    currency: str
    tax_rate: Decimal  # 0.15 is 15 %
    prices_include_tax: bool
    shipping: int
    at: datetime
    discount: int = 0

    def __post_init__(self) -> None:
        """Refuse rates and amounts that would make a price negative."""
        if not 0 <= self.tax_rate <= 1 or self.shipping < 0 or self.discount < 0:
            message = f"No price follows from rate {self.tax_rate}, shipping {self.shipping}, discount {self.discount}."
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a calculation: a stable code, a sentence for people, and the amount.

    `counts`: the amount is added to the total; otherwise it explains what is contained in another step.
    """

    code: str
    text: str
    amount: int
    counts: bool = True


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A line with its price: `total` = `subtotal` - `discount`, plus `tax` where prices are stated without it."""

    line_id: UUID
    variant_id: UUID
    sku: str
    quantity: int
    unit_price: int
    subtotal: int
    discount: int  # this line's share of what is taken off; never negative
    tax: int  # contained in `total` either way
    total: int  # what the buyer pays for the line
    trace: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class PricedCart:
    """A cart with its price. `tax` is that of the goods; `shipping_tax` stands beside it."""

    lines: tuple[PricedLine, ...]
    subtotal: int
    discount: int
    tax: int
    shipping: int
    shipping_tax: int
    total: int
    currency: str
    prices_include_tax: bool  # whether `tax` and `shipping_tax` are contained in the other amounts, or added to them
    trace: tuple[Step, ...]

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values, from which `from_json` makes the same price again."""
        plain: dict[str, Any] = _adapter().dump_python(self, mode="json")
        return plain

    def as_text(self) -> str:
        """Return the same as JSON's text."""
        return _adapter().dump_json(self).decode()

    @staticmethod
    def from_json(plain: dict[str, Any]) -> "PricedCart":
        """Return the price that `as_json` wrote."""
        return _adapter().validate_python(plain)


def price_cart(lines: Sequence[LineToPrice], context: PricingContext) -> PricedCart:
    """Price a cart, by the rules in the package's docstring. Pure; lines come back in the order in which they came.

    Raises:
        TotalTooLarge: goods, shipping and the highest tax together pass what JSON's readers can count exactly.
    """
    _refuse_beyond_counting(lines, context)
    shares = _discount_shares(lines, context)
    priced = tuple(_price_line(line, shares[line.line_id], context) for line in lines)
    shipping = context.shipping if priced else 0
    shipping_tax = _tax_on(shipping, context)
    trace = (
        *(Step("line", _counted(line), line.total) for line in priced),
        *_shipping_steps(shipping, shipping_tax, context),
    )
    return PricedCart(
        lines=priced,
        subtotal=sum(line.subtotal for line in priced),
        discount=sum(line.discount for line in priced),
        tax=sum(line.tax for line in priced),
        shipping=shipping,
        shipping_tax=shipping_tax,
        total=replay(trace),
        currency=context.currency,
        prices_include_tax=context.prices_include_tax,
        trace=trace,
    )


def replay(trace: Iterable[Step]) -> int:
    """Return the total to which a trace adds up."""
    return sum(step.amount for step in trace if step.counts)


def _refuse_beyond_counting(lines: Sequence[LineToPrice], context: PricingContext) -> None:
    most = 2 * (sum(line.unit_price * line.quantity for line in lines) + context.shipping)  # a tax is 100 % at most
    if most > money.LARGEST:
        detail = "This cart costs more than can be paid at once; order fewer of it."
        raise TotalTooLarge(detail)


def _discount_shares(lines: Sequence[LineToPrice], context: PricingContext) -> dict[UUID, int]:
    ordered = sorted(lines, key=lambda line: line.line_id)
    weights = [line.unit_price * line.quantity for line in ordered]
    discount = min(context.discount, sum(weights))
    shares = money.allocate(discount, weights) if discount else [0] * len(ordered)
    by_line = {line.line_id: share for line, share in zip(ordered, shares, strict=True)}
    if len(by_line) != len(lines):
        message = "Two lines of a cart have one id."
        raise ValueError(message)
    return by_line


def _price_line(line: LineToPrice, discount: int, context: PricingContext) -> PricedLine:
    subtotal = line.unit_price * line.quantity
    tax = _tax_on(subtotal - discount, context) if line.taxable else 0
    trace = tuple(_line_steps(line, subtotal, discount, tax, context))
    return PricedLine(
        line_id=line.line_id,
        variant_id=line.variant_id,
        sku=line.sku,
        quantity=line.quantity,
        unit_price=line.unit_price,
        subtotal=subtotal,
        discount=discount,
        tax=tax,
        total=replay(trace),
        trace=trace,
    )


def _counted(line: LineToPrice | PricedLine) -> str:
    return f"{line.quantity} × {line.sku}" if line.sku else f"{line.quantity} units"  # not every variant has an SKU


def _tax_on(amount: int, context: PricingContext) -> int:
    # The one rounding. Decimal's 28 digits leave over ten behind the point of the largest amount, far more than a rate
    # of six decimals needs to tell a half from its neighbours.
    tax = amount * context.tax_rate
    return money.round_half_even(tax / (1 + context.tax_rate) if context.prices_include_tax else tax)


def _line_steps(line: LineToPrice, subtotal: int, discount: int, tax: int, context: PricingContext) -> Iterable[Step]:
    def shown(amount: int) -> str:
        return Money(amount=amount, currency=context.currency).format()

    was = f", instead of {shown(line.compare_at)}" if line.compare_at and line.compare_at > line.unit_price else ""
    yield Step("unit_price", f"{_counted(line)} at {shown(line.unit_price)}{was}", subtotal)
    if discount:
        yield Step("discount", f"This line's share of {shown(context.discount)} off the goods", -discount)
    if not line.taxable:
        yield Step("tax_exempt", "Not taxed", 0)
    elif context.tax_rate:
        yield _tax_step("tax", shown(subtotal - discount), tax, context)


def _shipping_steps(shipping: int, shipping_tax: int, context: PricingContext) -> Iterable[Step]:
    if not shipping:
        return
    shown = Money(amount=shipping, currency=context.currency).format()
    yield Step("shipping", "Shipping, at the store's flat rate", shipping)
    if context.tax_rate:
        yield _tax_step("shipping_tax", shown, shipping_tax, context)


def _tax_step(code: str, base: str, tax: int, context: PricingContext) -> Step:
    percent = f"{(context.tax_rate * 100).normalize():f} %"
    if context.prices_include_tax:
        return Step(f"{code}_included", f"{percent} tax, contained in {base}", tax, counts=False)
    return Step(code, f"{percent} tax on {base}", tax)


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[PricedCart]:
    return TypeAdapter(PricedCart)
