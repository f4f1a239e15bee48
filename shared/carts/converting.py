"""A cart becomes an order."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.carts import documents
from shared.carts.events import CartConverted
from shared.carts.states import CartState
from shared.core import audit, outbox, tenancy
from shared.core.errors import Problem


class CartChanged(Problem):
    """Something was put into the cart, or taken out, after its checkout was started."""

    status = 409
    code = "cart_changed"
    title = "Cart changed"


_CONVERT = text("""
with present as materialized (
    select id, state, contents_version from carts where store_id = :store_id and id = :cart_id for no key update
), converted as (
    update carts c set state = 'converted', due_at = null, version = c.version + 1
    from present p
    where c.store_id = :store_id and c.id = :cart_id and p.contents_version = :contents_version
      and p.state in ('active', 'abandoned')
    returning c.version, c.lines
)
select p.state, c.version, c.lines from present p left join converted c on true
""")


def convert(session: Session, cart_id: UUID, *, contents_version: int, order_id: UUID) -> None:
    """Mark the cart as bought, if what is in it is still what was priced. One statement, along with the next one.

    Raises, from that next one:
        CartClosed: it became an order before, or expired.
        CartChanged: its lines are no longer those of `contents_version`.
    """

    def hear(rows: list[Any]) -> None:
        ((was, version, lines),) = rows
        if version is None:
            documents.require_open(CartState(was))
            detail = "The cart was changed after this checkout was started; start it again to see what it costs now."
            raise CartChanged(detail)
        after = {"state": CartState.CONVERTED.value}
        audit.record(session, action="cart.converted", entity="cart", entity_id=cart_id, after=after)
        counts = {"line_count": len(lines), "item_count": sum(line["quantity"] for line in lines)}
        outbox.record(session, CartConverted(cart_id=cart_id, version=version, order_id=order_id, **counts))

    values = {"store_id": tenancy.require_store(session), "cart_id": cart_id, "contents_version": contents_version}
    tenancy.ask(session, _CONVERT, values, hear)
