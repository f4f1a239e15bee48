"""What the tables of a store and of all around it hold, in numbers; and what must hold of a store at a moment of rest.

Around it are its organization, its people, and whatever else was opened since the store was: tenants' ids grow.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Table

from shared.core import driver, tenancy, topology
from shared.core.idempotency import PLATFORM_STORE
from tests.database import Sql
from tests.factories import StoreUnderTest

type Facts = Mapping[str, int]

_USED = "case when used_at is null then 'open' else 'used' end"

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
    "users": "concat_ws(' ', email_verified_at is not null, second_factor_since is not null, disabled_at is not null)",
    "sessions": "concat_ws(' ', ended_because, organization_id is not null, entered_store_id is not null)",
    "customer_sessions": "coalesce(ended_because, 'alive')",
    "customers": "concat_ws(' ', status, deleted_at is not null)",
    "authenticators": "(confirmed_at is not null)::text",
    "organization_members": "concat_ws(' ', role, suspended_at is not null)",
    "invitations": "concat_ws(' ', accepted_at is not null, revoked_at is not null)",
    **dict.fromkeys(("mailed_links", "sign_in_challenges", "recovery_codes", "customer_codes"), _USED),
}
# Tenants themselves, whose rows are nobody's but their own.
_TENANTS = {"organizations", "stores", "users"}
# What is written of the platform, too, which is no tenant.
_PLATFORMS = {"audit_entries", "consumed_events", "domain_events", "event_sequences", "idempotency_keys", "outbox"}
# Whose rows are as many as the clock has it, and say nothing of what was lost or doubled.
_BY_THE_CLOCK = {
    "audit_blocks",  # one each time that the sealer came
    "edge_spending",  # one a day
    # A row a text and day, by how often it was searched: once more, where a message comes again. To know each message
    # again would take a row of each search in vain, and a flood of them is to fill no disk.
    "search_misses",
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

# Each is 0 in a store that is whole. `{whose}` chooses the store, or whichever tenants it is about.
_WHOLE = {
    "levels that are not their adjustments": """
        select count(*) from stock_levels s where s.{whose} and s.on_hand <> (
            select coalesce(sum(a.delta), 0) from inventory_adjustments a
            where a.store_id = s.store_id and a.variant_id = s.variant_id)""",
    "levels whose reserved is not their reservations": """
        select count(*) from stock_levels s where s.{whose} and s.reserved <> (
            select coalesce(sum(r.quantity), 0) from stock_reservations r
            where r.store_id = s.store_id and r.variant_id = s.variant_id)""",
    "reservations of no open checkout": """
        select count(*) from stock_reservations r where r.{whose} and not exists (
            select from checkouts c where c.store_id = r.store_id and c.id = r.holder_id and c.state = 'open')""",
    "events left in the outbox": "select count(*) from outbox where {whose}",
    "events not published once": """
        select count(*) from domain_events e where e.{whose} and 1 <> (
            select count(*) from published_events p where p.store_id = e.store_id and p.event_id = e.id)""",
    "gaps in the sequence of events": """
        select coalesce(sum(gap), 0) from (
            select max(sequence) - count(*) as gap from published_events p where p.{whose} group by p.store_id)""",
    "keys without an answer": "select count(*) from idempotency_keys where {whose} and status is null",
    "orders without exactly one payment": """
        select count(*) from orders o where o.{whose} and 1 <> (
            select count(*) from payment_attempts p where p.store_id = o.store_id and p.order_id = o.id)""",
    "orders told of not once": """
        select count(*) from orders o where o.{whose} and 1 <> (
            select count(*) from domain_events e
            where e.store_id = o.store_id and e.entity_id = o.id and e.type = 'order.placed')""",
    "orders whose sales are not their lines": """
        select count(*) from orders o where o.{whose} and (
            select coalesce(sum(l.quantity), 0) from order_lines l
            where l.store_id = o.store_id and l.order_id = o.id) <> (
            select coalesce(-sum(a.delta), 0) from inventory_adjustments a
            where a.store_id = o.store_id and a.order_id = o.id and a.kind = 'sale')""",
    "adjustments told of not once": """
        select count(*) from inventory_adjustments a where a.{whose} and 1 <> (
            select count(*) from domain_events e where e.store_id = a.store_id and e.entity_id = a.variant_id
            and e.type = 'stock.adjusted' and e.entity_version = a.level_version)""",
    "jobs that a worker has": "select count(*) from jobs where {whose} and status = 'running'",
    "messages that a sender has": """
        select count(*) from outgoing_messages where {whose} and status = 'sending'""",
    "gaps in the numbers of orders": """
        select coalesce(sum(gap), 0) from (select max(number) - min(number) + 1 - count(*) as gap
            from orders o where o.{whose} group by o.store_id)""",
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


def prepare(sql: Sql) -> None:
    """Have PostgreSQL plan once, for this connection, what `of_all` asks a thousand times."""
    # Nothing but an index leads to the newest tenants' rows, whatever is believed of a table that is still small.
    sql("set enable_seqscan = off")
    sql("set plan_cache_mode = force_generic_plan")
    sql(f"prepare kills_facts (uuid) as {_statement()}")


def of(sql: Sql, store: StoreUnderTest) -> Facts:
    """Return every number of a store's tables: rows of each, rows in each state, sums."""
    return _read(sql(_statement().replace(">= $1", f"= '{store.id}'")))


