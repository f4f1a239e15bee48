"""An order in one call: for merchants' integrations, which have no cart."""

from sqlalchemy.orm import Session

from shared.carts import goods
from shared.carts.goods import Item
from shared.checkout import completion, persons
from shared.checkout.schemas import PlaceOrder
from shared.core import ids
from shared.core.errors import Forbidden
from shared.core.money import Money
from shared.core.principal import Principal
from shared.identity import amounts
from shared.orders import placement
from shared.orders.models import Channel
from shared.orders.placement import OrderDraft
from shared.orders.queries import OrderDocument
from shared.payments import attempts
from shared.stores import queries as stores

DISCOUNT = "discount.apply"


def place_in_one_call(session: Session, request: PlaceOrder, *, caller: Principal | None) -> OrderDocument:
    """Price, take the stock, place the order and begin its payment: all of it, or nothing. Returns the order.

    Prices are the catalog's of this moment, whatever the caller knows; what `discount` takes off is spread over the
    lines. A repeated request is the route's business: it requires an Idempotency-Key.

    Raises:
        Forbidden: a discount was asked for by who may not give one.
        OverLimit: it is more than they may give.
        NotSold: something is unknown or not on sale.
        ValidationFailed: the address is missing, or a phone number is none.
        OutOfStock: fewer units are left than asked for.
        TotalTooLarge: it costs more than can be paid.
        PaymentMethodUnavailable: nobody moves money this way.
    """
    if request.discount and not (caller and caller.may(DISCOUNT)):
        detail = f"To take something off, this credential needs the permission {DISCOUNT}."
        raise Forbidden(detail)
    asked = stores.ask_for_present_store(session)
    found = goods.find(session, request.lines)
    items = [Item(ids.new_id(), variant, wanted.quantity) for wanted, variant in zip(request.lines, found, strict=True)]
    store = asked()
    if request.discount and caller:
        amounts.require_within(caller, DISCOUNT, Money(request.discount, store.currency))
    priced = goods.price(store, items, discount=request.discount)
    buyer = persons.personal(request, store, ships=goods.must_ship(items))
    draft = OrderDraft(
        channel=Channel.API,
        priced=priced,
        titles=completion.titles(items),
        contact=buyer.contact,
        shipping_address=buyer.shipping_address,
        note=buyer.note,
        locale=request.locale or store.locale,
    )
    attempts.start(
        session, draft.order_id, method=request.payment_method, amount=priced.total, currency=priced.currency
    )
    return placement.document(draft, placement.place(session, draft))
