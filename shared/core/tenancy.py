"""Tenancy as a property of the session: it belongs to one tenant, or it may not touch a tenant's tables.

A tenant is a store, and with the same wall around it an organization, whose members and roles are its own, or a person,
whose password and sessions are theirs. Their ids never meet, so one setting binds to whichever it is: an organization's
session sees none of its stores' rows, and a person's none of the organization's. Most tenants are stores, and the words
here say so.

Three layers hold the wall. This module is the first: every ORM statement is filtered by the bound store, every new
row is stamped with it, and an unbound session raises. The second is row-level security in PostgreSQL, forced for a
role that owns nothing, bound to the transaction by `app.store_id`: it also stops what the first cannot see (Core
statements, raw SQL, bulk updates). The third are composite keys, so that no row can even point at another store's.
"""

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from pg8000 import dbapi
from sqlalchemy import (
    BigInteger,
    Connection,
    DateTime,
    Enum,
    LargeBinary,
    MetaData,
    Select,
    Text,
    TextClause,
    event,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    ORMExecuteState,
    Session,
    SessionTransaction,
    UOWTransaction,
    mapped_column,
    with_loader_criteria,
)
from sqlalchemy.sql import visitors

from shared.core import apart, context, found, ids, plain
from shared.core.compiled import spoken
from shared.core.lives import TenantLife
from shared.core.messages import Heard

_STORE = "store_id"  # the key in Session.info
_OPENING, _BEGUN = "opening", "begun"  # others


class UnboundSession(RuntimeError):
    """A statement touches a store's table, and no store was bound. A bug, never a caller's mistake."""


class ForeignStore(RuntimeError):
    """A row of one store was handed to a session of another. A bug, never a caller's mistake."""


class Base(DeclarativeBase):
    """The declarative base of every table. `int` is bigint: amounts and counters outgrow four bytes."""

    metadata = MetaData(
        naming_convention={
            "pk": "%(table_name)s_pkey",
            "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ix": "%(table_name)s_%(column_0_N_name)s_idx",
            "ck": "%(table_name)s_%(constraint_name)s",
        },
    )
    type_annotation_map = {  # noqa: RUF012 -- SQLAlchemy reads it from the class; it is never changed
        int: BigInteger,
        str: Text,
        bytes: LargeBinary,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[str]: ARRAY(Text),
        # Lower-case words in a text column; the migration's CHECK holds them.
        StrEnum: Enum(StrEnum, native_enum=False, create_constraint=False, values_callable=lambda kind: [*kind]),
    }


def bound_store() -> UUID:
    """Return the store of the present context: what a new row is stamped with.

    Raises:
        UnboundSession: no store is bound.
    """
    store_id = context.current().store_id
    if store_id is None:
        message = "No store is bound here: enter one with database.transaction(store_id)."
        raise UnboundSession(message)
    return store_id


class StoreOwned:
    """A table whose rows belong to a store; `(store_id, id)` is its primary key.

    No foreign key leads to `stores`: each insert would take a share lock on the store's one row, and with many
    writers at once that row becomes the busiest of the database. A store's rows go by the tenant-life hooks.
    """

    __tenant_life__: ClassVar[TenantLife] = TenantLife()  # a model whose rows live otherwise declares its own

    store_id: Mapped[UUID] = mapped_column(primary_key=True, default=bound_store, sort_order=-2)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new_id, sort_order=-1)


class OrganizationOwned:
    """A table whose rows belong to an organization: a tenant of its own, beside its stores."""

    organization_id: Mapped[UUID] = mapped_column(primary_key=True, default=bound_store, sort_order=-2)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new_id, sort_order=-1)


class PersonOwned:
    """A table whose rows belong to a person, whichever organizations and stores they work for."""

    user_id: Mapped[UUID] = mapped_column(primary_key=True, default=bound_store, sort_order=-2)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new_id, sort_order=-1)


_OWNED = {StoreOwned: "store_id", OrganizationOwned: "organization_id", PersonOwned: "user_id"}
_OWNED_KINDS = tuple(_OWNED)


@dataclass
class _Opening:
    """What a transaction begins with, as long as it has no statement to travel with."""

    reads_only: bool = False
    store_id: UUID | None = None
    said: list[tuple[str, Sequence[Any], Heard | None]] = field(default_factory=list)  # preludes have no one who hears

    @property
    def has_questions(self) -> bool:
        return any(heard is not None for _, _, heard in self.said)

    def say(self, driven: plain.Connection, info: MutableMapping[Any, Any], show: apart.Show) -> None:
        """Say it all to the connection, which sends it with its next statement."""
        info[_STORE] = self.store_id  # for whoever watches statements: which store they are bound to
        if self.reads_only:
            driven.only_read()
        for sql, values, heard in self.said:
            if heard is None:
                driven.prelude(sql)
            else:
                show(sql, values)
                driven.ask(sql, values, heard)


