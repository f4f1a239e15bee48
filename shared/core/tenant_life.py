"""The life of a tenant: what becomes of a store's rows while it lives, when it moves out, and when it is closed.

Each model says it of its own table (`__tenant_life__`, see `lives`), so no later capability has to visit every domain:
a new table is exported, purged, erased and watched for leaks from its first migration on. Everything here works on a
session that is bound to one store, as the application's role: row-level security holds besides the conditions.

What the application's role may not delete or change (append-only history) stays: it holds no personal data but the
encrypted addresses of audit entries. `erase` names what it had to leave.
"""

import base64
import importlib
import importlib.util
import json
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
    Enum,
    ForeignKeyConstraint,
    LargeBinary,
    Row,
    String,
    Table,
    and_,
    delete,
    exists,
    literal,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.orm import Session

import shared
from shared.core import storage, tenancy
from shared.core.consumers import ConsumedEvent
from shared.core.encryption import EncryptedJSON, EncryptedText
from shared.core.idempotency import IdempotencyRecord
from shared.core.lives import RESTORABLE, Purge, TenantLife
from shared.core.outbox import EventSequence, OutboxEntry

BATCH = 500  # rows a statement: a few milliseconds of locks
MOST = 5000  # rows a transaction; whoever has more calls again, in another one

_STORES = "stores"  # the tenants' own table: its id is the store

# The machinery's own rows: of no use anywhere else, and gone when they can no longer be asked for.
_OF_THE_MACHINERY: Mapping[type, TenantLife] = {
    OutboxEntry: TenantLife(exported=False),
    EventSequence: TenantLife(exported=False),
    # The body is encrypted by hand, since a statement of its own writes it.
    IdempotencyRecord: TenantLife(exported=False, personal=("answer",), purge=Purge("expires_at", timedelta(0))),
    # SQS keeps a message for 14 days at most; one that an operator redrives from a dead-letter queue, for 14 more.
    ConsumedEvent: TenantLife(exported=False, purge=Purge("consumed_at", timedelta(days=28))),
}

_RIGHTS = text("""
select wanted.name, wanted.field, has_column_privilege(wanted.name, wanted.field, 'update') as may_update,
       has_table_privilege(wanted.name, 'delete') as may_delete
from unnest(cast(:tables as text[]), cast(:fields as text[])) as wanted(name, field)
""")


class BadLife(TypeError):
    """A model declares a life that its table cannot lead. The process that asks does not go on."""


@dataclass(frozen=True)
class StoreTable:
    """A table whose rows belong to stores, and the life that they lead."""

    table: Table
    store: Column[UUID]  # the column that names the store
    life: TenantLife
    personal: tuple[Column[Any], ...]
    purge: Purge | None

    @property
    def name(self) -> str:
        """The table's name."""
        return self.table.name

    @property
    def key(self) -> tuple[Column[Any], ...]:
        """What tells the rows of one store apart: the primary key without the store."""
        return tuple(column for column in self.table.primary_key if column is not self.store)

    @property
    def exported(self) -> tuple[Column[Any], ...]:
        """The columns that a merchant takes along: all but digests and blind indexes, which mean nothing elsewhere."""
        return tuple(column for column in self.table.columns if not _is_fingerprint(column))


@dataclass(frozen=True)
class Erased:
    """What an erasure did: `rows` emptied or removed by table, the columns that it had to leave, whether it is done."""

    rows: dict[str, int]
    kept: tuple[str, ...]
    finished: bool


@cache
def store_tables() -> tuple[StoreTable, ...]:
    """Return every table whose rows belong to stores, parents before their children.

    Raises:
        BadLife: a model names a column that its table lacks, or purges by one that is no moment.
    """
    for package in pkgutil.iter_modules(shared.__path__):  # so that every domain's tables are known, whoever asks
        if importlib.util.find_spec(models := f"shared.{package.name}.models"):
            known = importlib.import_module(models)
            for part in pkgutil.iter_modules(getattr(known, "__path__", ())):
                importlib.import_module(f"{models}.{part.name}")
    classes = {mapper.local_table: mapper.class_ for mapper in tenancy.Base.registry.mappers}
    tables = (table for table in tenancy.Base.metadata.sorted_tables if _store_column(table) is not None)
    return tuple(store_table(table, _declared(classes[table])) for table in tables)


