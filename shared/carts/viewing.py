"""A cart as its shopper sees it: at this moment's prices, with what changed since, and whether there is enough."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from sqlalchemy.orm import Session

from shared.carts import documents, goods
from shared.carts.documents import CartDocument, CartLine
from shared.carts.goods import Item
from shared.carts.schemas import CartLineOut, CartOut, LinePriceOut, StepOut, TotalsOut, WarningOut
from shared.catalog import queries as catalog
from shared.catalog.queries import Sellable
from shared.core.money import Money
from shared.inventory import remaining
from shared.pricing.cart import PricedCart, PricedLine
from shared.stores import queries as stores
from shared.stores.queries import StoreFacts

type Hint = Literal["enough", "low", "none"]


@dataclass(frozen=True, slots=True)
class CartView:
    """A cart with everything that is needed to show it. An empty one has no price."""

    cart: CartDocument
    variants: Mapping[UUID, Sellable]
    left: Mapping[UUID, int | None] | None  # by variant, None: as many as anybody wants; as a whole: nobody looked
    low: int  # at or below it, a shopper is told how many are left
    priced: PricedCart | None


def read(session: Session, cart_id: UUID, token: str | None) -> CartView:
    """Return the guest's cart as it is now, with hints at its stock. Five statements; one for an empty cart.

    Raises:
        NotFound: there is none of that id, or the token is another's.
    """
    seen = view(session, documents.read(session, cart_id, token))
    tracked = [one.variant_id for one in seen.variants.values() if one.on_sale and one.tracks_stock]
    return replace(seen, left=remaining.left(session, tracked) if tracked else {})


def view(
    session: Session,
    cart: CartDocument,
    *,
    known: Mapping[UUID, Sellable] | None = None,
    asked: Callable[[], StoreFacts] | None = None,
) -> CartView:
    """Look up what a cart costs; `known` are variants that were just read, `asked` is who was asked for the store.

    Two statements at most, none for an empty cart.

    Does not look at the stock: who changed a cart reads it next.
    """
    if not cart.lines:
        return CartView(cart, {}, None, 0, None)
    variants = dict(known or {})
    if missing := [line.variant_id for line in cart.lines if line.variant_id not in variants]:
        variants |= catalog.sellable(session, missing)
    store = asked() if asked else stores.present_store(session)
    items = [
        Item(line.id, variant, line.quantity)
        for line in cart.lines
        if (variant := goods.sold(variants, line.variant_id)) is not None
    ]
    return CartView(
        cart=cart,
        variants=variants,
        left=None,
        low=store.settings.low_stock_threshold,
        priced=goods.price(store, items),
    )


def present(seen: CartView) -> CartOut:
    """Present a cart on the wire."""
    cart, priced = seen.cart, seen.priced
    by_line = {line.line_id: line for line in priced.lines} if priced else {}
    currency = priced.currency if priced else ""
    return CartOut(
        id=cart.id,
        state=cart.state,
        version=cart.version,
        lines=[_line(seen, line, by_line.get(line.id), currency) for line in cart.lines],
        totals=TotalsOut.of(priced) if priced else None,
        created_at=cart.created_at,
        updated_at=cart.updated_at,
    )


def _line(seen: CartView, line: CartLine, priced: PricedLine | None, currency: str) -> CartLineOut:
    variant = seen.variants.get(line.variant_id)
    hint, left = _stock(seen, line, is_sold=priced is not None)
    return CartLineOut(
        id=line.id,
        variant_id=line.variant_id,
        sku=variant.sku if variant else line.sku,
        product_id=variant.product_id if variant else None,
        product_title=variant.product_title if variant else None,
        variant_title=variant.variant_title if variant else None,
        quantity=line.quantity,
        price_when_added=Money(line.price, currency),
        price=_price(priced, variant, currency) if priced and variant else None,
        available=hint,
        left=left,
        warnings=_warnings(line, priced, hint, left, currency),
    )


def _price(priced: PricedLine, variant: Sellable, currency: str) -> LinePriceOut:
    return LinePriceOut(
        unit_price=Money(priced.unit_price, currency),
        compare_at=Money(variant.compare_at, currency) if variant.compare_at is not None else None,
        subtotal=Money(priced.subtotal, currency),
        discount=Money(priced.discount, currency),
        tax=Money(priced.tax, currency),
        total=Money(priced.total, currency),
        trace=[StepOut.of(step, currency) for step in priced.trace],
    )


def _stock(seen: CartView, line: CartLine, *, is_sold: bool) -> tuple[Hint | None, int | None]:
    """Hint at the stock. How much there is exactly is the shop's secret, but where it is too little or nearly gone."""
    if not is_sold:
        return "none", None
    variant = seen.variants[line.variant_id]
    if not variant.tracks_stock:
        return "enough", None
    if seen.left is None:
        return None, None
    left = seen.left.get(line.variant_id, 0)
    if left is None or left > max(seen.low, line.quantity - 1):
        return "enough", None
    return ("low", left) if left > 0 else ("none", 0)


def _warnings(
    line: CartLine, priced: PricedLine | None, hint: Hint | None, left: int | None, currency: str
) -> list[WarningOut]:
    if priced is None:
        return [WarningOut(code="not_sold", message="This is not sold any more, and is left out of the total.")]
    warnings = []
    if priced.unit_price != line.price:
        was, now = Money(line.price, currency).format(), Money(priced.unit_price, currency).format()
        message = f"One costs {now} now; it cost {was} when you added it."
        warnings.append(WarningOut(code="price_changed", message=message))
    if hint == "none":
        warnings.append(WarningOut(code="out_of_stock", message="This is sold out at the moment."))
    elif left is not None and left < line.quantity:
        warnings.append(WarningOut(code="not_enough", message=f"Only {left} are left."))
    return warnings
