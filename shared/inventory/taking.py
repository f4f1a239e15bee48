"""Taking stock, to hold it or to sell it: what both have in common, above all the order of their locks.

Everybody locks reservations before levels, both in the order of variants, and all of them in one statement; so no two
ever wait for each other. What is read under a lock is what is there then, whatever the statement saw when it began.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from shared.core import tenancy
from shared.core.errors import Unavailable
from shared.inventory.shortage import OutOfStock, Shortage

# How a statement that takes stock begins. It binds `ids`, `variants`, `quantities` (the demand), `holder_id` (whose
# reservation may be used), `store_id`, `now`, and `makes_room`: whether expired reservations of others are released.
#
# `touched`: the reservations that it uses or releases. Counting the demand sees to it that all of them are locked
# before the first level is. `locked`: each level as it is once its lock is had. Only if `granted` may anything change.
#
# Who goes on from here sets a level's columns from `locked`, all that the CHECKs name, and none from the row itself:
# PostgreSQL first tries an UPDATE on the row as it was when the statement began, CHECKs included, and notices only
# afterwards that somebody has changed it.
_BEGINNING = """
with want as (
    select * from unnest(cast(:ids as uuid[]), cast(:variants as uuid[]), cast(:quantities as bigint[]))
        as w (id, variant_id, quantity)
), touched as materialized (
    select id, holder_id, variant_id, quantity from stock_reservations
    where store_id = :store_id and (
        holder_id = cast(:holder_id as uuid)
        or cast(:makes_room as boolean) and expires_at <= :now and variant_id = any (cast(:variants as uuid[])))
    order by variant_id, holder_id for update
), mine as (
    select variant_id, quantity from touched where holder_id = cast(:holder_id as uuid)
), lapsed as (
    select variant_id, sum(quantity)::bigint as quantity from touched
    where holder_id is distinct from cast(:holder_id as uuid) group by variant_id
), demand as materialized (
    select coalesce(w.variant_id, m.variant_id) as variant_id, w.id, coalesce(w.quantity, 0) as wanted,
           coalesce(m.quantity, 0) as held, coalesce(l.quantity, 0) as freed
    from want w full join mine m on m.variant_id = w.variant_id left join lapsed l on l.variant_id = w.variant_id
), locked as materialized (
    select s.variant_id, s.on_hand, s.reserved, s.allow_backorder, d.id, d.wanted, d.held, d.freed,
           s.on_hand - s.reserved + d.freed - s.safety_stock + d.held as available,
           d.wanted <= d.held or s.allow_backorder
               or s.on_hand - s.reserved + d.freed - s.safety_stock >= d.wanted - d.held as suffices
    from stock_levels s join demand d on d.variant_id = s.variant_id
    where s.store_id = :store_id and (select count(*) from demand) > 0
    order by s.variant_id for no key update of s
), verdict as materialized (
    select coalesce(bool_and(suffices), true) and count(*) = (select count(*) from demand) as granted from locked
)"""


class FellShort(Exception):
    """Not everything is there that was to be taken along: nothing of it may stay."""


def statement(rest: str) -> TextClause:
    """Return the statement that begins so and goes on with `rest`, from the comma before its next part."""
    return text(_BEGINNING + rest)


def take_along(
    session: Session, beginning_so: TextClause, values: Mapping[str, Any], heard: Callable[[list[Any]], None]
) -> None:
    """Run a statement that begins so along with the session's next one; `heard` gets its rows if all of it was taken.

    For who has set a savepoint. `is_done` is the fifth of its columns. Nothing of others is released for it.

    Raises, from that next statement:
        FellShort: something is short. Go back to the savepoint, and `take`.
    """

    def hear(rows: list[Any]) -> None:
        if not all(is_done for _, _, _, _, is_done, *_ in rows):
            raise FellShort
        heard(rows)

    tenancy.ask_along(session, beginning_so, {**values, "makes_room": False}, hear)


def take(session: Session, beginning_so: TextClause, values: Mapping[str, Any]) -> Sequence[Any]:
    """Run a statement that begins so, and return its rows: `variant_id`, `wanted`, `suffices`, `available`, `is_done`.

    Where it falls short it is undone, locks included, and run once more, with what expired reservations hold back.
    So a sale that finds enough costs one statement, and one that does not waits for who is about to release some.

    Raises:
        OutOfStock: something is short even so; nothing has changed.
        Unavailable: the same holder reserves in several transactions at this moment, again and again.
    """
    shortages: list[Shortage] = []
    for makes_room in (False, True):
        tenancy.prelude(session, "rollback to savepoint stock" if makes_room else "savepoint stock")
        rows = tenancy.run(session, beginning_so, {**values, "makes_room": makes_room}).all()
        if all(row.is_done for row in rows):
            return rows
        shortages = [Shortage(row.variant_id, row.wanted, row.available) for row in rows if not row.suffices]
    if shortages:
        raise OutOfStock(shortages)
    detail = "Several requests reserve for one checkout at this moment; send this one again."
    raise Unavailable(detail, headers={"Retry-After": "1"})
