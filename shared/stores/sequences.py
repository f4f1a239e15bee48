"""Running numbers of a store: unique, increasing and without gaps, since a refused transaction gives its number back.

The store's counter stays locked until the commit, so it is taken last. `NEXT` is the same as an SQL fragment, for
statements that take a number and write the row that bears it in one round trip.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import tenancy

FIRST = 1001  # the number of a store's first order; a shop that sells its 1 looks new

NEXT = f"""
insert into store_sequences as s (store_id, name, last) values (:store_id, :sequence, {FIRST})
on conflict (store_id, name) do update set last = s.last + 1 returning last
"""  # noqa: S608 -- a constant of this module, not a caller's text

_TAKE = text(NEXT)


def take(session: Session, name: str) -> int:
    """Take the store's next number of that name. One statement, which waits for whoever took the one before."""
    taken: int = session.execute(_TAKE, {"store_id": tenancy.require_store(session), "sequence": name}).scalar_one()
    return taken
