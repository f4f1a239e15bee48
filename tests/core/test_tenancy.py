"""A session belongs to one store: by the ORM's filter, by PostgreSQL's policy, by the keys."""

from collections.abc import Callable, Sequence
from uuid import UUID

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from shared.core import clock, driver, ids, tenancy
from shared.core import database as core_database
from shared.core.settings import use_settings
from shared.identity.models import Credential, CredentialKind
from tests.database import Database, Sql
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("application")


def test_an_unbound_session_may_not_touch_a_stores_table() -> None:
    a_store()

    with pytest.raises(tenancy.UnboundSession), core_database.transaction() as session:
        session.scalars(select(Credential)).all()


@pytest.mark.parametrize(
    "look",
    [
        lambda session: session.scalars(select(Credential.id)).all(),
        lambda session: session.scalars(select(Credential.__table__.c.id)).all(),  # Core: the filter does not see it
        lambda session: session.scalars(text("select id from credentials")).all(),
        lambda session: session.scalars(text("select c.id from stores s cross join credentials c")).all(),
    ],
    ids=["entity", "core", "raw", "join"],
)
def test_a_bound_session_sees_its_own_rows_alone(look: Callable[[Session], Sequence[UUID]]) -> None:
    mine, theirs = a_store(), a_store()

    with mine.session() as session:
        seen = set(look(session))

    assert len(seen) == 2
    assert seen.isdisjoint(credentials_of(theirs))


@pytest.mark.parametrize(
    "change",
    [
        lambda session, _: session.execute(update(Credential).values(name="Mine now")),
        lambda session, _: session.execute(update(Credential.__table__).values(name="Mine now")),  # type: ignore[arg-type]  # __table__ is a Table
        lambda session, _: session.execute(text("update credentials set name = 'Mine now'")),
        lambda session, theirs: session.execute(
            text("update credentials set name = 'Mine now' where store_id = :store"), {"store": theirs.id}
        ),
    ],
    ids=["entity", "core", "raw", "raw-with-their-id"],
)
def test_a_change_of_everything_stays_within_the_store(
    change: Callable[[Session, StoreUnderTest], object], sql: Sql
) -> None:
    mine, theirs = a_store(), a_store()

    with mine.session() as session:
        change(session, theirs)

    names = sql("select distinct name from credentials where store_id = %s order by 1", theirs.id)
    assert [row["name"] for row in names] == ["Owner", "Storefront"]


def test_nothing_can_be_written_into_another_store(sql: Sql) -> None:
    mine, theirs = a_store(), a_store()
    before = sql("select count(*) as n from credentials where store_id = %s", theirs.id)

    with pytest.raises(tenancy.ForeignStore), mine.session() as session:
        session.add(a_credential(theirs.id))
    row = {"store_id": theirs.id, "id": ids.new_id(), "kind": "sk", "name": "x", "digest": b"x", "last_four": "x"}
    with pytest.raises(DBAPIError) as refused, mine.session() as session:
        session.execute(insert(Credential.__table__).values(**row, scopes=[], created_at=clock.now()))  # type: ignore[arg-type]  # __table__ is a Table

    assert driver.sqlstate(refused.value) == "42501"
    assert sql("select count(*) as n from credentials where store_id = %s", theirs.id) == before


def test_the_application_can_neither_delete_history_nor_empty_a_table(sql: Sql) -> None:
    store = a_store()
    for statement in ("delete from audit_entries", "update domain_events set type = 'x'", "truncate outbox"):
        with pytest.raises(DBAPIError) as refused, store.session() as session:
            session.execute(text(statement))
        assert driver.sqlstate(refused.value) == "42501", statement

    assert len(sql("select 1 from audit_entries where store_id = %s", store.id)) == 3


@pytest.mark.unbound("to see nothing is what it shows")
def test_the_binding_ends_with_the_transaction() -> None:
    store = a_store()
    with store.session() as session:
        assert count(session) == 2

    with core_database.transaction() as session:
        unbound = count(session)

    assert unbound == 0


def test_a_row_is_stamped_with_the_bound_store() -> None:
    store = a_store()

    with store.session() as session:
        row = a_credential(None)
        session.add(row)
        session.flush()
        stamped = row.store_id
        session.rollback()

    assert stamped == store.id


def test_an_insertion_by_statement_is_stamped_too(sql: Sql) -> None:
    store = a_store()
    facts = {"kind": CredentialKind.SECRET, "name": "Stamped", "digest": ids.new_id().bytes, "last_four": "test"}

    with store.session() as session:
        session.execute(insert(Credential).values(**facts, scopes=[], created_at=clock.now()))

    assert len(sql("select 1 from credentials where store_id = %s and name = 'Stamped'", store.id)) == 1


def test_the_orms_filter_stands_without_a_policy_behind_it(database: Database, sql: Sql) -> None:
    mine, theirs = a_store(), a_store()

    with use_settings(database_url=database.superuser_url), mine.session() as session:  # whom no policy binds
        everything = int(session.scalar(text("select count(*) from credentials")) or 0)
        seen = session.scalars(select(Credential.store_id)).all()
        session.execute(update(Credential).values(name="Mine now"))

    assert everything > len(seen)
    assert seen == [mine.id, mine.id]
    assert len(sql("select 1 from credentials where store_id = %s and name = 'Mine now'", theirs.id)) == 0
    assert len(sql("select 1 from credentials where store_id = %s and name = 'Mine now'", mine.id)) == 2


def a_credential(store_id: UUID | None) -> Credential:
    credential = Credential(
        kind=CredentialKind.SECRET,
        name="Test",
        digest=ids.new_id().bytes,
        last_four="test",
        scopes=[],
        created_at=clock.now(),
    )
    if store_id is not None:
        credential.store_id = store_id
    return credential


def credentials_of(store: StoreUnderTest) -> set[UUID]:
    with store.session() as session:
        return set(session.scalars(select(Credential.id)))


def count(session: Session) -> int:
    return int(session.scalar(text("select count(*) from credentials")) or 0)
