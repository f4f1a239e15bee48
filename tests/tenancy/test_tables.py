"""Every table as the application's role meets it: unbound it sees and writes nothing, bound it stays in its store.

The tables come from the migrated database's own catalogue; raw SQL goes to them, so that nothing but PostgreSQL's
policies and grants stands in between.
"""

from collections.abc import Iterator

import pytest

from shared.core import driver
from tests.database import Database, Sql
from tests.figures import Figures
from tests.rules import locks
from tests.tenancy import borders
from tests.tenancy.borders import DENIED, AsApplication, Try
from tests.tenancy.living import live
from tests.tenancy.rows import rows_of, tables_of_stores
from tests.tenancy.world import World, a_world

NOT_NULL, UNIQUE = "23502", "23505"
SECRET_TABLES = ("organizations", "platform_tokens", "alembic_version", "upkeep.partitioned")

pytestmark = pytest.mark.usefixtures("application")


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

    empty = [table.name for table in tables for world in stores if not borders.count(sql, table, world.store.id)]

    assert empty == [], "let a store in tests/tenancy/living.py do what fills these tables"
    figures.add("walls between tables", tables=len(tables))


def test_who_is_bound_to_no_store_sees_no_row_and_writes_none(
    stores: tuple[World, World], application_role: AsApplication, sql: Sql
) -> None:
    before = [rows_of(sql, world.store.id, tables_of_stores(sql)) for world in stores]

    offences = [
        offence
        for table in tables_of_stores(sql)
        for offence in borders.offences_of_nobody(table, stores[1].store.id, application_role)
    ]

    assert offences == []
    assert [rows_of(sql, world.store.id, tables_of_stores(sql)) for world in stores] == before


def test_who_is_bound_to_a_store_sees_all_of_it_and_sees_and_changes_nothing_of_another(
    stores: tuple[World, World], application_role: AsApplication, sql: Sql
) -> None:
    mine, theirs = (world.store.id for world in stores)

    offences = [
        offence
        for table in tables_of_stores(sql)
        for offence in borders.offences_of_a_store(table, mine, theirs, application_role, sql)
    ]

    assert offences == []


def test_the_same_writes_are_the_stores_own_to_make_where_the_role_has_the_right(
    stores: tuple[World, World], application_role: AsApplication, sql: Sql
) -> None:
    mine = stores[0]
    statements = [statement for table in tables_of_stores(sql) for statement in borders.writes(table, mine.store.id)]

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
