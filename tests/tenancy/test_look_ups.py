"""What looks past row-level security: its answer to a store hangs on no other store, and strangers get nothing.

They are read from the migrated database; each new one has to be asked in `look_ups`.
"""

from collections.abc import Iterator

import pytest

from shared.core import driver
from tests.database import Database, Sql
from tests.figures import Figures
from tests.tenancy import look_ups, people
from tests.tenancy.borders import over
from tests.tenancy.living import live
from tests.tenancy.look_ups import Asking
from tests.tenancy.world import World, a_world

pytestmark = pytest.mark.usefixtures("application")


@pytest.fixture(scope="module")
def stores(application: None, database: Database) -> tuple[World, World]:  # noqa: ARG001 -- worlds are made by its API
    """Return two stores that sell something under the same words, and in which people work."""
    worlds = a_world(), a_world()
    with driver.connect_to(database.superuser_url) as connection:
        connection.autocommit = True
        for world, title in zip(worlds, (look_ups.OURS, look_ups.THEIRS), strict=True):
            live(world)
            look_ups.assort(world, title)
            people.join(over(connection), world)
    return worlds


@pytest.fixture
def asking(database: Database, stores: tuple[World, World]) -> Iterator[Asking]:
    """Return who asks, in a transaction in which another store has the same things."""
    with driver.connect_to(database.superuser_url) as connection:
        yield Asking.furnished(connection, *stores)
        connection.rollback()


def test_each_function_that_looks_into_a_store_is_asked_here_and_says_something(
    asking: Asking, figures: Figures
) -> None:
    assert asking.missing() == []
    figures.add("walls between tables", look_ups=len(asking.functions), calls_of_look_ups=len(asking.alone))


def test_what_a_look_up_answers_hangs_on_no_other_store_and_strangers_are_answered_nothing(asking: Asking) -> None:
    assert asking.offences() == []


def test_what_looks_across_stores_returns_ids_scopes_moments_counts_and_yes_or_no(sql: Sql) -> None:
    functions = sql("""
        select p.proname::text as name, array(
            select format_type(kind, null)
            from unnest(coalesce(p.proallargtypes, array[p.prorettype])) with ordinality k (kind, n)
            where p.proargmodes is null or p.proargmodes[n] in ('o', 't')) as kinds
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'lookup' and p.proargnames[1] is distinct from 'store'
    """)

    told = {row["name"]: set(row["kinds"]) for row in functions}

    allowed = {"uuid", "text[]", "boolean", "timestamp with time zone", "bigint"}
    assert len(told) > 0
    assert {name: kinds - allowed for name, kinds in told.items() if not kinds <= allowed} == {}
    assert all(told.values())
