"""What is wanted, as the catalog has it now: sold or not, at what price, shipped or not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from shared.carts.documents import CartDocument
from shared.carts.schemas import Wanted
from shared.catalog import queries
from shared.catalog.queries import Sellable
from shared.core import clock, tenancy
from shared.core.errors import FieldError, Problem, pointer
from shared.pricing.cart import LineToPrice, PricedCart, PricingContext, price_cart
from shared.stores.queries import StoreFacts


class NotSold(Problem):
    """Something that is wanted is not sold here, or not any more; `errors` says which lines."""

    status = 422
    code = "not_sold"
    title = "Not sold here"


@dataclass(frozen=True, slots=True)
class Item:
    """So many of a variant, under the id of the line that wants them."""

    line_id: UUID
    variant: Sellable
    quantity: int


# The cart's owner is not asked for: whoever reads the cart by its token sees what was found, and nobody else.
_OF_CART = queries.sellable_of("""
select cast(line ->> 'variant_id' as uuid) from carts, jsonb_array_elements(lines) as l (line)
where carts.store_id = :store_id and carts.id = :cart_id
""")


def ask_for_all_of(session: Session, cart_id: UUID) -> Mapping[UUID, Sellable]:
    """Ask for what is in a cart along with the session's next statement: behind it, it is in what is returned."""
    found: dict[UUID, Sellable] = {}
    values = {"store_id": tenancy.require_store(session), "cart_id": cart_id}
    tenancy.ask(session, _OF_CART, values, lambda rows: found.update(queries.by_id(rows)))
    return found


def with_missing(session: Session, cart: CartDocument, found: Mapping[UUID, Sellable]) -> Mapping[UUID, Sellable]:
    """Return what was found for a cart, with what came into it between the question and its reading. Mostly nothing."""
    missing = [line.variant_id for line in cart.lines if line.variant_id not in found]
    return {**found, **queries.sellable(session, missing)} if missing else found


def find(session: Session, wanted: Sequence[Wanted]) -> list[Sellable]:
    """Return the variant that each of `wanted` names, by id or SKU, in their order. One statement.

    Raises:
        NotSold: some are unknown or not on sale; `errors` points at each.
    """
    found = queries.sellable(
        session,
        variant_ids=[one.variant_id for one in wanted if one.variant_id is not None],
        skus=[one.sku for one in wanted if one.sku is not None],
    )
    by_sku = {one.sku: one for one in found.values() if one.on_sale}
    named = [found.get(one.variant_id) if one.variant_id is not None else by_sku.get(one.sku or "") for one in wanted]
    refuse_unsold((pointer("lines", place), one) for place, one in enumerate(named))
    return [one for one in named if one is not None]


def refuse_unsold(lines: Iterable[tuple[str, Sellable | None]]) -> None:
    """Refuse lines (their pointer, and what the catalog has) of what is not on sale.

    Raises:
        NotSold: there are some.
    """
    message = "This is not sold here, or not any more."
    errors = [FieldError(where, "not_sold", message) for where, one in lines if one is None or not one.on_sale]
    if errors:
        detail = "Some items are not sold here, or not any more; leave them out."
        raise NotSold(detail, errors=errors)


def price(store: StoreFacts, items: Sequence[Item], *, discount: int = 0) -> PricedCart:
    """Price items by the store's settings of this moment: its tax, and its flat rate if anything is shipped."""
    settings = store.settings
    context = PricingContext(
        currency=store.currency,
        tax_rate=settings.tax_rate,
        prices_include_tax=settings.prices_include_tax,
        shipping=settings.shipping_flat_rate if must_ship(items) else 0,
        at=clock.now(),
        discount=discount,
    )
    return price_cart([_to_price(item) for item in items], context)


def must_ship(items: Iterable[Item]) -> bool:
    """Tell whether anything of it has to be sent somewhere."""
    return any(item.variant.requires_shipping for item in items)


def sold(variants: Mapping[UUID, Sellable], variant_id: UUID) -> Sellable | None:
    """Return the variant if it is on sale."""
    found = variants.get(variant_id)
    return found if found is not None and found.on_sale else None


def _to_price(item: Item) -> LineToPrice:
    return LineToPrice(
        line_id=item.line_id,
        variant_id=item.variant.variant_id,
        sku=item.variant.sku,
        quantity=item.quantity,
        unit_price=item.variant.price,
        taxable=item.variant.taxable,
        compare_at=item.variant.compare_at,
    )
