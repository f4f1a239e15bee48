"""What declared products say of the shelf: levels for new variants, counts and rules for present ones. Set-based.

A count is absolute and never touches what is reserved: one below it is refused, as by hand; what expired does not
count, and is released where it is in the way. Levels that already are as they are declared are neither locked nor
written.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.catalog.declaring.changes import ProductChange, VariantChange
from shared.core import audit, ids, outbox
from shared.core.errors import Forbidden
from shared.core.principal import Principal
from shared.inventory import movements
from shared.inventory.documents import StockedVariantDocument
from shared.inventory.events import StockLow, StockRulesChanged
from shared.inventory.models import AdjustmentKind
from shared.inventory.movements import Movement
from shared.inventory.stock import BackordersOpen, StockIsReserved

_ADJUST = "inventory.adjust"

type Row = dict[str, Any]

_RULES = ("safety_stock", "allow_backorder", "low_stock_threshold")

# Only what differs is locked, in the order of variants, as everybody locks levels, and after reservations. The join has
# seen all of `lapsed` before it locks its first level.
_HOLD = text("""
with wanted as (
    select * from jsonb_to_recordset(cast(:wanted as jsonb)) as w(
        variant_id uuid, on_hand bigint, safety_stock bigint, allow_backorder boolean, low_stock_threshold bigint,
        says_threshold boolean)
), lapsed as materialized (
    select id, variant_id, quantity from stock_reservations
    where store_id = :store_id and expires_at <= :now
      and variant_id = any (array(select variant_id from wanted where on_hand is not null))
    order by variant_id, holder_id for update
), freed as materialized (
    select variant_id, sum(quantity)::bigint as quantity, json_agg(id) as ids from lapsed group by variant_id
), held as materialized (
    select s.variant_id, s.on_hand, s.reserved, s.safety_stock, s.allow_backorder, s.low_stock_threshold, s.version,
           coalesce(f.quantity, 0) as lapsed, coalesce(f.ids, '[]') as lapsed_ids
    from stock_levels s join wanted w on w.variant_id = s.variant_id left join freed f on f.variant_id = s.variant_id
    where s.store_id = :store_id and s.variant_id = any (array(select variant_id from wanted))
      and (s.on_hand <> w.on_hand or s.safety_stock <> w.safety_stock or s.allow_backorder <> w.allow_backorder
           or w.says_threshold and s.low_stock_threshold is distinct from w.low_stock_threshold)
    order by s.variant_id for no key update of s
)
select coalesce(json_agg(held), '[]') from held
""")

_WRITE = text("""
with d as materialized (
    select * from jsonb_to_recordset(cast(:rows as jsonb)) as d(
        id uuid, level_id uuid, variant_id uuid, on_hand bigint, delta bigint, version bigint, safety_stock bigint,
        allow_backorder boolean, low_stock_threshold bigint, is_new boolean, freed bigint)
), opened as (
    insert into stock_levels (store_id, id, variant_id, on_hand, reserved, safety_stock, allow_backorder,
                              low_stock_threshold, version, created_at, updated_at)
    select :store_id, level_id, variant_id, on_hand, 0, safety_stock, allow_backorder, low_stock_threshold, 1,
           :now, :now
    from d where is_new order by variant_id
), changed as (
    update stock_levels s
    set on_hand = d.on_hand, reserved = s.reserved - d.freed, safety_stock = d.safety_stock,
        allow_backorder = d.allow_backorder,
        low_stock_threshold = d.low_stock_threshold, version = d.version, updated_at = :now
    from d
    where s.store_id = :store_id and s.variant_id = d.variant_id and not d.is_new
      and s.variant_id = any (array(select variant_id from d))
), gone as (
    delete from stock_reservations where store_id = :store_id and id = any (cast(:released as uuid[]))
)
insert into inventory_adjustments (store_id, id, variant_id, kind, delta, on_hand, level_version, reason,
                                   actor_kind, actor_id, correlation_id, at)
select :store_id, id, variant_id, case when is_new then :opening else :kind end, delta, on_hand, version, :reason,
       :actor_kind, :actor_id, :correlation_id, :now
