"""Whoever takes a guard away is noticed: whole in `make proof`; here, that each mutation still has its guard and tests.

The locks of the database are tried by kind: one of each here, every one in the proof.
"""

from collections.abc import Iterator
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
from tests.proof.mutations_database import BESIDE_ANOTHER, Lock, Stores, Watchers
from tests.rules import migration_rules
from tests.rules.sources import import_everything
from tests.rules.test_migrations import asked, connected
from tests.tenancy import look_ups, people
from tests.tenancy.borders import WithinTransaction, over
from tests.tenancy.living import live
from tests.tenancy.look_ups import Asking
from tests.tenancy.world import a_world

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
def watchers(fresh_database: FreshDatabases) -> Iterator[Watchers]:
    """Return the rules over a database without rows, as its superuser."""
    import_everything()
    models = Base.metadata
    by_models = fresh_database.empty()
    with connected(by_models.owner_url) as connection:
        migration_rules.create(models, connection)
    with asked(by_models.owner_url) as declared, connected(fresh_database.migrated().superuser_url) as connection:
        yield Watchers(connection, models, declared)


@pytest.fixture
def stores(application: None, database: Database) -> Iterator[Stores]:  # noqa: ARG001 -- worlds are made by its API
    """Return two stores that try each other."""
    mine, theirs = a_world(), a_world()
    with driver.connect_to(database.superuser_url) as connection:
        for world, title in ((mine, look_ups.OURS), (theirs, look_ups.THEIRS)):
            assert all(delivery.taken for delivery in live(world))
            look_ups.assort(world, title)
            people.join(over(connection), world)
        yield Stores(Asking.furnished(connection, mine, theirs), WithinTransaction(connection))
        connection.rollback()


def test_each_key_check_and_right_is_missed_by_the_rules(watchers: Watchers, sql: Sql, figures: Figures) -> None:
    locks = chosen(mutations_database.keys_and_checks(sql) + mutations_database.rights(sql))

    survived = [lock.name for lock in locks if not watchers.misses(lock)]

    figures.add(DATABASE_LINE, taken_away=len(locks), noticed=len(locks) - len(survived))
    assert {lock.kind for lock in locks} == {
        *("primary key", "unique key", "foreign key", "store in a key", "CHECK", "right")
    }
    assert "\n".join(survived) == ""


def test_each_policy_and_condition_of_a_look_up_is_missed_by_stores_that_try_each_other(
    stores: Stores, sql: Sql, figures: Figures
) -> None:
    conditions = mutations_database.look_ups(stores.asking.functions)
    every = mutations_database.policies(sql) + [lock for lock in conditions if lock.name not in BESIDE_ANOTHER]
    locks = chosen(every)
    assert BESIDE_ANOTHER.keys() <= {lock.name for lock in conditions}
    assert {offence for lock in locks for offence in stores.offences(lock)} == set()

    survived = [lock.name for lock in locks if not stores.misses(lock)]

    figures.add(DATABASE_LINE, taken_away=len(locks), noticed=len(locks) - len(survived))
    assert {lock.kind for lock in locks} == {"policy", "look-up"}
    assert "\n".join(survived) == ""


def chosen(locks: list[Lock]) -> list[Lock]:
    """Return all of them in the proof, and the first of each kind otherwise."""
    if whole.seed() is not None:
        return locks
    ordered = sorted(locks, key=lambda lock: lock.kind)
    return [next(same) for _, same in groupby(ordered, key=lambda lock: lock.kind)]
