"""Carts on the wire."""

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints, model_validator

from shared.carts.models import MOST_LINES, MOST_OF_A_LINE
from shared.carts.states import CartState
from shared.core.money import Money
from shared.core.schemas import Input, Schema
from shared.core.typeids import CartId, CartLineId, ProductId, VariantId
from shared.pricing.cart import PricedCart, Step

Quantity = Annotated[int, Field(strict=True, ge=1, le=MOST_OF_A_LINE)]
SKU = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]


class Wanted(Input):
    """So many of a variant, named by its id or by its SKU."""

    model_config = ConfigDict(frozen=True)

    variant_id: VariantId | None = None
    sku: SKU | None = None
    quantity: Quantity = 1

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        if (self.variant_id is None) == (self.sku is None):
            message = "name the variant by variant_id or by sku, one of them"
            raise ValueError(message)
        return self


class CreateCart(Input):
    """A new cart, with what it begins with."""

    model_config = ConfigDict(frozen=True)

    lines: Annotated[list[Wanted], Field(default_factory=list, max_length=MOST_LINES)]


class SetQuantity(Input):
    """How many of a line are wanted now; 0 removes it."""

    model_config = ConfigDict(frozen=True)

    quantity: Annotated[int, Field(strict=True, ge=0, le=MOST_OF_A_LINE)]


class StepOut(Schema):
    """One step of a calculation. Those with `counts` add up to the total; the others say what is contained in them."""

    code: str
    text: str
    amount: Money
    counts: bool

    @classmethod
    def of(cls, step: Step, currency: str) -> Self:
        """Present a step."""
        return cls(code=step.code, text=step.text, amount=Money(step.amount, currency), counts=step.counts)


class TotalsOut(Schema):
    """What it costs as a whole. Where `prices_include_tax`, the taxes are contained in the other amounts."""

    subtotal: Money
    discount: Money
    tax: Money = Field(description="Of the goods.")
    shipping: Money
    shipping_tax: Money
    total: Money
    prices_include_tax: bool
    trace: list[StepOut] = Field(description="How the total came about.")

    @classmethod
    def of(cls, priced: PricedCart) -> Self:
        """Present the sums of a priced cart."""

        def money(amount: int) -> Money:
            return Money(amount, priced.currency)

        return cls(
            subtotal=money(priced.subtotal),
            discount=money(priced.discount),
            tax=money(priced.tax),
            shipping=money(priced.shipping),
            shipping_tax=money(priced.shipping_tax),
            total=money(priced.total),
            prices_include_tax=priced.prices_include_tax,
            trace=[StepOut.of(step, priced.currency) for step in priced.trace],
        )


class LinePriceOut(Schema):
    """What a line costs now, and how that came about."""

    unit_price: Money
    compare_at: Money | None = Field(description="What one used to cost, where the shop says so.")
    subtotal: Money
    discount: Money
    tax: Money
    total: Money
    trace: list[StepOut]


class WarningOut(Schema):
    """What the shopper should know before going on; `code` is stable."""

    code: Literal["price_changed", "not_sold", "out_of_stock", "not_enough"]
    message: str


class CartLineOut(Schema):
    """One line of a cart."""

    id: CartLineId
    variant_id: VariantId
    sku: str
    product_id: ProductId | None
    product_title: str | None = Field(description="Empty, with `variant_title`, when the variant is gone for good.")
    variant_title: str | None
    quantity: int
    price_when_added: Money = Field(description="What one cost when the shopper added it last.")
    price: LinePriceOut | None = Field(description="Empty when it is not sold any more; it then adds nothing.")
    available: Literal["enough", "low", "none"] | None = Field(description="Told when the cart is read.")
    left: int | None = Field(description="How many are left, where that is few; otherwise empty.")
    warnings: list[WarningOut]


class CartOut(Schema):
    """A cart, at this moment's prices. Nothing is reserved before a checkout is started."""

    id: CartId
    state: CartState
    version: int
    lines: list[CartLineOut]
    totals: TotalsOut | None = Field(description="Empty while the cart is.")
    created_at: AwareDatetime
    updated_at: AwareDatetime


class NewCartOut(CartOut):
    """A new cart with the secret that owns it, which no later answer repeats: send it as X-Cart-Token."""

    token: str
