"""Reads that go past the session: bound, confirmed and refused as any other, in one round trip."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from shared.core import database, driver, tenancy
from shared.core.settings import use_settings
from tests.application import Watch
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("watch")

_OWN = text("select slug, cast(:number as int) as number from stores")
_NUMBER = text("select cast(:number as int)")
_RENAME = text("update stores set name = :name where id = :id returning name")


class Unexpected(Exception):
    """What was heard is not what had to be."""


def refuse(_: Sequence[Any]) -> None:
    """Hear what must not be."""
    raise Unexpected


def begin(session: Session, store_id: UUID) -> None:
    """Begin as the route class begins a read."""
    tenancy.only_read(session)
    tenancy.bind(session, store_id)


def slugs(session: Session) -> list[str]:
    """Return the slugs of the stores that the session sees."""
    return [row.slug for row in tenancy.read(session, _OWN, {"number": 1})]


def round_trips() -> int:
    """Return how many round trips the process's one connection has made."""
    with database.engine().connect() as connection:
        driven: Any = connection.connection.dbapi_connection
        counted: int = driven.round_trips
        return counted


@pytest.fixture
def store() -> StoreUnderTest:
    """Return a store; from then on the process has one connection."""
    store = a_store()
    database.dispose()
    return store


def test_each_read_sees_the_bound_store_alone(store: StoreUnderTest, watch: Watch) -> None:
    other = a_store()

    with database.open_session() as session:
        begin(session, store.id)
        found = [tenancy.read(session, _OWN, {"number": number}) for number in range(3)]
        session.commit()
    with database.open_session() as session:
        begin(session, other.id)
        others = slugs(session)

    assert [[tuple(row) for row in rows] for rows in found] == [[(store.slug, number)] for number in range(3)]
    assert others == [other.slug]
    assert len(watch.on_stores_tables_since(len(watch.statements) - 4)) == 4


@pytest.mark.unbound("A read that nobody bound finds nothing.")
def test_a_read_after_a_bound_one_is_not_bound_by_it(store: StoreUnderTest) -> None:
    with database.open_session() as session:
        begin(session, store.id)
        slugs(session)

    with database.open_session() as session:
        tenancy.only_read(session)

        assert slugs(session) == []


def test_a_read_its_question_and_its_end_cost_one_round_trip(store: StoreUnderTest) -> None:
    heard: list[Any] = []
    before = round_trips()

    with database.open_session() as session:
        tenancy.ask(session, _NUMBER, {"number": 5}, heard.extend)
        begin(session, store.id)
        slugs(session)
        session.commit()

    assert (round_trips() - before, heard) == (1, [[5]])


def test_a_question_is_asked_once(store: StoreUnderTest) -> None:
    heard: list[Any] = []

    with database.open_session() as session:
        tenancy.ask(session, _NUMBER, {"number": 5}, heard.extend)
        begin(session, store.id)
        for _ in range(3):
            slugs(session)
        session.commit()

    assert heard == [[5]]


def test_nobody_gets_the_rows_of_a_read_whose_question_is_answered_otherwise(store: StoreUnderTest) -> None:
    with database.open_session() as session:
        tenancy.ask(session, _NUMBER, {"number": 5}, refuse)
        begin(session, store.id)

        with pytest.raises(Unexpected):
            slugs(session)

    with database.open_session() as session:
        begin(session, store.id)
        assert slugs(session) == [store.slug]


@pytest.mark.parametrize("only_reads", [True, False])
def test_a_question_that_nothing_followed_is_answered_by_the_commit(store: StoreUnderTest, *, only_reads: bool) -> None:
    with database.open_session() as session:
        tenancy.ask(session, _NUMBER, {"number": 5}, refuse)
        if only_reads:
            tenancy.only_read(session)
        tenancy.bind(session, store.id)

        with pytest.raises(Unexpected):
            session.commit()


def test_a_rollback_forgets_what_has_not_begun(store: StoreUnderTest) -> None:
    with database.open_session() as session:
        tenancy.ask(session, _NUMBER, {"number": 5}, refuse)
        begin(session, store.id)
        session.rollback()
        tenancy.bind(session, store.id)

        renamed = session.execute(_RENAME, {"name": "Other", "id": store.id}).scalar_one()
        session.commit()

    assert renamed == "Other"


def test_a_read_changes_nothing(store: StoreUnderTest) -> None:
    with database.open_session() as session:
        begin(session, store.id)

        with pytest.raises(DBAPIError) as raised:
            tenancy.read(session, _RENAME, {"name": "Other", "id": store.id})

    assert driver.sqlstate(raised.value) == "25006"


def test_a_read_in_a_transaction_sees_what_was_changed_in_it(store: StoreUnderTest) -> None:
    with database.transaction(store.id) as session:
        session.execute(text("update stores set slug = :slug where id = :id"), {"slug": "so-new", "id": store.id})

        assert slugs(session) == ["so-new"]
        session.rollback()


def test_what_uses_the_session_after_a_read_is_bound_too(store: StoreUnderTest) -> None:
    with database.open_session() as session:
        begin(session, store.id)

        found = slugs(session), session.scalars(_OWN, {"number": 1}).all(), slugs(session)

    assert found == ([store.slug],) * 3


def test_a_connection_that_was_lost_is_told_as_such_and_replaced(store: StoreUnderTest, sql: Sql) -> None:
    with database.engine().connect() as connection:
        pid = connection.exec_driver_sql("select pg_backend_pid()").scalar_one()
    sql("select pg_terminate_backend(%s, 5000)", pid)

    with database.open_session() as session:
        begin(session, store.id)
        with pytest.raises(DBAPIError) as raised:
            slugs(session)
        again = slugs(session)

    assert raised.value.connection_invalidated
    assert again == [store.slug]


def test_a_database_that_is_not_there_is_told_as_a_lost_connection(store: StoreUnderTest) -> None:
    with use_settings(database_url="postgresql://nobody:nothing@127.0.0.1:9/none"), database.open_session() as session:
        begin(session, store.id)
        with pytest.raises(DBAPIError) as raised:
            slugs(session)

    assert raised.value.connection_invalidated
