"""Every table as the application's role meets it: unbound it sees and writes nothing, bound it stays in its store.

The tables come from the migrated database's own catalogue; raw SQL goes to them, so that nothing but PostgreSQL's
policies and grants stands in between.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest

from shared.core import driver
from tests.database import Database, Sql
from tests.figures import Figures
from tests.rules import locks
from tests.rules.locks import Table
from tests.tenancy.living import live
from tests.tenancy.rows import rows_of, tables_of_stores
from tests.tenancy.world import World, a_world

DENIED = "42501"  # insufficient_privilege: a missing grant, or a row that the policy refuses
NOT_NULL, UNIQUE = "23502", "23505"
SECRET_TABLES = ("organizations", "platform_tokens", "alembic_version", "upkeep.partitioned")

pytestmark = pytest.mark.usefixtures("application")


@dataclass
class Try:
    """What became of one statement: how many rows it saw or changed, or the state in which PostgreSQL refused it."""

    rows: int
    refused: str | None = None


class AsApplication:
    """Runs raw statements as the application's role, each in a transaction of its own that is undone."""

    def __init__(self, connection: driver.Connection) -> None:
        self._connection = connection

    def __call__(self, statement: str, *, store_id: UUID | None) -> Try:
        cursor = self._connection.cursor()
        if store_id is not None:
            cursor.execute(f"set local app.store_id = '{store_id}'")
        try:
            cursor.execute(statement)
            return Try(len(cursor.fetchall()) if cursor.description else cursor.rowcount)
        except driver.DatabaseError as refusal:
            return Try(0, driver.sqlstate(refusal))
        finally:
            self._connection.rollback()


@pytest.fixture
def application_role(database: Database) -> Iterator[AsApplication]:
    with driver.connect_to(database.app_url) as connection:
        yield AsApplication(connection)


@pytest.fixture(scope="module")
def stores(application: None) -> tuple[World, World]:  # noqa: ARG001 -- worlds are made by its API
    """Return two stores in which something was bought, sent, told of and written about."""
    worlds = a_world(), a_world()
    for world in worlds:
        assert all(delivery.taken for delivery in live(world))
    return worlds


def test_two_stores_that_live_have_rows_in_every_table(stores: tuple[World, World], sql: Sql, figures: Figures) -> None:
    tables = tables_of_stores(sql)

    empty = [table.name for table in tables for world in stores if not _count(sql, table, world)]

    assert empty == [], "let a store in tests/tenancy/living.py do what fills these tables"
    figures.add("walls between tables", tables=len(tables))


def test_who_is_bound_to_no_store_sees_no_row_and_writes_none(
    stores: tuple[World, World], application_role: AsApplication, sql: Sql
) -> None:
    before = [rows_of(sql, world.store.id, tables_of_stores(sql)) for world in stores]

    offences = [
        f"{statement}: {tried}"
        for table in tables_of_stores(sql)
        for statement in (f"select 1 from {table.name}", *_writes(table, stores[1]))
        if not _is_harmless(tried := application_role(statement, store_id=None), statement)
    ]

    assert offences == []
    assert [rows_of(sql, world.store.id, tables_of_stores(sql)) for world in stores] == before


def test_who_is_bound_to_a_store_sees_all_of_it_and_nothing_else(
    stores: tuple[World, World], application_role: AsApplication, sql: Sql
) -> None:
    mine, theirs = stores
    tables = tables_of_stores(sql)

    seen = {table.name: application_role(f"select 1 from {table.name}", store_id=mine.store.id) for table in tables}
    foreign = {
        table.name: application_role(
            f"select 1 from {table.name} where {table.owner_column} <> '{mine.store.id}'", store_id=mine.store.id
        )
        for table in tables
    }

    assert seen == {table.name: Try(_count(sql, table, mine)) for table in tables}
    assert foreign == {table.name: Try(0) for table in tables}
    assert all(_count(sql, table, theirs) for table in tables)


def test_who_is_bound_to_a_store_changes_nothing_of_another(
    stores: tuple[World, World], application_role: AsApplication, sql: Sql
) -> None:
    mine, theirs = stores

    offences = [
        f"{statement}: {tried}"
        for table in tables_of_stores(sql)
        for statement in (*_writes(table, theirs), _gift(table, mine, theirs))
        if not _is_harmless(tried := application_role(statement, store_id=mine.store.id), statement)
    ]

    assert offences == []