from d where delta <> 0
""")


@dataclass
class Shelf:
    """One level as it will be; `before` is None where it is opened."""

    change: ProductChange  # if that is given up, so is this
    row: Row
    before: Row | None
    rules: tuple[str, ...] = field(default=())  # which of them change


def plan(
    session: Session,
    changes: Sequence[ProductChange],
    *,
    threshold: int | None,
    by: Principal | None,
) -> list[Shelf]:
    """Lock the levels that will change, and return them as they will be; one statement if present ones are spoken of.

    `threshold` is the store's, for new levels that say nothing else. A change that the shelf does not allow is given
    up: less than is reserved, or `by` may not say what there is.
    """
    shelves, spoken = [], {}
    for change in changes:
        if not change.is_sound:
            continue
        for one in change.variants:
            if one.before is None:
                shelves.append(_opened(change, one, threshold))
            elif isinstance(one.document, StockedVariantDocument) and (wanted := _wanted(one.document)):
                spoken[one.row["id"]] = (change, wanted)
    for held in _hold(session, spoken):
        change, wanted = spoken[held["variant_id"]]
        shelves.append(_moved(change, wanted, held))
        change.moves_stock = True
    for shelf in shelves:
        if by is not None and not by.may(_ADJUST) and _says_something(shelf, threshold):
            detail = f"Only a credential with the permission {_ADJUST} says what is on the shelf; leave it out."
            shelf.change.refuse(Forbidden(detail))
    return shelves


def write(session: Session, shelves: Sequence[Shelf], *, kind: AdjustmentKind, reason: str) -> None:
    """Write the levels of changes that are sound, and record their history. One statement."""
    kept = sorted((one for one in shelves if one.change.is_sound), key=lambda one: str(one.row["variant_id"]))
    if not kept:
        return
    # What is on the shelf at first is no correction of anything.
    opening = kind if kind == AdjustmentKind.IMPORT else AdjustmentKind.INITIAL
    values = {"rows": json.dumps([one.row for one in kept]), "kind": kind.value, "reason": reason, "opening": opening}
    released = {"released": [gone for one in kept if one.row["freed"] for gone in one.row["lapsed_ids"]]}
    session.execute(_WRITE, movements.circumstances(session) | values | released)
    movements.tell(session, [_movement(one) for one in kept if one.before is None and one.row["delta"]], opening)
    movements.tell(session, [_movement(one) for one in kept if one.before is not None and one.row["delta"]], kind)
    for one in kept:
        if one.before is not None:
            _note(session, one, kind, reason)


def _movement(one: Shelf) -> Movement:
    row = one.row
    threshold = row["low_stock_threshold"]
    return Movement(UUID(row["variant_id"]), row["delta"], row["on_hand"], row["version"], threshold)


def _wanted(document: StockedVariantDocument) -> Row:
    given = document.model_fields_set
    wanted = {name: getattr(document, name) for name in ("on_hand", *_RULES) if name in given}
    return {name: value for name, value in wanted.items() if value is not None or name == "low_stock_threshold"}


def _hold(session: Session, spoken: dict[str, tuple[ProductChange, Row]]) -> list[Row]:
    if not spoken:
        return []
    wanted = [
        {"variant_id": variant_id, "says_threshold": "low_stock_threshold" in row, **row}
        for variant_id, (_, row) in spoken.items()
    ]
    values = movements.circumstances(session) | {"wanted": json.dumps(wanted)}
    held: list[Row] = session.execute(_HOLD, values).scalar_one()
    return held


def _opened(change: ProductChange, one: VariantChange, threshold: int | None) -> Shelf:
    wanted = _wanted(one.document) if isinstance(one.document, StockedVariantDocument) else {}
    on_hand = wanted.get("on_hand", 0)
    row = {
        "id": str(ids.new_id()),
        "level_id": str(ids.new_id()),
        "variant_id": one.row["id"],
        "on_hand": on_hand,
        "delta": on_hand,
        "version": 1,
        "safety_stock": wanted.get("safety_stock", 0),
        "allow_backorder": wanted.get("allow_backorder", False),
        "low_stock_threshold": wanted.get("low_stock_threshold", threshold),
        "is_new": True,
        "freed": 0,
    }
    return Shelf(change, row, None)


def _moved(change: ProductChange, wanted: Row, held: Row) -> Shelf:
    row = {**held, **wanted, "id": str(ids.new_id()), "level_id": None, "is_new": False}
    row["version"] = held["version"] + 1
    row["delta"] = row["on_hand"] - held["on_hand"]
    reserved, short = held["reserved"], not row["allow_backorder"] and row["on_hand"] < held["reserved"]
    row["freed"] = held["lapsed"] if short else 0
    if short:
        reserved -= held["lapsed"]
        short = row["on_hand"] < reserved
    if short and row["delta"] < 0:
        detail = f"{reserved} of the {held['on_hand']} on hand are reserved; take fewer, or allow backorders."
        change.refuse(StockIsReserved(detail, on_hand=held["on_hand"], reserved=reserved))
    elif short or (not row["allow_backorder"] and row["on_hand"] < 0):
        told = f"{reserved} are promised and {row['on_hand']} on hand"
        detail = f"{told}; backorders can end once these are served."
        change.refuse(BackordersOpen(detail, on_hand=row["on_hand"], reserved=reserved))
    return Shelf(change, row, held, tuple(name for name in _RULES if row[name] != held[name]))


def _says_something(shelf: Shelf, threshold: int | None) -> bool:
    row = shelf.row
    if shelf.before is not None:
        return True
    stocked = row["on_hand"] or row["safety_stock"] or row["allow_backorder"]
    return bool(stocked) or row["low_stock_threshold"] not in (None, threshold)


def _note(session: Session, one: Shelf, kind: AdjustmentKind, reason: str) -> None:
    row, before, variant_id = one.row, one.before or {}, UUID(one.row["variant_id"])
    if row["delta"]:
        audit.record(
            session,
            action="stock.adjusted",
            entity="stock_level",
            entity_id=variant_id,
            before={"on_hand": before["on_hand"]},
            after={"on_hand": row["on_hand"], "kind": kind.value, "reason": reason},
        )
    if not one.rules:
        return
    audit.record(
        session,
        action="stock.rules_changed",
        entity="stock_level",
        entity_id=variant_id,
        before={name: before[name] for name in one.rules},
        after={name: row[name] for name in one.rules},
    )
    outbox.record(
        session,
        StockRulesChanged(
            variant_id=variant_id,
            version=row["version"],
            safety_stock=row["safety_stock"],
            allow_backorder=row["allow_backorder"],
            low_stock_threshold=row["low_stock_threshold"],
        ),
    )
    threshold, was = row["low_stock_threshold"], before["low_stock_threshold"]
    was_low = was is not None and before["on_hand"] <= was
    # A count that crosses the threshold tells so itself; here a threshold that rose to what there is.
    crossed = threshold is not None and bool(row["delta"]) and row["on_hand"] <= threshold < before["on_hand"]
    if threshold is not None and row["on_hand"] <= threshold and not was_low and not crossed:
        outbox.record(
            session,
            StockLow(
                variant_id=variant_id,
                version=row["version"],
                on_hand=row["on_hand"],
                low_stock_threshold=threshold,
            ),
        )
