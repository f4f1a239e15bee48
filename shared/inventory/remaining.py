"""Whether shoppers can have something, and how much of it. Apart from the models: who only asks need not load them."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import clock, tenancy

_LEFT = text("""
select s.variant_id, case when not s.allow_backorder then greatest(0, s.on_hand - s.reserved - s.safety_stock + (
           select coalesce(sum(r.quantity), 0) from stock_reservations r
           where r.store_id = s.store_id and r.variant_id = s.variant_id and r.expires_at <= :now
       ))::bigint end as units
from stock_levels s where s.store_id = :store_id and s.variant_id = any (cast(:variants as uuid[]))
""")


def left(session: Session, variants: Collection[UUID]) -> dict[UUID, int | None]:
    """Return how many units of each variant a shopper could have now; None: any number, by backorder. One statement.

    Expired reservations do not count. Says nothing sensible of variants that do not track stock: those can always be
    had. Unknown ones are absent.
    """
    values = {"store_id": tenancy.require_store(session), "variants": list(variants), "now": clock.now()}
    return {row.variant_id: row.units for row in session.execute(_LEFT, values)}