def store_table(table: Table, life: TenantLife) -> StoreTable:
    """Join a table with its life, which is checked.

    Raises:
        BadLife: the life names a column that the table lacks, or purges by one that is no moment.
    """
    store = _store_column(table)
    named = [*(life.personal or ()), *([life.purge.column] if life.purge else [])]
    if store is None or any(name not in table.columns for name in named):
        message = f"{table.name} belongs to no store, or lacks a column of its life: {', '.join(named)}."
        raise BadLife(message)
    purge = life.purge
    if purge is None and "deleted_at" in table.columns and table.name != _STORES:
        purge = Purge("deleted_at", RESTORABLE)
    if purge is not None and table.columns[purge.column].type.python_type is not datetime:
        message = f"{table.name} is purged by {purge.column}, which is no moment."
        raise BadLife(message)
    personal = [name for name in table.columns.keys() if _is_personal(table.columns[name])]  # noqa: SIM118 -- a collection of columns iterates over columns
    return StoreTable(
        table=table,
        store=store,
        life=life,
        personal=tuple(table.columns[name] for name in (personal if life.personal is None else life.personal)),
        purge=purge,
    )


def export(session: Session) -> Iterator[str]:
    """Yield the whole store, a JSON line a row: `{"table": "products", "row": {...}}`, parents before their children.

    Personal data come decrypted: they are the merchant's. Reads as it is drained, `BATCH` rows a statement by primary
    key, so a store of any size needs the memory of one batch. Each batch sees what was committed when it was read.
    """
    store_id = tenancy.require_store(session)
    for owned in store_tables():
        if not owned.life.exported:
            continue
        for row in _rows(session, owned, store_id):
            yield json.dumps({"table": owned.name, "row": dict(row)}, default=_plain, ensure_ascii=False)


def purge(session: Session, now: datetime, *, most: int = MOST) -> dict[str, int]:
    """Remove what the store's tables no longer keep at `now`; return how many rows of which table.

    Children go before their parents, whatever their own age. About `most` rows at most: who gets as many calls again,
    in another transaction. A row that is being changed or restored at this moment is left for the next time. One pass
    over the rows of the store's tables that purge; no index serves `deleted_at`.
    """
    tenancy.require_store(session)
    removed = Counter[str]()
    for owned in reversed(store_tables()):
        if owned.purge is None:
            continue
        due = owned.table.columns[owned.purge.column] <= now - owned.purge.after
        while (room := most - removed.total()) > 0:
            batch = min(BATCH, room)
            if _remove(session, owned, due, batch, removed) < batch:
                break
    return dict(removed)


def erase(session: Session, *, most: int = MOST) -> Erased:
    """Remove the personal data of a store that was closed: columns are emptied, or their rows go where they can't be.

    About `most` rows at most; call again, in another transaction, until it is finished. What the application's role has
    no right to change stays and is named in `kept`: the database's grants decide, not a list here.
    """
    store_id = tenancy.require_store(session)
    tables = [owned for owned in reversed(store_tables()) if owned.personal]
    may_update, may_delete = _rights(session, tables)
    done, kept = Counter[str](), list[str]()
    for owned in tables:
        fixed = [column for column in owned.personal if not (_can_be_empty(column) and str(column) in may_update)]
        removable = bool(fixed) and owned.name in may_delete
        if fixed and not removable:
            kept += [str(column) for column in fixed]
        emptied = [column for column in owned.personal if column not in fixed]
        while (room := most - done.total()) > 0:
            batch = min(BATCH, room)
            if removable:
                found = _remove(session, owned, literal(value=True), batch, done)
            elif emptied:
                found = _empty(session, owned, emptied, store_id, batch)
                done[owned.name] += found
            else:
                break
            if found < batch:
                break
    return Erased(dict(+done), tuple(sorted(kept)), finished=done.total() < most)


def erase_files(store_id: UUID, *, most: int = MOST) -> bool:
    """Remove the files of a store that was closed: uploads, exports, pictures. Return whether there are no more.

    Talks to the object store, so it is called outside of any transaction; again, until it is finished.
    """
    objects = storage.objects()
    left = most
    for bucket in storage.Bucket:
        left -= objects.delete_store(bucket, store_id, most=left)
        if not left:
            return False
    return True


def canary(store_id: UUID) -> str:
    """Return a text that only this store's rows can hold: wherever else it turns up, a tenant's data leaked."""
    return f"canary {store_id.hex}"


def text_columns(table: Table) -> tuple[Column[Any], ...]:
    """Return the columns in which a canary can stand: free text, encrypted or not; no words of a fixed list.

    It can take the place of a value, not of a NULL: some columns are empty by rule.
    """
    rules = " ".join(str(rule.sqltext) for rule in table.constraints if isinstance(rule, CheckConstraint))
    return tuple(column for column in table.columns if _is_free_text(column) and not _is_ruled(column, rules))


def _declared(model: type) -> TenantLife:
    own: TenantLife = getattr(model, "__tenant_life__", TenantLife())
    return _OF_THE_MACHINERY.get(model, own)


def _store_column(table: Table) -> Column[UUID] | None:
    return table.columns.id if table.name == _STORES else table.columns.get("store_id")