def of_all(sql: Sql, since: UUID) -> Facts:
    """Return the same of who is no older than `since`, where it was prepared."""
    return _read(sql(f"execute kills_facts ('{since}')"))


def _read(rows: list[dict[str, Any]]) -> Facts:
    return {row["name"]: int(row["number"]) for row in rows if row["number"]}


def change(before: Facts, after: Facts) -> dict[str, int]:
    """Return what became more or fewer."""
    names = {*before, *after}
    return {name: delta for name in sorted(names) if (delta := after.get(name, 0) - before.get(name, 0))}


def broken(sql: Sql, store: StoreUnderTest) -> list[str]:
    """Return what does not hold in the store, in words."""
    return _broken(sql, f"store_id = '{store.id}'")


def broken_since(sql: Sql, since: UUID) -> list[str]:
    """Return what does not hold of who is no older than `since`, in words."""
    return _broken(sql, f"store_id >= '{since}'")


def _broken(sql: Sql, whose: str) -> list[str]:
    parts = (f"select '{name}' as name, ({query}) as number" for name, query in _WHOLE.items())
    rows = sql(" union all ".join(parts).format(whose=whose))
    return [f"{row['number']} {row['name']}" for row in rows if row["number"]]


@cache
def _statement() -> str:
    list(topology.modules())  # every function's imports: so every domain's models are known
    parts = []
    for table in sorted(tenancy.Base.metadata.tables.values(), key=lambda table: table.name):
        whose = _whose(table)
        if whose is None or table.name in _BY_THE_CLOCK:
            continue
        name, rows = table.name, f"from {table.name} where {whose}"
        parts.append(f"select '{name}' as name, count(*) as number {rows}")
        parts += [
            f"select '{name}: {number if number.isidentifier() else ''}: sum', coalesce(sum({number}), 0) {rows}"
            for number in _SUMS.get(name, ())
        ]
        if state := _DETAILS.get(name):
            parts.append(f"select '{name}: ' || {state}, count(*) {rows} group by 1")
    return " union all ".join(parts)


def _whose(table: Table) -> str | None:
    """Return what chooses the rows of who is no older than the parameter; None for what belongs to nobody."""
    first = next(iter(table.primary_key.columns)).name
    if table.name in _TENANTS or first in ("organization_id", "user_id"):
        return f"{first} >= $1"
    if first != "store_id":
        return None
    return f"(store_id >= $1 or store_id = '{PLATFORM_STORE}')" if table.name in _PLATFORMS else "store_id >= $1"
