"""People who work for a store, as rows: one in each table that is an organization's or a person's.

And one in each table of the store's own that its life (`living`) has not filled. The tables and their columns are read
from the catalogue, so a new one has its rows the day it is there. What it must hold besides what its type and its
CHECKs say stands in `AS_IT_IS`.
"""

import re
from uuid import UUID

from shared.core import ids
from tests.database import Sql
from tests.rules.locks import Table
from tests.tenancy.rows import tables_of_tenants
from tests.tenancy.world import World

# By table, then column, in SQL; what stands in braces is the world's.
AS_IT_IS = {
    "public.organization_members": {
        "role": "'custom'",
        "role_id": "'{organization}'",
        "store_ids": "array['{store}']::uuid[]",
    },
    "public.roles": {"id": "'{organization}'"},
    "public.role_permissions": {"role_id": "'{organization}'", "permission": "'product.read'"},
    "public.permission_overrides": {"permission": "'order.read'"},
    "public.customer_sessions": {
        "customer_id": "(select id from customers where store_id = '{store}' and status = 'active' limit 1)"
    },
    "public.customer_tokens": {"session_id": "(select id from customer_sessions where store_id = '{store}' limit 1)"},
}

_COLUMNS = """
select attname::text as name, format_type(atttypid, null) as kind from pg_attribute
where attrelid = %s::regclass and attnum > 0 and not attisdropped and (attnotnull and not atthasdef)
"""
_CHECKS = """
select pg_get_constraintdef(oid) as says from pg_constraint where conrelid = %s::regclass and contype = 'c'
"""
_BY_KIND = {
    "timestamp with time zone": "now()",
    "boolean": "false",
    "jsonb": "'{}'",
    "inet": "'127.0.0.1'",
    "date": "current_date",
}


def join(sql: Sql, world: World) -> None:
    """Let a person work for the store's organization."""
    [store] = sql("select organization_id from stores where id = %s", world.store.id)
    owners = {"store": world.store.id, "organization": store["organization_id"], "person": ids.new_id()}
    sql("set session_replication_role = replica")  # rows before the rows that they hang on
    for table in tables_of_tenants(sql):
        tenant = owners.get(str(table.owner))
        if tenant is not None and not sql(f"select 1 as one from {table.name} where {table.owner_column} = %s", tenant):
            _fill(sql, table, tenant, owners)
    sql("set session_replication_role = origin")


def _fill(sql: Sql, table: Table, tenant: UUID, names: dict[str, UUID]) -> None:
    known = {"user_id": "'{person}'", "organization_id": "'{organization}'", **AS_IT_IS.get(table.name, {})}
    checks = " ".join(row["says"] for row in sql(_CHECKS, table.name))
    values = {column["name"]: _value(column["name"], column["kind"], checks) for column in sql(_COLUMNS, table.name)}
    values |= {name: value.format(**names) for name, value in known.items() if name in table.columns}
    values[str(table.owner_column)] = f"'{tenant}'"
    sql(f"insert into {table.name} ({', '.join(values)}) values ({', '.join(values.values())})")


def _value(name: str, kind: str, checks: str) -> str:  # noqa: PLR0911 -- one kind after the other
    """Return what a column of this type may hold: the first word of its CHECK, where it has one."""
    words = re.search(rf"\b{name}\b[^']*= ANY \(+ARRAY\['([^']*)'", checks)
    if words:
        return f"'{words[1]}'"
    if "expires" in name or name.endswith("until"):
        return "'infinity'"  # what has an end has not come to it
    if kind in _BY_KIND:
        return _BY_KIND[kind]
    new = ids.new_id()
    if kind == "uuid":
        return f"'{new}'"
    if kind == "bytea":
        return f"'\\x{new.hex}'"
    if kind.endswith("[]"):
        return "'{}'"
    return "1" if kind in ("bigint", "integer", "smallint", "numeric") else f"'{new.hex[-12:]}'"