class TenantSession(Session):
    """A session that belongs to one tenant, or to none.

    It takes its connection with its first statement; what was said of the transaction before that waits for it.
    """

    def commit(self) -> None:
        """Commit. A question that nothing followed is answered before."""
        if _opening(self).has_questions:
            settle(self)
        if self.in_transaction():
            super().commit()

    def rollback(self) -> None:
        """Roll back. What has not begun is forgotten."""
        self.info.pop(_OPENING, None)
        super().rollback()


def bind(session: Session, store_id: UUID) -> None:
    """Make `session` the given store's, from the next statement to the end of the transaction.

    Costs no round trip: the `SET LOCAL` travels with the next statement. `store_id` is a UUID object, so its text
    cannot carry SQL. Whoever binds decided the store on the server, by a credential or a row, never by a client's
    field.
    """
    session.info[_STORE] = store_id
    prelude(session, f"set local app.store_id = '{store_id}'")
    if session.in_transaction():
        session.connection().info[_STORE] = store_id
    else:
        _opening(session).store_id = store_id


@contextmanager
def within(session: Session, store_id: UUID) -> Iterator[None]:
    """Bind the session and enter the store's context: for who comes from no store, and opens or names one.

    Flushes at the end, while the store's keys are at hand.
    """
    bind(session, store_id)
    with context.entered(replace(context.current(), store_id=store_id)):
        yield
        session.flush()


def prelude(session: Session, command: str) -> None:
    """Send a command without parameters (SET LOCAL, SAVEPOINT) along with the session's next statement."""
    if session.in_transaction():
        _driven(_connection(session)).prelude(command)
    else:
        _opening(session).said.append((command, (), None))


def ask(session: Session, statement: TextClause, values: Mapping[str, Any], heard: Heard) -> None:
    """Ask along with the session's next statement; `heard` gets the rows before anybody gets that statement's.

    What `heard` raises is raised from that statement. `statement` and `values` as `run` has them.
    """
    sql, told = spoken(session, statement, values)
    if not session.in_transaction():
        _opening(session).said.append((sql, told, heard))
        return
    connection = _connection(session)
    _show(connection, sql, told)
    try:
        _driven(connection).ask(sql, told, heard)
    except dbapi.Error as error:  # of a driver that asks at once
        found.refuse(connection, error, sql, told)


def tell(session: Session, statement: TextClause, values: Mapping[str, Any]) -> None:
    """Run a statement that returns nothing along with the session's next one, or with its commit: nobody waits for it.

    What it meets is raised from there. `statement` and `values` as `run` has them; `records.change` notes a change.
    """
    connection = _connection(session)  # takes one, and sends nothing
    sql, told = spoken(session, statement, values)
    _show(connection, sql, told)
    _driven(connection).tell(sql, told)


def settle(session: Session) -> None:
    """Have what was asked answered now, if no statement has followed yet that it could travel with."""
    if not session.is_active:
        return  # a statement did follow, and failed
    if not session.in_transaction() and not _opening(session).has_questions:
        return
    if _is_apart(session):
        _read_apart(session, *_NOTHING)
        return
    connection = session.connection()
    if _driven(connection).has_questions:
        connection.exec_driver_sql(*_NOTHING)  # by SQLAlchemy, which knows a lost connection


def only_read(session: Session) -> None:
    """Promise that the session's transaction, which begins now, changes nothing.

    PostgreSQL refuses it a change (SQLSTATE 25006), and its end costs no round trip.
    """
    if session.in_transaction():
        _driven(session.connection()).only_read()
    else:
        _opening(session).reads_only = True


def read(session: Session, statement: TextClause, values: Mapping[str, Any]) -> Sequence[Any]:
    """Return the rows that a statement finds, with their columns' names: what a hot read needs, and no more.

    Where the session only reads, and nobody has used its transaction yet, the statement goes past SQLAlchemy: it is a
    transaction of its own, begun as the session's would be. `statement` is a constant: it is compiled once.
    """
    if not _is_apart(session):
        return run(session, statement, values).all()
    return _read_apart(session, *spoken(session, statement, values))


def run(session: Session, statement: TextClause, values: Mapping[str, Any]) -> found.Found:
    """Run a statement in the session's transaction, past the session's layers: for a third of their price.

    `statement` is a constant, compiled once; `values` are of types that the driver knows. `records.run` notes a change.
    """
    connection, (sql, told) = _connection(session), spoken(session, statement, values)
    _show(connection, sql, told)
    return found.run(connection, _driven(connection), sql, told)


