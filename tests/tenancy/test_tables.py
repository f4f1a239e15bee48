"""Every table as the application's role meets it: unbound it sees and writes nothing, bound it stays in its store.

The tables come from the migrated database's own catalogue; raw SQL goes to them, so that nothing but PostgreSQL's
policies and grants stands in between.
"""

from collections.abc import Iterator
from uuid import UUID

import pytest

from shared.core import driver
from tests.database import Database, Sql
from tests.figures import Figures
from tests.rules import locks
from tests.rules.locks import Table
from tests.tenancy import borders, people
from tests.tenancy.borders import DENIED, AsApplication, Try
from tests.tenancy.living import live
from tests.tenancy.rows import rows_of, tables_of_stores, tables_of_tenants, two_tenants
from tests.tenancy.world import World, a_world

NOT_NULL, UNIQUE = "23502", "23505"
# To be read by the application, and never changed.
FOR_EVERYBODY = ("public.permissions", "public.standard_role_permissions", "upkeep.retention")

pytestmark = pytest.mark.usefixtures("application")


@pytest.fixture
def application_role(database: Database) -> Iterator[AsApplication]:
    with driver.connect_to(database.app_url) as connection:
        yield AsApplication(connection)


@pytest.fixture(scope="module")
def stores(application: None, database: Database) -> tuple[World, World]:  # noqa: ARG001 -- worlds are made by its API
    """Return two stores in which something was bought, sent, told of and written about, and people work."""
    worlds = a_world(), a_world()
    with driver.connect_to(database.superuser_url) as connection:
        connection.autocommit = True
        for world in worlds:
            assert all(delivery.taken for delivery in live(world))
            people.join(borders.over(connection), world)
    return worlds


def test_two_stores_that_live_have_rows_in_every_table(stores: tuple[World, World], sql: Sql, figures: Figures) -> None:
    tables = tables_of_tenants(sql)

    empty = [
        table.name for table in tables for one in tenants(sql, table, stores) if not borders.count(sql, table, one)
    ]

    assert empty == [], "let a store in tests/tenancy/living.py do what fills these tables"
    figures.add("walls between tables", tables=len(tables))


def test_who_is_bound_to_no_tenant_sees_no_row_and_writes_none(
    stores: tuple[World, World], application_role: AsApplication, sql: Sql
) -> None:
    before = [rows_of(sql, world.store.id, tables_of_stores(sql)) for world in stores]

    offences = [
        offence
        for table in tables_of_tenants(sql)
        for offence in borders.offences_of_nobody(table, tenants(sql, table, stores)[1], application_role)
    ]

    assert offences == []
    assert [rows_of(sql, world.store.id, tables_of_stores(sql)) for world in stores] == before


def test_who_is_bound_to_a_tenant_sees_all_of_it_and_sees_and_changes_nothing_of_another(
    stores: tuple[World, World], application_role: AsApplication, sql: Sql
) -> None:
    offences = [
        offence
        for table in tables_of_tenants(sql)
        for offence in borders.offences_of_a_tenant(table, *tenants(sql, table, stores), application_role, sql)
    ]

    assert offences == []


def test_the_same_writes_are_the_tenants_own_to_make_where_the_role_has_the_right(
    stores: tuple[World, World], application_role: AsApplication, sql: Sql
) -> None:
    tried = [
        (statement, application_role(statement, store_id=mine))
        for table in tables_of_tenants(sql)
        for mine in tenants(sql, table, stores)[:1]
        for statement in borders.writes(table, mine)
    ]

    # Only a row of one's own gets as far as the columns that an insertion here leaves out, or the key that is there.
    found = [statement for statement, one in tried if one.rows > 0]
    reached = [one for _, one in tried if one.refused in (NOT_NULL, UNIQUE)]
    assert {statement.split()[0] for statement in found} == {"update", "delete"}
    assert len(reached) > len(tried) // 4  # of the third that are insertions; some tables guard themselves first


def test_a_partition_is_no_way_past_its_table(application_role: AsApplication, sql: Sql) -> None:
    partitions = [
        row["name"] for row in sql("select relname::text as name from pg_class where relispartition and relkind = 'r'")
    ]

    tried = [application_role(f"select 1 from {name}", store_id=None) for name in partitions]

    assert len(partitions) > 0
    assert tried == [Try(0, DENIED)] * len(partitions)


@pytest.mark.parametrize("table", sorted(locks.PLATFORM_TABLES))
def test_what_belongs_to_no_tenant_is_not_the_applications_to_change_or_remove_and_mostly_not_to_read(
    table: str, application_role: AsApplication, stores: tuple[World, World], sql: Sql
) -> None:
    [column] = sql(
        "select attname::text as name from pg_attribute where attrelid = %s::regclass and attnum > 0 limit 1", table
    )
    statements = [f"update {table} set {column['name']} = {column['name']}", f"delete from {table}"]
    if table not in FOR_EVERYBODY:
        statements.append(f"select 1 from {table}")

    tried = [application_role(statement, store_id=stores[0].store.id) for statement in statements]

    assert tried == [Try(0, DENIED)] * len(statements)


def tenants(sql: Sql, table: Table, stores: tuple[World, World]) -> tuple[UUID, UUID]:
    """Return two that have rows in a table."""
    mine, theirs = (world.store.id for world in stores)
    return two_tenants(sql, table, (mine, theirs))
