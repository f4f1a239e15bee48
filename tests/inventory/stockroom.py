"""How the tests of inventory say what they want, and look at what became of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from shared.core import clock, ids
from shared.inventory import reservations, sales
from tests.database import Sql
from tests.factories import StoreUnderTest


def in_minutes(minutes: float) -> datetime:
    """Return the moment so far from now."""
    return clock.now() + timedelta(minutes=minutes)


def demand(store: StoreUnderTest, wanted: Mapping[str, int]) -> dict[UUID, int]:
    """Return a demand by variant, from one by SKU."""
    return {store.variant_id(sku): quantity for sku, quantity in wanted.items()}


def hold(store: StoreUnderTest, holder: UUID, *, minutes: float = 15, **wanted: int) -> None:
    """Reserve in a transaction of its own."""
    with store.session() as session:
        reservations.hold(session, holder, demand(store, wanted), in_minutes(minutes))


def release(store: StoreUnderTest, holder: UUID) -> dict[UUID, int]:
    """Release in a transaction of its own."""
    with store.session() as session:
        return reservations.release(session, holder)


def consume(store: StoreUnderTest, holder: UUID, **wanted: int) -> UUID:
    """Turn a reservation into sales in a transaction of its own; return the order."""
    order = ids.new_id()
    with store.session() as session:
        reservations.consume(session, holder, order, demand(store, wanted))
    return order


def sell(store: StoreUnderTest, **wanted: int) -> UUID:
    """Sell in a transaction of its own; return the order."""
    order = ids.new_id()
    with store.session() as session:
        sales.sell(session, order, demand(store, wanted))
    return order


def restock(store: StoreUnderTest, order: UUID, **wanted: int) -> dict[UUID, int]:
    """Put back in a transaction of its own."""
    with store.session() as session:
        return sales.restock(session, order, demand(store, wanted), "Canceled")


def level(sql: Sql, store: StoreUnderTest, sku: str) -> tuple[int, int]:
    """Return what is on hand and what is reserved."""
    found = sql(
        "select on_hand, reserved from stock_levels where store_id = %s and variant_id = %s",
        store.id,
        store.variant_id(sku),
    )
    return found[0]["on_hand"], found[0]["reserved"]


def held(sql: Sql, store: StoreUnderTest) -> int:
    """Return how many units all reservations of the store come to."""
    found = sql(
        "select coalesce(sum(quantity), 0)::bigint as held from stock_reservations where store_id = %s", store.id
    )
    return int(found[0]["held"])


def history(sql: Sql, store: StoreUnderTest, sku: str) -> list[tuple[str, int, int]]:
    """Return kind, difference and what was there after it, of each adjustment in their order."""
    found = sql(
        "select kind, delta, on_hand from inventory_adjustments where store_id = %s and variant_id = %s "
        "order by level_version",
        store.id,
        store.variant_id(sku),
    )
    return [(row["kind"], row["delta"], row["on_hand"]) for row in found]


def told(sql: Sql, store: StoreUnderTest, event_type: str) -> list[dict[str, Any]]:
    """Return the payloads of the store's events of a type, in the order of their making."""
    found = sql("select payload from domain_events where store_id = %s and type = %s order by id", store.id, event_type)
    return [row["payload"] for row in found]


def wait_until_somebody_waits_for_a_lock(sql: Sql) -> None:
    """Return once another transaction stands still; the test's time limit is its end."""
    while not sql("select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"):
        pass