def _is_personal(column: Column[Any]) -> bool:
    encrypted = isinstance(column.type, EncryptedText | EncryptedJSON)
    return encrypted or (isinstance(column.type, LargeBinary) and column.name.endswith("_index"))


def _is_fingerprint(column: Column[Any]) -> bool:
    return isinstance(column.type, LargeBinary) and column.name.endswith(("digest", "_index"))


def _is_free_text(column: Column[Any]) -> bool:
    if isinstance(column.type, EncryptedText):
        return True
    return isinstance(column.type, String) and not isinstance(column.type, Enum)


def _is_ruled(column: Column[Any], rules: str) -> bool:
    """Tell whether a CHECK holds the column to a list of words, a pattern or a value."""
    return re.search(rf"\b{re.escape(column.name)}\b\s*(?:in\s*\(|~|=)", rules, re.IGNORECASE) is not None


def _can_be_empty(column: Column[Any]) -> bool:
    return bool(column.nullable) or _is_fingerprint(column)


def _empty_value(column: Column[Any]) -> bytes | None:
    return None if column.nullable else b""  # a blind index finds nobody any more


def _rows(session: Session, owned: StoreTable, store_id: UUID) -> Iterator[Mapping[Any, Any]]:
    batch = select(*owned.exported).where(owned.store == store_id).order_by(*owned.key).limit(BATCH)
    rows = session.execute(batch).mappings().all()
    yield from rows
    while len(rows) == BATCH:
        last = (literal(rows[-1][column], column.type) for column in owned.key)
        rows = session.execute(batch.where(tuple_(*owned.key) > tuple_(*last))).mappings().all()
        yield from rows


def _plain(value: object) -> str:
    match value:
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case UUID() | Decimal():
            return str(value)
        case bytes():
            return base64.b64encode(value).decode()
        case _:
            message = f"An export cannot hold a {type(value).__name__}."
            raise TypeError(message)


def _remove(
    session: Session,
    owned: StoreTable,
    condition: ColumnElement[bool],
    batch: int,
    removed: Counter[str],
) -> int:
    """Remove up to `batch` rows, their children first; return how many were found."""
    in_store = owned.store == tenancy.require_store(session)
    key = tuple(owned.table.primary_key)
    chosen = select(*key).where(in_store, condition).order_by(*key).limit(batch)
    children = _children(owned.table)
    if children:  # held from here on: a parent that is restored in between would come back without them
        chosen = chosen.with_for_update(skip_locked=True)
    found: Sequence[Row[Any]] = session.execute(chosen).all()
    if not found:
        return 0
    among = tuple_(*key).in_([tuple(row) for row in found])
    for child, link in children:
        refers = and_(*(element.parent == element.column for element in link.elements))
        orphaned = exists().where(in_store, among, refers).correlate(child.table)
        while _remove(session, child, orphaned, BATCH, removed) == BATCH:
            pass
    gone = session.execute(delete(owned.table).where(in_store, among, condition).returning(*key)).all()
    if gone:
        removed[owned.name] += len(gone)
    return len(found)


@cache
def _children(parent: Table) -> tuple[tuple[StoreTable, ForeignKeyConstraint], ...]:
    return tuple(
        (child, link)
        for child in store_tables()
        for link in child.table.foreign_key_constraints
        if link.referred_table is parent and child.table is not parent and not _lets_go(link)
    )


def _lets_go(link: ForeignKeyConstraint) -> bool:
    """Tell whether a child outlives its parent: "SET NULL", or "SET NULL (brand_id)", which leaves the store."""
    return (link.ondelete or "").upper().startswith("SET NULL")


def _empty(
    session: Session,
    owned: StoreTable,
    columns: Sequence[Column[Any]],
    store_id: UUID,
    batch: int,
) -> int:
    key = tuple(owned.table.primary_key)
    full = or_(*(column.is_not(None) if column.nullable else column != _empty_value(column) for column in columns))
    chosen = select(*key).where(owned.store == store_id, full).order_by(*key).limit(batch)
    change = update(owned.table).where(owned.store == store_id, tuple_(*key).in_(chosen))
    changed = session.execute(change.values({column: _empty_value(column) for column in columns}).returning(*key)).all()
    return len(changed)


def _rights(session: Session, tables: Sequence[StoreTable]) -> tuple[set[str], set[str]]:
    """Ask the database which of the tables' personal columns this role may change, and whose rows it may remove."""
    columns = [column for owned in tables for column in owned.personal]
    wanted = {"tables": [column.table.name for column in columns], "fields": [column.name for column in columns]}
    rights = session.execute(_RIGHTS, wanted).all()
    may_update = {f"{right.name}.{right.field}" for right in rights if right.may_update}
    return may_update, {right.name for right in rights if right.may_delete}