_NOTHING = ("select %s::int", (1,))


def _is_apart(session: Session) -> bool:
    return not session.in_transaction() and _opening(session).reads_only


def _read_apart(session: Session, sql: str, values: tuple[Any, ...]) -> Sequence[Any]:
    opening = _opening(session)
    rows = apart.read(session.get_bind().engine, opening.say, sql, values)
    opening.said = [one for one in opening.said if one[0].startswith("set local")]  # for the next statement, too
    return rows


def _show(connection: Connection, sql: str, values: Sequence[Any]) -> None:
    for watch in connection.dispatch.before_cursor_execute:  # whoever watches statements is to see this one, too
        watch(connection, None, sql, values, None, False)  # noqa: FBT003 -- SQLAlchemy's own order


def _connection(session: Session) -> Connection:
    begun: Connection | None = session.info.get(_BEGUN)  # as long as it lasts; asking the session each time is dear
    return begun if begun is not None and begun.in_transaction() else session.connection()


def _opening(session: Session) -> _Opening:
    opening: _Opening | None = session.info.get(_OPENING)
    if opening is None:
        opening = session.info[_OPENING] = _Opening()
    return opening


def _driven(connection: Connection) -> plain.Connection:
    driven: plain.Connection = connection.connection.dbapi_connection  # type: ignore[assignment]  # checked out: not None
    return driven


def store_of(session: Session) -> UUID | None:
    """Return the store that `session` is bound to."""
    store_id: UUID | None = session.info.get(_STORE)
    return store_id


def require_store(session: Session) -> UUID:
    """Return the bound store.

    Raises:
        UnboundSession: no store is bound.
    """
    store_id = store_of(session)
    if store_id is None:
        message = "This statement belongs to a store, and the session is bound to none."
        raise UnboundSession(message)
    return store_id


@event.listens_for(TenantSession, "after_begin")
def _begin(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    session.info[_BEGUN] = connection
    connection.info.pop(_STORE, None)
    opening: _Opening | None = session.info.pop(_OPENING, None)
    if opening is not None:
        try:
            opening.say(_driven(connection), connection.info, partial(_show, connection))
        except dbapi.Error as error:  # as above
            found.refuse(connection, error, "", ())


@event.listens_for(TenantSession, "do_orm_execute")
def _filter_by_store(state: ORMExecuteState) -> None:
    kinds = _kinds(state)
    if not kinds:
        return
    tenant_id = require_store(state.session)
    if state.is_column_load or state.is_relationship_load or state.is_insert:
        return  # the criteria of the loading statement propagate; inserts are stamped and checked by the policy
    # SQLAlchemy reads each lambda once and keeps what it means, so the column cannot be a variable.
    if StoreOwned in kinds:
        own = with_loader_criteria(StoreOwned, lambda model: model.store_id == tenant_id, include_aliases=True)
        state.statement = state.statement.options(own)
    if OrganizationOwned in kinds:
        own = with_loader_criteria(
            OrganizationOwned, lambda model: model.organization_id == tenant_id, include_aliases=True
        )
        state.statement = state.statement.options(own)
    if PersonOwned in kinds:
        own = with_loader_criteria(PersonOwned, lambda model: model.user_id == tenant_id, include_aliases=True)
        state.statement = state.statement.options(own)


def _kinds(state: ORMExecuteState) -> set[type[Any]]:
    """Return the kinds of tenants to whom rows of the statement's tables belong."""
    models = {mapper.class_ for mapper in state.all_mappers}
    kinds = {kind for model in models for kind in _OWNED_KINDS if issubclass(model, kind)}
    if kinds or not isinstance(state.statement, Select):
        return kinds
    # Of what is only counted no column is selected: it stands in FROM alone.
    sources = [part for source in state.statement.get_final_froms() for part in visitors.iterate(source)]
    entities = [part._annotations.get("parententity") for part in sources]  # noqa: SLF001 -- there is no public way
    return {kind for one in entities if one is not None for kind in _OWNED_KINDS if issubclass(one.class_, kind)}


@event.listens_for(TenantSession, "before_flush")
def _stamp_with_store(session: Session, _flush: UOWTransaction, _instances: object) -> None:
    for row in session.new:
        column = next((name for kind, name in _OWNED.items() if isinstance(row, kind)), None)
        if column is not None:
            store_id = require_store(session)
            owner = getattr(row, column)
            if owner is None:
                setattr(row, column, store_id)
            elif owner != store_id:
                message = f"A row of tenant {owner} in a session of tenant {store_id}."
                raise ForeignStore(message)