def test_the_same_writes_are_the_stores_own_to_make_where_the_role_has_the_right(
    stores: tuple[World, World], application_role: AsApplication, sql: Sql
) -> None:
    mine = stores[0]
    statements = [statement for table in tables_of_stores(sql) for statement in _writes(table, mine)]

    tried = [application_role(statement, store_id=mine.store.id) for statement in statements]

    # Only a row of one's own gets as far as the columns that an insertion here leaves out, or the key that is there.
    found = [statement for statement, one in zip(statements, tried, strict=True) if one.rows > 0]
    reached = [one for one in tried if one.refused in (NOT_NULL, UNIQUE)]
    assert {statement.split()[0] for statement in found} == {"update", "delete"}
    assert len(reached) > len(statements) // 4  # of the third that are insertions; some tables guard themselves first


def test_a_partition_is_no_way_past_its_table(application_role: AsApplication, sql: Sql) -> None:
    partitions = [
        row["name"] for row in sql("select relname::text as name from pg_class where relispartition and relkind = 'r'")
    ]

    tried = [application_role(f"select 1 from {name}", store_id=None) for name in partitions]

    assert len(partitions) > 0
    assert tried == [Try(0, DENIED)] * len(partitions)


@pytest.mark.parametrize("table", SECRET_TABLES)
def test_what_belongs_to_no_store_is_not_the_applications_to_read_change_or_remove(
    table: str, application_role: AsApplication, stores: tuple[World, World]
) -> None:
    column = {"alembic_version": "version_num"}.get(table, "name")
    statements = (
        f"select 1 from {table}",
        f"update {table} set {column} = {column}",
        f"delete from {table}",
    )

    tried = [application_role(statement, store_id=stores[0].store.id) for statement in statements]

    assert tried == [Try(0, DENIED)] * 3


def test_platform_tables_are_the_ones_that_are_tried_here() -> None:
    assert set(locks.PLATFORM_TABLES) == {name if "." in name else f"public.{name}" for name in SECRET_TABLES}


def test_what_looks_across_stores_returns_ids_scopes_moments_and_yes_or_no(sql: Sql) -> None:
    functions = sql("""
        select p.proname::text as name, array(
            select format_type(kind, null)
            from unnest(coalesce(p.proallargtypes, array[p.prorettype])) with ordinality k (kind, n)
            where p.proargmodes is null or p.proargmodes[n] in ('o', 't')) as kinds
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'lookup' and p.proargnames[1] is distinct from 'store'
    """)

    told = {row["name"]: set(row["kinds"]) for row in functions}

    allowed = {"uuid", "text[]", "boolean", "timestamp with time zone"}
    assert len(told) > 0
    assert {name: kinds - allowed for name, kinds in told.items() if not kinds <= allowed} == {}
    assert all(told.values())


def test_what_looks_into_one_store_past_row_level_security_refuses_every_store_but_the_bound_one(
    stores: tuple[World, World], application_role: AsApplication, sql: Sql
) -> None:
    mine, theirs = stores
    functions = sql("""
        select p.proname::text as name, pronargs as arguments from pg_proc p
        join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'lookup' and p.proargnames[1] = 'store'
    """)
    calls = [f"select lookup.{row['name']}({{store}}{', null' * (row['arguments'] - 1)})" for row in functions]

    foreign = {
        call: application_role(call.format(store=f"'{theirs.store.id}'"), store_id=mine.store.id) for call in calls
    }
    nobodys = {call: application_role(call.format(store=f"'{theirs.store.id}'"), store_id=None) for call in calls}
    none = {call: application_role(call.format(store="null"), store_id=mine.store.id) for call in calls}

    assert len(calls) >= 3
    assert foreign == nobodys == none == dict.fromkeys(calls, Try(0, DENIED))


def _count(sql: Sql, table: Table, world: World) -> int:
    found = sql(f"select count(*) as n from {table.name} where {table.owner_column} = %s", world.store.id)
    return int(found[0]["n"])


def _writes(table: Table, world: World) -> tuple[str, ...]:
    """Return a change, a removal and an insertion of that store's rows."""
    its_rows = f"{table.owner_column} = '{world.store.id}'"
    column = table.owner_column
    row = (
        f"insert into {table.name} ({column}) values ('{world.store.id}')"
        if table.name != "public.stores"
        else f"insert into {table.name} (id, name) values ('{world.store.id}', 'Mine')"
    )
    return (
        f"update {table.name} set {column} = {column} where {its_rows}",
        f"delete from {table.name} where {its_rows}",
        row,
    )


def _gift(table: Table, giver: World, taker: World) -> str:
    """Return a statement that would move rows of one store into another."""
    column = table.owner_column
    return f"update {table.name} set {column} = '{taker.store.id}' where {column} = '{giver.store.id}'"


def _is_harmless(tried: Try, statement: str) -> bool:
    """Tell whether a statement did nothing; an insertion of somebody else's row must be refused as such."""
    if statement.startswith("insert"):
        return tried.refused == DENIED
    return tried.rows == 0 and tried.refused in (None, DENIED)
