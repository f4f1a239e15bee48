"""A cart becomes an order."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.carts import documents
from shared.carts.events import CartConverted
from shared.core import audit, outbox, tenancy
from shared.core.errors import Problem


class CartChanged(Problem):
    """Something was put into the cart, or taken out, after its checkout was started."""

    status = 409
    code = "cart_changed"
    title = "Cart changed"


_CONVERT = text(f"""
update carts set state = 'converted', due_at = null, version = version + 1
where store_id = :store_id and id = :cart_id and contents_version = :contents_version
  and state in ('active', 'abandoned')
returning {documents.COLUMNS}
""")  # noqa: S608 -- a constant of `documents`, not a caller's text

_STATE = text(f"select {documents.COLUMNS} from carts where store_id = :store_id and id = :cart_id")  # noqa: S608 -- the same


def convert(session: Session, cart_id: UUID, *, contents_version: int, order_id: UUID) -> None:
    """Mark the cart as bought, if what is in it is still what was priced. One statement.

    Raises:
        CartClosed: it became an order before, or expired.
        CartChanged: its lines are no longer those of `contents_version`.
    """
    values = {
        "store_id": tenancy.require_store(session),
        "cart_id": cart_id,
        "contents_version": contents_version,
    }
    row = session.execute(_CONVERT, values).mappings().one_or_none()
    if row is None:
        documents.of(session.execute(_STATE, values).mappings().one()).require_open()
        detail = "The cart was changed after this checkout was started; start it again to see what it costs now."
        raise CartChanged(detail)
    cart = documents.of(row)
    audit.record(session, action="cart.converted", entity="cart", entity_id=cart.id, after={"state": cart.state.value})
    outbox.record(session, CartConverted(cart_id=cart.id, version=cart.version, order_id=order_id, **cart.sizes))
