"""What becomes of carts that nobody touches: abandoned after hours, expired after weeks."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.carts import documents
from shared.carts.events import CartAbandoned, CartExpired
from shared.carts.states import CartState
from shared.core import audit, clock, outbox, tenancy

ABANDONED_AFTER = timedelta(hours=4)  # idle for a lunch is not abandoned; a reminder tomorrow morning still finds them
EXPIRED_AFTER = timedelta(days=30)

QUEUE = "cart-ageing"
BATCH = 200  # carts a message: a statement of a few milliseconds

# Whoever comes second skips the rows that the first holds; a shopper's change, which moves due_at, wins over both.
# The ids are said as an array besides: for a join alone PostgreSQL may read all carts of the store.
_AGE = text(f"""
with due as materialized (
    select id as due_id from carts
    where store_id = :store_id and due_at <= :now and state in ('active', 'abandoned')
    order by due_at, id limit :batch for update skip locked
)
update carts set
    version = version + 1,
    state = case when updated_at <= :expired_before then 'expired' else 'abandoned' end,
    due_at = case when updated_at <= :expired_before then null else updated_at + cast(:expired_after as interval) end
from due where store_id = :store_id and id = due_id and id = any (array(select due_id from due))
returning {documents.COLUMNS}
""")  # noqa: S608 -- a constant of `documents`, not a caller's text

_STORES = text("select * from lookup.stores_with_due_carts(:now, :batch, :most)")


def age(session: Session) -> int:
    """Abandon and expire the bound store's carts whose time has come, a batch of them; return how many. One statement.

    Safe to run twice at once, and late: a cart that was idle for weeks expires at once, abandoned or not.
    """
    now = clock.now()
    values = {
        "store_id": tenancy.require_store(session),
        "now": now,
        "batch": BATCH,
        "expired_before": now - EXPIRED_AFTER,
        "expired_after": f"{EXPIRED_AFTER.days} days",
    }
    aged = [documents.of(row) for row in session.execute(_AGE, values)]
    for cart in aged:
        kind = CartExpired if cart.state is CartState.EXPIRED else CartAbandoned
        outbox.record(session, kind(cart_id=cart.id, version=cart.version, **cart.sizes))
        audit.record(session, action=kind.type, entity="cart", entity_id=cart.id, after={"state": cart.state.value})
    return len(aged)


def stores_with_due_carts(session: Session, most: int) -> list[UUID]:
    """Return the stores of the `most` carts that are due for longest, once for each batch. A look-up across stores."""
    return list(session.scalars(_STORES, {"now": clock.now(), "batch": BATCH, "most": most}))
