"""Whoever takes a guard away is noticed: whole in `make proof`; here, that each mutation still has its guard and tests.

The locks of the database are tried by kind: one of each here, every one in the proof.
"""

from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

import pytest

from shared.core import driver
from shared.core.tenancy import Base
from tests.database import Database, FreshDatabases, Sql
from tests.figures import Figures
from tests.proof import mutations, mutations_database, whole
from tests.proof.mutations import DATABASE_LINE, MUTATIONS
from tests.proof.mutations_code import Mutation
from tests.proof.mutations_database import Lock, Watchers
from tests.rules import migration_rules
from tests.rules.sources import import_everything
from tests.rules.test_migrations import asked, connected
from tests.tenancy import test_tables
from tests.tenancy.living import live
from tests.tenancy.test_tables import AsApplication
from tests.tenancy.world import World, a_world

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_each_guard_of_the_code_is_where_its_mutation_takes_it_away(mutation: Mutation) -> None:
    text = (REPOSITORY / mutation.file).read_text()

    assert mutations.mutated(mutation, text) != text
    for named in mutation.tests:
        path, _, test = named.partition("::")
        assert (REPOSITORY / path).exists(), path
        assert not test or f"def {test.partition('[')[0]}(" in (REPOSITORY / path).read_text(), named


def test_no_two_mutations_have_one_name() -> None:
    names = [mutation.name for mutation in MUTATIONS]

    assert sorted(names) == sorted(set(names))


@pytest.fixture
def watchers(database: Database, fresh_database: FreshDatabases) -> Iterator[Watchers]:
    """Return the rules over this worker's database, as its superuser."""
    import_everything()
    models = Base.metadata
    by_models = fresh_database.empty()
    with connected(by_models.owner_url) as connection:
        migration_rules.create(models, connection)
    with asked(by_models.owner_url) as declared, connected(database.superuser_url) as connection:
        yield Watchers(connection, models, declared)


def test_each_key_check_and_right_is_missed_by_the_rules(watchers: Watchers, sql: Sql, figures: Figures) -> None:
    locks = chosen(mutations_database.keys_and_checks(sql) + mutations_database.rights(sql))

    survived = [lock.name for lock in locks if not watchers.misses(lock)]

    figures.add(DATABASE_LINE, taken_away=len(locks), noticed=len(locks) - len(survived))
    assert {lock.kind for lock in locks} == {"primary key", "unique key", "foreign key", "CHECK", "right"}
    assert survived == []


@pytest.mark.usefixtures("application")
def test_each_policy_is_missed_by_who_tries_the_walls(database: Database, sql: Sql, figures: Figures) -> None:
    stores = a_world(), a_world()
    for world in stores:
        assert all(delivery.taken for delivery in live(world))
    locks = chosen(mutations_database.policies(sql))
    assert holds(database, stores, sql)

    survived = []
    for lock in locks:
        with mutations_database.taken_away(lock, database.superuser_url):
            if holds(database, stores, sql):
                survived.append(lock.name)

    figures.add(DATABASE_LINE, taken_away=len(locks), noticed=len(locks) - len(survived))
    assert survived == []
    assert holds(database, stores, sql)


def chosen(locks: list[Lock]) -> list[Lock]:
    """Return all of them in the proof, and the first of each kind otherwise."""
    if whole.seed() is not None:
        return locks
    ordered = sorted(locks, key=lambda lock: lock.kind)
    return [next(same) for _, same in groupby(ordered, key=lambda lock: lock.kind)]


def holds(database: Database, stores: tuple[World, World], sql: Sql) -> bool:
    """Tell whether the tests of the walls between tables pass."""
    walls: tuple[Callable[..., None], ...] = (
        test_tables.test_who_is_bound_to_a_store_sees_all_of_it_and_nothing_else,
        test_tables.test_who_is_bound_to_a_store_changes_nothing_of_another,
        test_tables.test_who_is_bound_to_no_store_sees_no_row_and_writes_none,
    )
    with driver.connect_to(database.app_url) as connection:
        try:
            for wall in walls:
                wall(stores, AsApplication(connection), sql)
        except AssertionError:
            return False
    return True
