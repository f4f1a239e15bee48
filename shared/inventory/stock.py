"""Changing what is on hand, by a difference or to a count, and the rules by which a variant is sold."""

from dataclasses import dataclass
from typing import Any, NoReturn
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from shared.core import audit, clock, errors, ids, outbox, tenancy
from shared.core.errors import FieldError, NotFound, Problem, StaleVersion, ValidationFailed
from shared.inventory import movements
from shared.inventory.events import StockLow, StockRulesChanged
from shared.inventory.models import AdjustmentKind, StockLevel
from shared.inventory.movements import Movement
from shared.inventory.schemas import EditRules


class StockMoved(Problem):
    """What is on hand is no longer what the count was based on; count again, or say what is there now."""

    status = 409
    code = "stock_moved"
    title = "Stock has moved"


class StockIsReserved(Problem):
    """Fewer units would be on hand than open checkouts were promised, and the variant takes no backorders."""

    status = 409
    code = "stock_is_reserved"
    title = "Stock is reserved"


class BackordersOpen(Problem):
    """More is promised or owed than there is, so backorders cannot be ended now."""

    status = 409
    code = "backorders_open"
    title = "Backorders are open"


@dataclass(frozen=True)
class Target:
    """What a change is to come to: a difference, or a count with what it is based on."""

    delta: int | None = None
    on_hand: int | None = None
    expected_on_hand: int | None = None
    expected_version: int | None = None


# The conditions read the level as it is once its lock is had. What they refuse changes nothing, and is told why. Locks
# are had as in `taking`. All columns that the CHECKs name are set from `verdict`: PostgreSQL first tries the update on
# the row as it was when the statement began, CHECKs included, and notices only then that somebody has changed it.
_CHANGE = text("""
with lapsed as materialized (
    select id, quantity from stock_reservations
    where cast(:makes_room as boolean) and store_id = :store_id and variant_id = :variant_id and expires_at <= :now
    order by holder_id for update
), present as materialized (
    select s.variant_id, s.on_hand, s.reserved - freed.quantity as reserved, s.allow_backorder, s.version,
           coalesce(cast(:delta as bigint), cast(:on_hand as bigint) - s.on_hand) as delta
    from stock_levels s cross join (select coalesce(sum(quantity), 0)::bigint as quantity from lapsed) as freed
    where s.store_id = :store_id and s.variant_id = :variant_id for no key update of s
), verdict as materialized (
    select variant_id, delta, on_hand, reserved, allow_backorder, version,
           on_hand = coalesce(cast(:expected_on_hand as bigint), on_hand) as is_as_expected,
           version = coalesce(cast(:expected_version as bigint), version) as is_this_version,
           allow_backorder or delta >= 0 or on_hand + delta >= reserved as suffices
    from present
), moved as (
    update stock_levels s
    set on_hand = v.on_hand + v.delta, reserved = v.reserved, allow_backorder = v.allow_backorder,
        version = s.version + 1, updated_at = :now
    from verdict v
    where v.is_as_expected and v.is_this_version and v.suffices and v.delta <> 0
      and s.store_id = :store_id and s.variant_id = :variant_id
    returning s.variant_id, v.delta, s.on_hand, s.version, s.low_stock_threshold
), gone as (
    delete from stock_reservations r using moved m
    where cast(:makes_room as boolean) and r.store_id = :store_id and r.variant_id = :variant_id
      and r.expires_at <= :now
), noted as (
    insert into inventory_adjustments (store_id, id, variant_id, kind, delta, on_hand, level_version, reason,
                                       actor_kind, actor_id, correlation_id, at)
    select :store_id, :id, variant_id, :kind, delta, on_hand, version, :reason,
           :actor_kind, :actor_id, :correlation_id, :now
    from moved
)
select v.delta, v.on_hand as before, v.reserved, v.version as version_before, v.is_as_expected, v.is_this_version,
       v.suffices, m.on_hand, m.version, m.low_stock_threshold
from verdict v left join moved m on m.variant_id = v.variant_id
""")


def adjust(session: Session, variant_id: UUID, *, delta: int, kind: AdjustmentKind, reason: str = "") -> None:
    """Change what is on hand by `delta`. One statement; two at once add up. A delta of 0 is nothing to do.

    Raises:
        NotFound: there is no such variant in this store.
        StockIsReserved: less would be left than open checkouts were promised.
    """
    _change(session, variant_id, Target(delta=delta), kind=kind, reason=reason)


