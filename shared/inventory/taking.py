"""Taking stock, to hold it or to sell it: what both have in common, above all the order of their locks.

Everybody locks reservations before levels, both in the order of variants, and all of them in one statement; so no two
ever wait for each other. What is read under a lock is what is there then, whatever the statement saw when it began.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from shared.core import tenancy
from shared.core.errors import Unavailable
from shared.inventory.shortage import OutOfStock, Shortage

# How a statement that takes stock begins. It binds `ids`, `variants`, `quantities` (the demand), `holder_id` (whose
# reservation may be used), `store_id` and `now`.
#
# `touched`: the reservations that it uses or releases. Sorting the demand sees to it that all of them are locked before
# the first level is. `locked`: each level as it is once its lock is had. Only if `granted` may anything change.
#
# A level is locked by a subquery of its own, and set (`setting`) by an upsert that always meets it: both find it by its
# key. In a join PostgreSQL may as well read all levels of the store, where its statistics tell of stores with one each.
# And an upsert works on the row as it is now: an UPDATE is first tried on the row as it was when the statement began,
# CHECKs included.
_BEGINNING = """
with want as (
    select * from unnest(cast(:ids as uuid[]), cast(:variants as uuid[]), cast(:quantities as bigint[]))
        as w (id, variant_id, quantity)
), touched as materialized (
    select id, holder_id, variant_id, quantity from stock_reservations
    where store_id = :store_id and <touched>
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
    select s.id as level_id, s.variant_id, s.on_hand, s.reserved, s.allow_backorder, d.id, d.wanted, d.held, d.freed,
           s.on_hand - s.reserved + d.freed - s.safety_stock + d.held as available,
           d.wanted <= d.held or s.allow_backorder
               or s.on_hand - s.reserved + d.freed - s.safety_stock >= d.wanted - d.held as suffices
    from (select * from demand order by variant_id) as d cross join lateral (
        select * from stock_levels where store_id = :store_id and variant_id = d.variant_id for no key update
    ) as s
), verdict as materialized (
    select coalesce(bool_and(suffices), true) and count(*) = (select count(*) from demand) as granted from locked
)"""

_OWN = "holder_id = cast(:holder_id as uuid)"
_OWN_OR_LAPSED = f"({_OWN} or expires_at <= :now and variant_id = any (cast(:variants as uuid[])))"


@dataclass(frozen=True)
class Taking:
    """A statement that takes stock, in two forms: with what is left, or also with what has expired of others."""

    with_what_is_left: TextClause
    making_room: TextClause


def setting(on_hand: str, reserved: str, *, of: str = "locked l") -> str:
    """Return the part of a statement that sets levels, `s`, of which `of` has the locks, `l`."""
    return f"""insert into stock_levels as s
        (store_id, id, variant_id, on_hand, reserved, allow_backorder, created_at, updated_at)
    select :store_id, l.level_id, l.variant_id, {on_hand}, {reserved}, l.allow_backorder, :now, :now from {of}
    on conflict (store_id, variant_id) do update
    set on_hand = excluded.on_hand, reserved = excluded.reserved, version = s.version + 1, updated_at = :now"""  # noqa: S608 -- constants


class FellShort(Exception):
    """Not everything is there that was to be taken along: nothing of it may stay."""


def statement(rest: str) -> Taking:
    """Return the statement that begins so and goes on with `rest`, from the comma before its next part.

    `<touched>` stands for the condition that a reservation is used or released by it.
    """
    whole = _BEGINNING + rest
    return Taking(text(whole.replace("<touched>", _OWN)), text(whole.replace("<touched>", _OWN_OR_LAPSED)))


def take_along(
    session: Session, beginning_so: Taking, values: Mapping[str, Any], heard: Callable[[list[Any]], None]
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

    tenancy.ask(session, beginning_so.with_what_is_left, values, hear)


def take(session: Session, beginning_so: Taking, values: Mapping[str, Any]) -> Sequence[Any]:
    """Run a statement that begins so, and return its rows: `variant_id`, `wanted`, `suffices`, `available`, `is_done`.

    Where it falls short it is undone, locks included, and run once more, with what expired reservations hold back.
    So a sale that finds enough costs one statement, and one that does not waits for who is about to release some.

    Raises:
        OutOfStock: something is short even so; nothing has changed.
        Unavailable: the same holder reserves in several transactions at this moment, again and again.
    """
    shortages: list[Shortage] = []
    for before, taking in (
        ("savepoint stock", beginning_so.with_what_is_left),
        ("rollback to savepoint stock", beginning_so.making_room),
    ):
        tenancy.prelude(session, before)
        rows = tenancy.run(session, taking, values).all()
        if all(row.is_done for row in rows):
            return rows
        shortages = [Shortage(row.variant_id, row.wanted, row.available) for row in rows if not row.suffices]
    if shortages:
        raise OutOfStock(shortages)
    detail = "Several requests reserve for one checkout at this moment; send this one again."
    raise Unavailable(detail, headers={"Retry-After": "1"})
