"""The rows of a store, as the superuser sees them: whether one of them changed, and what was removed or added."""

from dataclasses import dataclass
from uuid import UUID

from tests.database import Sql
from tests.rules import locks
from tests.rules.locks import Table


def tables_of_stores(sql: Sql) -> list[Table]:
    """Return every table whose rows belong to stores, as the migrated database has them."""
    return [table for table in locks.tables(sql) if table.owner == "store"]


def tables_of_tenants(sql: Sql) -> list[Table]:
    """Return every table whose rows belong to a tenant: to a store, an organization or a person."""
    return [table for table in locks.tables(sql) if table.owner is not None]


def two_tenants(sql: Sql, table: Table, stores: tuple[UUID, UUID]) -> tuple[UUID, UUID]:
    """Return two that have rows in a table: the stores, where it is theirs."""
    if table.owner == "store":
        return stores
    found = sql(f"select distinct {table.owner_column} as id from {table.name} order by 1 limit 2")
    assert len(found) == 2, f"{table.name}: two tenants have no rows in it; see tests/tenancy/people.py"
    return found[0]["id"], found[1]["id"]


@dataclass(frozen=True)
class Rows:
    """Fingerprints of a store's rows, by table."""

    of_tables: dict[str, str]

    def changed_since(self, before: "Rows", *, but: frozenset[str] = frozenset()) -> list[str]:
        """Return the tables whose rows are not what they were."""
        now = self.of_tables
        return [table for table in now if now[table] != before.of_tables[table] and table not in but]


def rows_of(sql: Sql, store_id: UUID, tables: list[Table]) -> Rows:
    """Take the fingerprints of a store's rows: one statement, over every byte of every row."""
    looks = " union all ".join(
        f"select '{table.name}' as name, md5(coalesce(string_agg(r::text, chr(10) order by r::text), '')) as rows "
        f"from {table.name} r where r.{table.owner_column} = '{store_id}'"
        for table in tables
    )
    return Rows({row["name"]: row["rows"] for row in sql(looks)})


def ids_of(sql: Sql, store_id: UUID, tables: list[Table]) -> set[UUID]:
    """Return the id of every row of a store that has one: one statement."""
    looks = " union all ".join(
        f"select id from {table.name} where {table.owner_column} = '{store_id}'"
        for table in tables
        if "id" in table.columns
    )
    return {row["id"] for row in sql(looks)}
