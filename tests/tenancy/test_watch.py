"""The watch over every statement of the run: it sees what names a store's table and is bound to no store."""

import pytest
from sqlalchemy import text

from shared.core import database
from tests.application import Watch, names_a_stores_table
from tests.factories import a_store


@pytest.mark.unbound("the watch is to notice it")
def test_a_statement_on_a_stores_table_without_a_store_is_noticed(watch: Watch) -> None:
    with database.transaction() as session:
        session.execute(text("select count(*) from orders"))

    assert watch.unbound == ["select count(*) from orders"]


def test_statements_of_a_bound_session_and_look_ups_are_no_offence(watch: Watch) -> None:
    store = a_store()

    with store.session() as session:
        session.execute(text("select count(*) from orders"))
    with database.transaction() as session:
        session.execute(text("select lookup.origin_is_allowed('https://none.test')"))

    assert watch.unbound == []
    assert "select count(*) from orders" in watch.on_stores_tables_since(0)


@pytest.mark.unbound("the binding of the transaction before must not count")
def test_a_binding_does_not_outlast_its_transaction(watch: Watch) -> None:
    store = a_store()
    with store.session() as session:
        session.execute(text("select 1 from carts"))

    with database.engine().begin() as connection:
        connection.execute(text("select 1 from carts"))

    assert watch.unbound == ["select 1 from carts"]


@pytest.mark.parametrize(
    "statement",
    [
        "select 1 from organizations, stores",
        "delete from public.order_lines",
        'update "stores" set name = name',
        "with gone as (delete from carts returning id) select count(*) from gone",
        "lock table outbox",
    ],
)
def test_a_stores_table_is_seen_wherever_a_statement_names_it(statement: str) -> None:
    assert names_a_stores_table(statement)


@pytest.mark.parametrize(
    "statement",
    ["select * from lookup.stores_with_events(:before, :now, :most)", "select 1 from organizations", "select 1"],
)
def test_what_names_no_stores_table_is_left_alone(statement: str) -> None:
    assert not names_a_stores_table(statement)
