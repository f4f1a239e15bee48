"""Every store-owned table of the migrated database has all three locks, and nobody holds a key too many."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.core import driver
from tests.database import FreshDatabases, Sql
from tests.rules import locks

RULES = (
    locks.ownerless_tables,
    locks.weak_keys,
    locks.indexes_across_stores,
    locks.open_policies,
    locks.rights_too_many,
    locks.role_too_strong,
    locks.leaking_views,
    locks.loose_definers,
)
TABLE = "create table planted (store_id uuid, id uuid, other uuid, primary key (store_id, id))"
SECURED = "alter table planted enable row level security; alter table planted force row level security"
BOUND = "store_id = nullif(current_setting('app.store_id', true), '')::uuid"
PROTECTED = f"{TABLE}; {SECURED}; create policy tenant on planted to stormcom_app using ({BOUND}) with check ({BOUND})"

CHILD = (
    "create table child (store_id uuid, id uuid, planted_id uuid references planted (id), primary key (store_id, id))"
)
DEFINER = "create function planted() returns int language sql security definer"


@pytest.fixture(scope="module")
def planting(fresh_database: FreshDatabases) -> Iterator[Sql]:
    """Lend a database of this module's own, in which every test plants what it takes back."""
    with driver.connect_to(fresh_database.migrated().superuser_url) as connection:

        def run(statement: str, *args: object) -> list[dict[str, Any]]:
            cursor = connection.cursor()
            cursor.execute(statement, args)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()] if names else []

        yield run


def plant(planting: Sql, statements: str, rule: Callable[[Sql], list[str]]) -> list[str]:
    """Return what `rule` newly finds once `statements` ran; they are rolled back."""
    before = rule(planting)
    try:
        for statement in statements.split(";"):
            planting(statement)
        found = rule(planting)
    finally:
        planting("rollback")
    return [offence for offence in found if offence not in before]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_migrated_database_keeps_the_rule(rule: Callable[[Sql], list[str]], sql: Sql) -> None:
    offences = rule(sql)

    assert not offences, "\n".join(offences)


def test_the_rules_see_the_tables_of_the_house(sql: Sql) -> None:
    seen = {table.name: table.owner_column for table in locks.tables(sql)}

    assert seen["public.domain_events"] == "store_id"
    assert seen["public.stores"] == "id"
    assert seen["public.organizations"] == "id"
    assert seen["public.permissions"] is None


def test_every_exception_is_still_needed(sql: Sql) -> None:
    names = {table.name for table in locks.tables(sql)}
    indexes = {row["name"] for row in sql("select relname::text as name from pg_class where relkind = 'i'")}

    assert locks.PLATFORM_TABLES.keys() | locks.TENANTS.keys() <= names
    assert locks.ACROSS_STORES.keys() <= indexes
    keys = {row["name"] for row in sql("select conname::text as name from pg_constraint where contype = 'f'")}
    assert locks.ABOVE.keys() <= keys
    assert {f"public.{name}" for name in locks.APPEND_ONLY} <= names


@pytest.mark.parametrize(
    ("rule", "statements", "found"),
    [
        (locks.ownerless_tables, "create table planted (id uuid primary key)", "has no store_id"),
        (locks.weak_keys, "create table planted (store_id uuid, id uuid primary key)", "led by store_id"),
        (
            locks.weak_keys,
            f"{TABLE}; alter table planted add unique (id); {CHILD}",
            "could point at another store's row",
        ),
        (
            locks.ownerless_tables,
            "create table planted (organization_id uuid, id uuid primary key)",
            "has no store_id",
        ),
        (locks.weak_keys, "alter table organizations drop constraint organizations_pkey cascade", "has no primary key"),
        (locks.indexes_across_stores, f"{TABLE}; create unique index on planted (other)", "is led by other"),
        (locks.indexes_across_stores, f"{TABLE}; create index on planted (lower(other::text))", "is led by None"),
        (locks.open_policies, TABLE, "not enabled and forced"),
        (locks.open_policies, f"{TABLE}; alter table planted enable row level security", "not enabled and forced"),
        (locks.open_policies, f"{TABLE}; {SECURED}", "no policy with USING and WITH CHECK"),
        (
            locks.open_policies,
            f"{TABLE}; {SECURED}; create policy tenant on planted for select to stormcom_app using ({BOUND})",
            "no policy with USING and WITH CHECK",
        ),
        (
            locks.open_policies,
            f"{PROTECTED}; create policy wide on planted for select using (true)",
            "policy wide lets stormcom_app past its store",
        ),
        (locks.rights_too_many, f"{PROTECTED}; grant truncate on planted to stormcom_app", "holds TRUNCATE"),
        (locks.rights_too_many, "grant delete on domain_events to stormcom_app", "holds DELETE on append-only"),
        (locks.rights_too_many, "grant update (type) on domain_events to stormcom_app", "holds UPDATE on append-only"),
        (locks.rights_too_many, "grant select on domain_events_default to stormcom_app", "reaches a partition"),
        (
            locks.rights_too_many,
            "create materialized view planted as select 1 as one; grant select on planted to stormcom_app",
            "a materialized view",
        ),
        (locks.role_too_strong, "alter role stormcom_app bypassrls", "has bypassrls"),
        (locks.role_too_strong, f"{TABLE}; alter table planted owner to stormcom_app", "has ownership of tables"),
        (locks.role_too_strong, "grant stormcom_lookup to stormcom_app", "has membership in another role"),
        (locks.role_too_strong, "grant create on schema public to stormcom_app", "has create in a schema"),
        (locks.leaking_views, "create view planted as select * from stores", "reads as its owner"),
        (
            locks.loose_definers,
            f"{DEFINER} set search_path = public, pg_temp as 'select 1'",
            "owned by postgres",
        ),
        (
            locks.loose_definers,
            f"{DEFINER} set search_path = public as 'select 1'",
            "a temporary table could stand in",
        ),
        (
            locks.loose_definers,
            f"{DEFINER} as 'select 1'",
            "PUBLIC may call it",
        ),
    ],
)
def test_a_planted_hole_is_found(planting: Sql, rule: Callable[[Sql], list[str]], statements: str, found: str) -> None:
    offences = plant(planting, statements, rule)

    assert any(found in offence for offence in offences), offences


def test_a_protected_table_passes_every_rule(planting: Sql) -> None:
    offences = [offence for rule in RULES for offence in plant(planting, PROTECTED, rule)]

    assert offences == []