def set_on_hand(  # noqa: PLR0913 -- each is a fact of the count, by keyword
    session: Session,
    variant_id: UUID,
    *,
    on_hand: int,
    expected_on_hand: int | None,
    expected_version: int | None,
    kind: AdjustmentKind = AdjustmentKind.CORRECTION,
    reason: str = "",
) -> None:
    """Set what is on hand to a count, if it still is what the count is based on. One statement.

    Raises:
        ValidationFailed: neither what is expected on hand nor a version is given.
        NotFound: there is no such variant in this store.
        StockMoved: something else is on hand than expected; the document says what.
        StaleVersion: the level has another version than the expected one.
        StockIsReserved: less would be left than open checkouts were promised.
    """
    if expected_on_hand is None and expected_version is None:
        detail = "Say what the count is based on: expected_on_hand, or If-Match with the level's ETag."
        error = FieldError(errors.pointer("expected_on_hand"), "missing", detail)
        raise ValidationFailed(detail, errors=[error])
    target = Target(on_hand=on_hand, expected_on_hand=expected_on_hand, expected_version=expected_version)
    _change(session, variant_id, target, kind=kind, reason=reason)


def edit_rules(session: Session, variant_id: UUID, wanted: EditRules, *, expected_version: int | None) -> StockLevel:
    """Change safety stock, backorders or the threshold; what `wanted` does not name stays.

    A safety stock above what is there is no mistake: nothing is sold until more arrives.

    Raises:
        NotFound: there is no such variant in this store.
        StaleVersion: the level has another version than the expected one.
        BackordersOpen: backorders shall end while more is promised or owed than there is.
    """
    level = session.scalars(
        select(StockLevel).where(StockLevel.variant_id == variant_id).with_for_update(key_share=True),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if level is None:
        raise _no_such_variant()
    if expected_version is not None and level.version != expected_version:
        raise StaleVersion(level.version)
    fields = {
        field: value
        for field, value in wanted.model_dump(exclude_unset=True).items()
        if value is not None or field == "low_stock_threshold"
    }
    before = {field: getattr(level, field) for field in fields}
    if before == fields:
        return level
    was_low = _is_low(level)
    for field, value in fields.items():
        setattr(level, field, value)
    if not level.allow_backorder and (level.on_hand < 0 or level.reserved > level.on_hand):
        detail = f"{level.reserved} are promised and {level.on_hand} on hand; backorders can end once these are served."
        raise BackordersOpen(detail, on_hand=level.on_hand, reserved=level.reserved)
    level.version += 1
    level.updated_at = clock.now()
    session.flush()
    audit.record(
        session,
        action="stock.rules_changed",
        entity="stock_level",
        entity_id=variant_id,
        before=before,
        after=fields,
    )
    _tell_rules(session, level)
    if _is_low(level) and not was_low:
        _tell_low(session, level)
    return level


def _change(session: Session, variant_id: UUID, target: Target, *, kind: AdjustmentKind, reason: str) -> None:
    values = {
        "id": ids.new_id(),
        "variant_id": variant_id,
        "kind": kind.value,
        "reason": reason,
        "delta": target.delta,
        "on_hand": target.on_hand,
        "expected_on_hand": target.expected_on_hand,
        "expected_version": target.expected_version,
    }
    tenancy.prelude(session, "savepoint stock")
    row = tenancy.run(session, _CHANGE, movements.circumstances(session) | values | {"makes_room": False}).one_or_none()
    if row is not None and not row.suffices:
        tenancy.prelude(session, "rollback to savepoint stock")
        row = tenancy.run(
            session, _CHANGE, movements.circumstances(session) | values | {"makes_room": True}
        ).one_or_none()
    if row is None:
        raise _no_such_variant()
    if row.version is None:
        if row.is_as_expected and row.is_this_version and row.suffices:
            return  # it is what it shall be
        _refuse(row)
    audit.record(
        session,
        action="stock.adjusted",
        entity="stock_level",
        entity_id=variant_id,
        before={"on_hand": row.before},
        after={"on_hand": row.on_hand, "kind": kind.value, "reason": reason},
    )
    moved = Movement(variant_id, row.delta, row.on_hand, row.version, row.low_stock_threshold)
    movements.tell(session, [moved], kind)


def _refuse(row: Any) -> NoReturn:  # noqa: ANN401 -- a row's class is its statement's
    if not row.is_this_version:
        raise StaleVersion(row.version_before)
    if not row.is_as_expected:
        detail = f"{row.before} are on hand now; count again, or set it from there."
        raise StockMoved(detail, on_hand=row.before)
    detail = f"{row.reserved} of the {row.before} on hand are reserved; take fewer, or allow backorders."
    raise StockIsReserved(detail, on_hand=row.before, reserved=row.reserved)


def _is_low(level: StockLevel) -> bool:
    return level.low_stock_threshold is not None and level.on_hand <= level.low_stock_threshold


def _tell_rules(session: Session, level: StockLevel) -> None:
    outbox.record(
        session,
        StockRulesChanged(
            variant_id=level.variant_id,
            version=level.version,
            safety_stock=level.safety_stock,
            allow_backorder=level.allow_backorder,
            low_stock_threshold=level.low_stock_threshold,
        ),
    )


def _tell_low(session: Session, level: StockLevel) -> None:
    outbox.record(
        session,
        StockLow(
            variant_id=level.variant_id,
            version=level.version,
            on_hand=level.on_hand,
            low_stock_threshold=level.low_stock_threshold or 0,
        ),
    )


def _no_such_variant() -> NotFound:
    return NotFound("There is no such variant.")
