"""Purging what was deleted more than 90 days ago: then it is gone for good. Orders keep their copies."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.catalog.deletion import RESTORABLE
from shared.core import audit, clock, tenancy

QUEUE = "product-purge"
BATCH = 200  # products, and single variants, a message; what is beyond waits for the next day

# What hangs on a product goes with it, by its foreign keys. SKIP LOCKED: a merchant at work has precedence.
_PURGE_PRODUCTS = text("""
with due as materialized (
    select id from products where store_id = :store_id and deleted_at <= :before
    order by deleted_at limit :batch for update skip locked
)
delete from products p using due where p.store_id = :store_id and p.id = due.id returning p.id
""")

_PURGE_VARIANTS = text("""
with due as materialized (
    select id from variants where store_id = :store_id and deleted_at <= :before
    order by deleted_at limit :batch for update skip locked
)
delete from variants v using due where v.store_id = :store_id and v.id = due.id returning v.id
""")

_STORES = text("select * from lookup.stores_with_deleted_products(:before, :most)")


def purge(session: Session) -> int:
    """Purge one batch of the store's products and variants; return how many. Two statements, safe beside itself."""
    values = {"store_id": tenancy.require_store(session), "before": clock.now() - RESTORABLE, "batch": BATCH}
    purged = 0
    for entity, statement in (("product", _PURGE_PRODUCTS), ("variant", _PURGE_VARIANTS)):
        for row_id in session.scalars(statement, values):
            audit.record(session, action=f"{entity}.purged", entity=entity, entity_id=row_id, severity="notice")
            purged += 1
    return purged


def stores_to_purge(session: Session, most: int) -> list[UUID]:
    """Return up to `most` stores that have something to purge. A look-up function."""
    return list(session.scalars(_STORES, {"before": clock.now() - RESTORABLE, "most": most}))
