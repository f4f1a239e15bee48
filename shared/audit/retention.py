"""How long the audit trail is kept, and the end of its months in the database.

The rules are rows of `upkeep.retention`, one a data set: how many whole months stay in their log (`hot_months`), and
when what was archived of it goes, too (`kept_months`). A month leaves the log by a function with the owner's rights
that counts first whether every tenant's rows of it are archived.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from shared.audit import rows
from shared.core import clock, driver, tenancy

DATASET = "audit"
# The verifier and the vault's locks trust no row here: whoever may change one could have the proof expire early.
KEPT_MONTHS = 24

_LOCK_NOT_AVAILABLE = "55P03"

_MONTHS = text("select * from upkeep.months_past_hot(:dataset)")
_DROP = text("select upkeep.drop_archived_month(:dataset, :month)")
_TENANTS = text("select * from lookup.tenants_with_entries(:beginning, :ending, :last, :most)")


def months_past_hot(session: Session) -> list[date]:
    """Return the months that are still in the log and need not be any more, the oldest first."""
    return list(session.scalars(_MONTHS, {"dataset": DATASET}))


def tenants_with_entries(session: Session, months: Sequence[date], *, last: UUID, most: int) -> list[UUID]:
    """Return up to `most` tenants with entries of these months, whose ids follow `last`, in order. A look-up."""
    beginning, ending = rows.bounds(min(months))[0], rows.bounds(max(months))[1]
    values = {"beginning": beginning, "ending": ending, "last": last, "most": most}
    return sorted(session.scalars(_TENANTS, values))


def drop_if_archived(session: Session, month: date) -> int | None:
    """Drop a month of the log, if all of it is archived; return how many tenants have rows that are not, so 0: gone.

    None: the log is too busy at this moment, and nothing was done. One pass over the month.
    """
    tenancy.prelude(session, "set local statement_timeout = '240s'")
    try:
        missing: int = session.execute(_DROP, {"dataset": DATASET, "month": month}).scalar_one()
    except DBAPIError as error:
        if driver.sqlstate(error) == _LOCK_NOT_AVAILABLE:
            return None
        raise
    return missing


def kept_until(month: date) -> datetime:
    """Return the moment until which what was made in a month is kept."""
    end = rows.following(month, KEPT_MONTHS + 1)
    return datetime(end.year, end.month, 1, tzinfo=UTC)


def is_past(month: date) -> bool:
    """Tell whether a month's entries need not be anywhere any more."""
    return kept_until(month) <= clock.now()
