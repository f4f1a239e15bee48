"""What a store's tables hold, in numbers; and what must hold of them at every moment of rest."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from shared.core import driver, tenancy, topology
from tests.database import Sql
from tests.factories import StoreUnderTest

type Facts = Mapping[str, int]

# What a count of rows does not show: in which state they are, and what their numbers add up to.
_DETAILS = {
    "orders": "status || ' ' || payment_status || ' ' || fulfillment_status",
    "payment_attempts": "status",
    "checkouts": "state",
    "carts": "state",
    "outgoing_messages": "status",
    "domain_events": "type",
    "audit_entries": "action",
    "inventory_adjustments": "kind",
}
# Whose rows are as many as the clock has it, and say nothing of what was lost or doubled.
_BY_THE_CLOCK = {
    "audit_blocks",  # one each time that the sealer came
    "edge_spending",  # one a day
    "search_misses",  # a row a text and day; how often is counted at least once
    "throttles",  # what was tried lately; a second try is one more
    "token_uses",  # a row a token and day, written some minutes apart
    "unsealed_entries",  # what it has not come for yet
}
_SUMS = {
    "order_lines": ("quantity", "total", "fulfilled"),
    "fulfillment_lines": ("quantity",),
    "payment_attempts": ("amount", "captured"),
    "stock_levels": ("on_hand", "reserved"),
    "stock_reservations": ("quantity",),
    "inventory_adjustments": ("delta",),
    "event_sequences": ("last",),
    "store_sequences": ("last",),
    "carts": ("(select coalesce(sum((l ->> 'quantity')::bigint), 0) from jsonb_array_elements(lines) as l)",),
}

# Each is 0 in a store that is whole. `{id}` is the store.
_WHOLE = {
    "levels that are not their adjustments": """
        select count(*) from stock_levels s where s.store_id = '{id}' and s.on_hand <> (
            select coalesce(sum(a.delta), 0) from inventory_adjustments a
            where a.store_id = s.store_id and a.variant_id = s.variant_id)""",
    "levels whose reserved is not their reservations": """
        select count(*) from stock_levels s where s.store_id = '{id}' and s.reserved <> (
            select coalesce(sum(r.quantity), 0) from stock_reservations r
            where r.store_id = s.store_id and r.variant_id = s.variant_id)""",
    "reservations of no open checkout": """
        select count(*) from stock_reservations r where r.store_id = '{id}' and not exists (
            select from checkouts c where c.store_id = r.store_id and c.id = r.holder_id and c.state = 'open')""",
    "events left in the outbox": "select count(*) from outbox where store_id = '{id}'",
    "events not published once": """
        select count(*) from domain_events e where e.store_id = '{id}' and 1 <> (
            select count(*) from published_events p where p.store_id = e.store_id and p.event_id = e.id)""",
    "gaps in the sequence of events": """
        select coalesce(max(sequence), 0) - count(*) from published_events where store_id = '{id}'""",
    "keys without an answer": "select count(*) from idempotency_keys where store_id = '{id}' and status is null",
    "orders without exactly one payment": """
        select count(*) from orders o where o.store_id = '{id}' and 1 <> (
            select count(*) from payment_attempts p where p.store_id = o.store_id and p.order_id = o.id)""",
    "orders told of not once": """
        select count(*) from orders o where o.store_id = '{id}' and 1 <> (
            select count(*) from domain_events e
            where e.store_id = o.store_id and e.entity_id = o.id and e.type = 'order.placed')""",
    "orders whose sales are not their lines": """
        select count(*) from orders o where o.store_id = '{id}' and (
            select coalesce(sum(l.quantity), 0) from order_lines l
            where l.store_id = o.store_id and l.order_id = o.id) <> (
            select coalesce(-sum(a.delta), 0) from inventory_adjustments a
            where a.store_id = o.store_id and a.order_id = o.id and a.kind = 'sale')""",
    "adjustments told of not once": """
        select count(*) from inventory_adjustments a where a.store_id = '{id}' and 1 <> (
            select count(*) from domain_events e where e.store_id = a.store_id and e.entity_id = a.variant_id
            and e.type = 'stock.adjusted' and e.entity_version = a.level_version)""",
    "jobs that a worker has": "select count(*) from jobs where store_id = '{id}' and status = 'running'",
    "messages that a sender has": """
        select count(*) from outgoing_messages where store_id = '{id}' and status = 'sending'""",
    "gaps in the numbers of orders": """
        select coalesce(max(number) - min(number) + 1, 0) - count(*) from orders where store_id = '{id}'""",
}


@contextmanager
def looking(url: str) -> Iterator[Sql]:
    """Look behind the application's back, as the superuser of `url`."""
    with driver.connect_to(url) as connection:
        connection.autocommit = True

        def run(statement: str, *args: object) -> list[dict[str, Any]]:
            cursor = connection.cursor()
            cursor.execute(statement, args)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()] if names else []

        yield run


def of(sql: Sql, store: StoreUnderTest) -> Facts:
    """Return every number of the store's tables: rows of each, rows in each state, sums."""
    rows = sql(_statement().format(id=store.id))
    return {row["name"]: int(row["number"]) for row in rows if row["number"]}


def change(before: Facts, after: Facts) -> dict[str, int]:
    """Return what became more or fewer."""
    names = {*before, *after}
    return {name: delta for name in sorted(names) if (delta := after.get(name, 0) - before.get(name, 0))}


def broken(sql: Sql, store: StoreUnderTest) -> list[str]:
    """Return what does not hold in the store, in words."""
    parts = (f"select '{name}' as name, ({query}) as number" for name, query in _WHOLE.items())
    rows = sql(" union all ".join(parts).format(id=store.id))
    return [f"{row['number']} {row['name']}" for row in rows if row["number"]]


@cache
def _statement() -> str:
    list(topology.modules())  # every function's imports: so every domain's models are known
    parts = ["select 'stores of all' as name, count(*) as number from stores"]
    for table in sorted(tenancy.Base.metadata.tables.values(), key=lambda table: table.name):
        if "store_id" not in table.columns or table.name in _BY_THE_CLOCK:
            continue
        name = table.name
        parts.append(f"select '{name}' as name, count(*) as number from {name} where store_id = '{{id}}'")
        parts += [
            f"select '{name}: {number}: sum', coalesce(sum({number}), 0) from {name} where store_id = '{{id}}'"
            if number.isidentifier()
            else f"select '{name}: sum', coalesce(sum({number}), 0) from {name} where store_id = '{{id}}'"
            for number in _SUMS.get(name, ())
        ]
        if state := _DETAILS.get(name):
            parts.append(
                f"select '{name}: ' || {state}, count(*) from {name} where store_id = '{{id}}' group by 1",
            )
    return " union all ".join(parts)
