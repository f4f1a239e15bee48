"""The rows of a store, as the superuser sees them: whether one of them changed, and what was removed or added."""

from dataclasses import dataclass
from uuid import UUID

from tests.database import Sql
from tests.rules import locks
from tests.rules.locks import Table


def tables_of_stores(sql: Sql) -> list[Table]:
    """Return every table whose rows belong to stores, as the migrated database has them."""
    return [table for table in locks.tables(sql) if table.owner == "store"]


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
