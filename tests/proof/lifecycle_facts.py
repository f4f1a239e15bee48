"""What stands in the database of one store, read past the application: for comparing it with what must stand there."""

from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.database import Sql

_LEVELS = """
select v.sku, s.on_hand, s.reserved,
       (select coalesce(sum(a.delta), 0)::bigint from inventory_adjustments a
        where a.store_id = s.store_id and a.variant_id = s.variant_id) as replayed,
       (select coalesce(sum(r.quantity), 0)::bigint from stock_reservations r
        where r.store_id = s.store_id and r.variant_id = s.variant_id) as held,
       (select count(*) from (
            select on_hand, sum(delta) over (order by level_version) as running from inventory_adjustments a
            where a.store_id = s.store_id and a.variant_id = s.variant_id) as history
        where on_hand <> running) as skips
from stock_levels s join variants v on v.store_id = s.store_id and v.id = s.variant_id where s.store_id = %s
"""
_HOLDS = """
select r.holder_id, v.sku, r.quantity, r.expires_at from stock_reservations r
join variants v on v.store_id = r.store_id and v.id = r.variant_id where r.store_id = %s
"""
_ORDERS = """
select o.id, o.number, o.status, o.payment_status, o.fulfillment_status, o.version, o.subtotal, o.discount, o.tax,
       o.shipping, o.shipping_tax, o.total, o.prices_include_tax, l.lines, p.attempts, p.captured, p.amount, f.handed
from orders o cross join lateral (
    select jsonb_agg(to_jsonb(l) - 'trace' order by l.position) as lines from order_lines l
    where l.store_id = o.store_id and l.order_id = o.id) as l
cross join lateral (
    select count(*) as attempts, coalesce(sum(captured), 0)::bigint as captured, sum(amount)::bigint as amount
    from payment_attempts p where p.store_id = o.store_id and p.order_id = o.id) as p
cross join lateral (
    select coalesce(jsonb_object_agg(order_line_id, quantity), '{}') as handed from (
        select d.order_line_id, sum(d.quantity) as quantity from fulfillments f join fulfillment_lines d
        on d.store_id = f.store_id and d.fulfillment_id = f.id
        where f.store_id = o.store_id and f.order_id = o.id group by d.order_line_id) as d) as f
where o.store_id = %s order by o.number
"""
_EVENTS = "select type as name, count(*) as times from domain_events where store_id = %s group by type"
_ENTRIES = "select action as name, count(*) as times from audit_entries where store_id = %s group by action"
_UNTOLD = """
select (select count(*) from domain_events e where e.store_id = %s and not exists (
            select from outbox o where o.store_id = e.store_id and o.id = e.id)) as events
"""


@dataclass(frozen=True)
class StockRow:
    """A level, beside what its history and its reservations come to."""

    on_hand: int
    reserved: int
    replayed: int
    held: int
    skips: int  # adjustments whose `on_hand` is not the running sum


def levels(sql: Sql, store_id: UUID) -> dict[str, StockRow]:
    """Return the levels by SKU."""
    rows = sql(_LEVELS, store_id)
    return {row.pop("sku"): StockRow(**row) for row in rows}


def holds(sql: Sql, store_id: UUID) -> set[tuple[Any, ...]]:
    """Return the reservations: holder, SKU, quantity, end."""
    return {(row["holder_id"], row["sku"], row["quantity"], row["expires_at"]) for row in sql(_HOLDS, store_id)}


def orders(sql: Sql, store_id: UUID) -> list[dict[str, Any]]:
    """Return the orders in the order of their numbers, each with its lines and what it was paid."""
    return sql(_ORDERS, store_id)


def told(sql: Sql, store_id: UUID) -> tuple[Counter[str], Counter[str]]:
    """Return how many events of each type there are, and how many audit entries of each action."""
    events, entries = sql(_EVENTS, store_id), sql(_ENTRIES, store_id)
    return Counter({row["name"]: row["times"] for row in events}), Counter(
        {row["name"]: row["times"] for row in entries}
    )


def events_nobody_will_hear(sql: Sql, store_id: UUID) -> int:
    """Return how many events stand in no outbox; no relay runs here, so each must."""
    return int(sql(_UNTOLD, store_id)[0]["events"])


def wrong_sums(order: dict[str, Any]) -> list[str]:
    """Return what of an order does not add up to the unit."""
    lines, taxed = order["lines"], not order["prices_include_tax"]
    sums = {name: sum(line[name] for line in lines) == order[name] for name in ("subtotal", "discount", "tax")}
    sums["line subtotals"] = all(line["subtotal"] == line["unit_price"] * line["quantity"] for line in lines)
    sums["line totals"] = all(
        line["total"] == line["subtotal"] - line["discount"] + (line["tax"] if taxed else 0) for line in lines
    )
    shipping = order["shipping"] + (order["shipping_tax"] if taxed else 0)
    sums["total"] = order["total"] == sum(line["total"] for line in lines) + shipping
    sums["payments"] = order["amount"] == (order["total"] or None) and order["attempts"] == bool(order["total"])
    sums["captured"] = order["captured"] in {0, order["total"]}
    return [name for name, adds_up in sums.items() if not adds_up]
