"""Upkeep: what is done for every store once a day, whether or not anybody asks."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

QUEUE = "store-upkeep"
FIRST = UUID(int=0)  # before every store's id

_MONTHS_AHEAD = 3  # so that the schedule may fail for a quarter before a row falls into a default partition

_STORES_AFTER = text("select * from lookup.stores_after(:last, :most)")
_OTHERS_AFTER = text("select * from lookup.people_and_organizations_after(:last, :most)")
_MAKE_PARTITIONS = text("select upkeep.make_partitions(:months_ahead)")


def stores_after(session: Session, last: UUID, most: int) -> list[UUID]:
    """Return up to `most` stores whose ids follow `last`, in order: open, suspended and deleted ones. A look-up."""
    return sorted(session.scalars(_STORES_AFTER, {"last": last, "most": most}))


def others_after(session: Session, last: UUID, most: int) -> list[UUID]:
    """Return up to `most` people and organizations whose ids follow `last`, in order: they are tenants, too."""
    return sorted(session.scalars(_OTHERS_AFTER, {"last": last, "most": most}))


def make_partitions(session: Session) -> int:
    """Make the partitions that the logs of this month and the next three lack; return how many were made."""
    made: int = session.execute(_MAKE_PARTITIONS, {"months_ahead": _MONTHS_AHEAD}).scalar_one()
    return made
