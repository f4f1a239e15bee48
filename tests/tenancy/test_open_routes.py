"""Routes that write about people and ask for no credential: anybody may call them, and no store has anything of it."""

from dataclasses import dataclass

import pytest

from shared.core import topology
from tests.client import Client
from tests.database import Sql
from tests.figures import Figures
from tests.tenancy.routes.registry import BY_ANYBODY
from tests.tenancy.rows import rows_of, tables_of_stores
from tests.tenancy.world import World, a_world

ENDPOINTS = {endpoint.name: endpoint for endpoint in topology.load().endpoints}

pytestmark = pytest.mark.usefixtures("application")


@dataclass
class Stores:
    """A store that has something of everything."""

    one: World


@pytest.fixture(scope="module")
def stores(application: None) -> Stores:  # noqa: ARG001 -- worlds are made by its API
    """Return the store that the tests of a worker share."""
    return Stores(a_world())


@pytest.mark.parametrize("name", sorted(BY_ANYBODY))
def test_what_anybody_may_call_says_why_and_leaves_every_store_as_it_was(
    name: str, stores: Stores, sql: Sql, figures: Figures
) -> None:
    endpoint, call, tables = ENDPOINTS[name], BY_ANYBODY[name](), tables_of_stores(sql)
    before = rows_of(sql, stores.one.store.id, tables)

    anybody = Client(source_ip=f"10.99.0.{len(name)}")

    answer = call.send(anybody, endpoint.method, endpoint.path, None)

    assert answer.status_code < 300, answer.text
    assert endpoint.public
    assert rows_of(sql, stores.one.store.id, tables) == before
    assert stores.one.word not in answer.text.lower()
    figures.add_distinct("walls between stores", "routes", [endpoint.name])


@pytest.mark.parametrize("name", sorted(name for name in BY_ANYBODY if ENDPOINTS[name].method == "POST"))
def test_a_field_that_nobody_may_set_is_refused_to_anybody(name: str, sql: Sql) -> None:
    endpoint, call = ENDPOINTS[name], BY_ANYBODY[name]()
    before = sql("select count(*) as n, max(version) as latest from users")

    answer = call.with_further({"is_operator": True}).send(Client(), endpoint.method, endpoint.path, None)

    assert (answer.status_code, answer.json()["errors"]) == (
        422,
        [{"pointer": "/is_operator", "code": "unknown_field", "message": "There is no such field to set."}],
    )
    assert sql("select count(*) as n, max(version) as latest from users") == before


@pytest.mark.parametrize("name", sorted(BY_ANYBODY))
def test_no_token_of_a_store_widens_what_anybody_may_call(name: str, stores: Stores, sql: Sql) -> None:
    endpoint, call, tables = ENDPOINTS[name], BY_ANYBODY[name](), tables_of_stores(sql)
    before = rows_of(sql, stores.one.store.id, tables)

    answer = call.send(stores.one.store.merchant, endpoint.method, endpoint.path, None)

    assert answer.status_code < 300, answer.text
    assert rows_of(sql, stores.one.store.id, tables) == before
