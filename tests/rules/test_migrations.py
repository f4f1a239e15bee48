"""Every migration explains itself and goes back; what the migrations make is what the models say."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any

import pytest
from sqlalchemy import CheckConstraint, Column, Connection, Index, MetaData, Table, Text, create_engine
from sqlalchemy.pool import NullPool

import migrations
from shared.core import driver
from shared.core.tenancy import Base
from tests.database import Database, FreshDatabases, Sql
from tests.rules import migration_rules as rules
from tests.rules.sources import Source, import_everything, python_sources

EXPLAINED = '''"""Add refunds.

Why: money goes back.
Considered instead: negative payments.
Going back: drops the table.
Locks: none.
"""

revision = "2026_11_21_1030"


def upgrade() -> None:
    op.execute("create table refunds ()")


def downgrade() -> None:
    op.execute("drop table refunds")
'''


@contextmanager
def asked(url: str) -> Iterator[Sql]:
    with driver.connect_to(url) as connection:
        connection.autocommit = True

        def run(statement: str, *args: object) -> list[dict[str, Any]]:
            cursor = connection.cursor()
            cursor.execute(statement, args)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()] if names else []

        yield run


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url.replace("postgresql://", "postgresql+pg8000://", 1), poolclass=NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture(scope="module")
def models() -> MetaData:
    """Return the models of every domain."""
    import_everything()
    return Base.metadata


def migration_files() -> list[Source]:
    return [source for source in python_sources() if source.path.parent == PurePosixPath("migrations/versions")]


def test_every_migration_explains_itself_and_goes_back() -> None:
    files = migration_files()

    offences = rules.silent(files)

    assert len(files) > 0
    assert not offences, "\n".join(offences)


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("add_refunds.py", EXPLAINED, "is named by the minute"),
        ("2026_11_21_1030_add_refunds.py", EXPLAINED.replace("Locks: none.\n", ""), "does not say Locks:"),
        ("2026_11_21_1030_add_refunds.py", EXPLAINED.replace("money goes back.", ""), "does not say Why:"),
        ("2026_11_21_1031_add_refunds.py", EXPLAINED, "its revision is its minute"),
        (
            "2026_11_21_1030_add_refunds.py",
            EXPLAINED.replace('op.execute("drop table refunds")', "pass"),
            "downgrade does nothing",
        ),
    ],
)
def test_a_silent_or_one_way_migration_is_found(name: str, text: str, found: str) -> None:
    offences = rules.silent([Source(PurePosixPath("migrations/versions", name), text)])

    assert len(offences) == 1
    assert found in offences[0]


def test_an_explained_migration_passes_the_rule() -> None:
    path = PurePosixPath("migrations/versions/2026_11_21_1030_add_refunds.py")

    assert rules.silent([Source(path, EXPLAINED)]) == []


def test_going_back_and_forth_again_leaves_the_same_schema(fresh_database: FreshDatabases) -> None:
    url = fresh_database.empty().owner_url
    steps = sorted(str(file.path.name)[:15] for file in migration_files())
    with asked(url) as sql:
        stages = [rules.schema(sql)]
        for step in steps:
            migrations.upgrade(url, revision=step)
            stages.append(rules.schema(sql))

        for step, expected in reversed(list(zip(["base", *steps], stages, strict=True))[:-1]):
            migrations.downgrade(url, step)
            assert rules.schema(sql) - expected == set(), f"left behind by the migration after {step}"
            assert expected - rules.schema(sql) == set(), f"taken too much by the migration after {step}"
        migrations.upgrade(url)

        assert rules.schema(sql) == stages[-1]


@pytest.mark.parametrize(
    "leftover",
    [
        "create table planted (id int)",
        "alter table stores add column planted text",
        "create index planted on stores (name)",
        "grant delete on stores to stormcom_app",
        "alter table stores no force row level security",
        "create function planted() returns int language sql as 'select 1'",
        "create type planted as enum ('a')",
        "drop policy tenant on stores",
    ],
)
def test_whatever_a_migration_leaves_behind_is_seen(fresh_database: FreshDatabases, leftover: str) -> None:
    with asked(fresh_database.migrated().owner_url) as sql:
        before = rules.schema(sql)

        sql(leftover)

        assert rules.schema(sql) != before


def test_the_models_and_the_migrated_schema_are_one(database: Database, models: MetaData) -> None:
    with connected(database.owner_url) as connection:
        offences = rules.drift(connection, models)

    assert not offences, "\n".join(offences)


def test_every_check_of_the_models_stands_in_the_database(
    database: Database, fresh_database: FreshDatabases, models: MetaData
) -> None:
    by_models = fresh_database.empty()
    with connected(by_models.owner_url) as connection:
        rules.create(models, connection)

    with asked(database.owner_url) as migrated, asked(by_models.owner_url) as declared:
        offences = rules.missing_checks(migrated, declared)

    assert not offences, "\n".join(offences)


def test_a_drifting_model_is_found(fresh_database: FreshDatabases) -> None:
    here = fresh_database.empty()
    with asked(here.owner_url) as sql:
        sql("create table crates (id text primary key, label text, note text)")
    metadata = MetaData()
    crates = Table("crates", metadata, Column("id", Text, primary_key=True), Column("label", Text, nullable=False))
    Index("crates_by_label", crates.c.label)
    Table("barrels", metadata, Column("id", Text, primary_key=True))

    with connected(here.owner_url) as connection:
        offences = rules.drift(connection, metadata)

    assert sorted(offence.split()[0].strip("[(',") for offence in offences) == [
        "add_index",
        "add_table",
        "modify_nullable",
        "remove_column",
    ]


def test_a_check_that_only_the_model_has_is_found(fresh_database: FreshDatabases) -> None:
    migrated, declared = fresh_database.empty(), fresh_database.empty()
    metadata = MetaData()
    Table("crates", metadata, Column("label", Text), CheckConstraint("label <> ''", name="label_is_not_empty"))
    with asked(migrated.owner_url) as sql:
        sql("create table crates (label text)")
    with connected(declared.owner_url) as connection:
        metadata.create_all(connection)
        connection.commit()

    with asked(migrated.owner_url) as there, asked(declared.owner_url) as by_models:
        offences = rules.missing_checks(there, by_models)

    assert offences == ["crates: the database lacks CHECK label <> ''. Write the migration."]
