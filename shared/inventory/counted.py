"""What is counted of variants, many at once: for exports."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import tenancy

_COUNTED = text("""
select variant_id, on_hand, allow_backorder from stock_levels
where store_id = :store_id and variant_id = any (cast(:variants as uuid[]))
""")


@dataclass(frozen=True)
class Counted:
    """What is on the shelf of a variant (below zero: units owed), and whether more of it may be sold."""

    on_hand: int
    allow_backorder: bool


def counted(session: Session, variants: Collection[UUID]) -> dict[UUID, Counted]:
    """Return levels by variant; unknown ones are absent. One statement."""
    values = {"store_id": tenancy.require_store(session), "variants": list(variants)}
    return {row.variant_id: Counted(row.on_hand, row.allow_backorder) for row in session.execute(_COUNTED, values)}
