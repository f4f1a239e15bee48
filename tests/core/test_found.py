"""What a statement of a hot path finds, and how it fails, past SQLAlchemy's results."""

from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, MultipleResultsFound, NoResultFound
from sqlalchemy.orm import Session

from shared.core import database, tenancy
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")

_NUMBERS = text("select n as number, cast(:store_id as uuid) as store from generate_series(1, cast(:most as int)) as n")
_TWICE = text(
    "insert into store_sequences (store_id, name, last) values (:store_id, 'twice', 1), (:store_id, 'twice', 2)"
)
_COUNT = text("insert into store_sequences (store_id, name, last) values (:store_id, 'once', 1)")


def test_rows_have_their_columns_names() -> None:
    store = a_store()
    with database.transaction(store.id) as session:
        rows = tenancy.run(session, _NUMBERS, {"store_id": store.id, "most": 2}).all()

    assert [(row.number, row.store) for row in rows] == [(1, store.id), (2, store.id)]


@pytest.mark.parametrize(("most", "found"), [(0, None), (1, 1)])
def test_one_row_is_found_or_none(most: int, found: int | None) -> None:
    store = a_store()
    with database.transaction(store.id) as session:
        values = {"store_id": store.id, "most": most}
        row = tenancy.run(session, _NUMBERS, values).one_or_none()
        value = tenancy.run(session, _NUMBERS, values).scalar_one_or_none()

    assert (row and row.number, value) == (found, found)


@pytest.mark.parametrize(("most", "refused"), [(0, NoResultFound), (2, MultipleResultsFound)])
def test_one_row_is_not_none_and_not_two(most: int, refused: type[Exception]) -> None:
    store = a_store()
    with database.transaction(store.id) as session, pytest.raises(refused):
        tenancy.run(session, _NUMBERS, {"store_id": store.id, "most": most}).one()


def test_what_postgresql_refuses_is_told_as_sqlalchemy_tells_it() -> None:
    store = a_store()
    with pytest.raises(IntegrityError) as refused, database.transaction(store.id) as session:
        tenancy.run(session, _TWICE, {"store_id": store.id})

    assert refused.value.statement is not None
    assert not refused.value.connection_invalidated


def test_a_connection_that_is_lost_is_told_and_not_lent_again() -> None:
    store = a_store()
    with pytest.raises(DBAPIError, match="connection is closed") as lost, database.transaction(store.id) as session:
        count_on_what_is_lost(session, store.id)

    assert lost.value.connection_invalidated
    with database.transaction(store.id) as session:
        assert tenancy.run(session, _COUNT, {"store_id": store.id}).rowcount == 1


def count_on_what_is_lost(session: Session, store_id: UUID) -> None:
    """Count by a session whose connection is lost."""
    driven = session.connection().connection.dbapi_connection
    driven._abandon()  # type: ignore[union-attr]  # it is checked out, so it is there
    tenancy.run(session, _COUNT, {"store_id": store_id})
