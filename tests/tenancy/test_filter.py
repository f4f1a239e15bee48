"""The ORM's filter over every model, where no policy stands behind it: whoever is bound reads their own rows alone."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from shared.core import database as core_database
from shared.core import driver, tenancy
from shared.core.settings import use_settings
from tests.database import Database, Sql
from tests.figures import Figures
from tests.rules.locks import Table
from tests.rules.sources import import_everything
from tests.tenancy import borders, people
from tests.tenancy.living import live
from tests.tenancy.rows import tables_of_tenants, two_tenants
from tests.tenancy.world import World, a_world

pytestmark = pytest.mark.usefixtures("application")


@pytest.fixture(scope="module")
def stores(application: None, database: Database) -> tuple[World, World]:  # noqa: ARG001 -- worlds are made by its API
    """Return two stores that have rows in every table."""
    worlds = a_world(), a_world()
    with driver.connect_to(database.superuser_url) as connection:
        connection.autocommit = True
        for world in worlds:
            live(world)
            people.join(borders.over(connection), world)
    return worlds


def test_every_model_of_a_tenant_shows_the_bound_tenants_rows_alone(
    stores: tuple[World, World], database: Database, sql: Sql, figures: Figures
) -> None:
    models, tables = owned_models(), {table.name: table for table in tables_of_tenants(sql)}

    with use_settings(database_url=database.superuser_url):  # whom no policy binds
        seen = {name: seen_by(model, tables[name], stores, sql) for name, model in models.items()}

    own = {name: borders.count(sql, tables[name], mine_of(tables[name], stores, sql)) for name in models}
    assert seen == own
    # The others have no model of a tenant's kind: statements name the tenant by hand, and the policies hold.
    figures.add("walls between tables", models=len(models), tables_by_hand=len(tables.keys() - models.keys()))


def owned_models() -> dict[str, type[Any]]:
    """Return the models whose rows the session filters, by table."""
    import_everything()
    kinds = (tenancy.StoreOwned, tenancy.OrganizationOwned, tenancy.PersonOwned)
    return {
        f"public.{mapper.persist_selectable}": mapper.class_
        for mapper in tenancy.Base.registry.mappers
        if issubclass(mapper.class_, kinds)
    }


def seen_by(model: type[Any], table: Table, stores: tuple[World, World], sql: Sql) -> int:
    """Return how many rows of a model the first tenant sees."""
    with core_database.transaction(mine_of(table, stores, sql)) as session:
        everything = session.scalar(select(func.count()).select_from(model.__table__)) or 0
        seen = len(session.scalars(select(getattr(model, str(table.owner_column)))).all())
        assert seen < everything, f"{table.name}: there is nothing of another tenant's to be seen"
        assert session.scalar(select(func.count()).select_from(model)) == seen, f"{table.name}: what is only counted"
    return seen


def mine_of(table: Table, stores: tuple[World, World], sql: Sql) -> UUID:
    """Return the first of two tenants that have rows in a table."""
    mine, theirs = (world.store.id for world in stores)
    return two_tenants(sql, table, (mine, theirs))[0]
