"""Locks of the migrated database, each taken away alone: policies, keys, CHECKs, rights.

They are read from PostgreSQL's own catalogue, so a new table's are among them the day it is there. Policies are taken
away for good, until they are given back, and stores are tried against each other as the application; all else is taken
away in a transaction that is undone, and looked at by the rules that read the catalogue.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, MetaData

from shared.core import driver
from tests.database import Sql
from tests.rules import locks, migration_rules

_CONSTRAINTS = """
select c.conname::text as name, c.contype::text as kind, c.conrelid::regclass::text as table,
       c.confrelid::regclass::text as target, pg_get_constraintdef(c.oid) as says,
       array(select attname::text from unnest(conkey) with ordinality k (n, o)
             join pg_attribute on attrelid = conrelid and attnum = n order by o) as columns,
       array(select attname::text from unnest(confkey) with ordinality k (n, o)
             join pg_attribute on attrelid = confrelid and attnum = n order by o) as targets
from pg_constraint c join pg_class t on t.oid = c.conrelid
where c.conparentid = 0 and not t.relispartition and c.connamespace = 'public'::regnamespace
  and c.contype in ('p', 'u', 'f', 'c') and t.relname <> 'alembic_version' order by 3, 1
"""
_UNIQUE_INDEXES = """
select c.relname::text as name, i.indrelid::regclass::text as table from pg_index i
join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
where i.indisunique and not t.relispartition and t.relnamespace = 'public'::regnamespace
  and not exists (select from pg_constraint k where k.conindid = i.indexrelid) order by 1
"""
_POLICIES = """
select polrelid::regclass::text as table, pg_get_expr(polqual, polrelid) as says from pg_policy
where polname = 'tenant' order by 1
"""
_APP = locks.APP


@dataclass(frozen=True)
class Lock:
    """One lock: the statements that take it away and, where that is not undone, those that give it back."""

    name: str
    kind: str
    take: tuple[str, ...]
    give_back: tuple[str, ...] = ()


def policies(sql: Sql) -> list[Lock]:
    """Return each policy four times: row security off, none, one that shows everything, one that takes everything."""
    found = []
    for row in sql(_POLICIES):
        table, says = row["table"], row["says"]
        whole = f"alter policy tenant on {table} using ({says}) with check ({says})"
        made = f"create policy tenant on {table} for all to {_APP} using ({says}) with check ({says})"
        ways = {
            "switched off": (
                f"alter table {table} disable row level security",
                f"alter table {table} enable row level security",
            ),
            "dropped": (f"drop policy tenant on {table}", made),
            "that shows every store": (f"alter policy tenant on {table} using (true)", whole),
            "that takes any store's rows": (f"alter policy tenant on {table} with check (true)", whole),
        }
        found += [
            Lock(f"the policy of {table}, {way}", "policy", (take,), (back,)) for way, (take, back) in ways.items()
        ]
    return found


def keys_and_checks(sql: Sql) -> list[Lock]:
    """Return every primary, unique and foreign key and every CHECK; foreign keys also without their store."""
    kinds = {"p": "primary key", "u": "unique key", "f": "foreign key", "c": "CHECK"}
    found = []
    for row in sql(_CONSTRAINTS):
        table, kind = row["table"], kinds[row["kind"]]
        name = f"{kind} {row['name']} of {table}"
        found.append(Lock(name, kind, (f"alter table {table} drop constraint {row['name']} cascade",)))
        if kind == "foreign key":
            found += _without_its_store(row, name)
    found += [
        Lock(f"unique index {row['name']} of {row['table']}", "unique key", (f"drop index {row['name']}",))
        for row in sql(_UNIQUE_INDEXES)
    ]
    return found


def _without_its_store(row: Mapping[str, Any], name: str) -> list[Lock]:
    pairs = [pair for pair in zip(row["columns"], row["targets"], strict=True) if pair[0] != "store_id"]
    if len(pairs) != 1:
        return []
    [(column, target)] = pairs
    points_at = f"foreign key ({column}) references {row['target']} ({target})"
    narrowed = (
        f"alter table {row['table']} drop constraint {row['name']}",
        f"create unique index on {row['target']} ({target})",
        f"alter table {row['table']} add constraint {row['name']} {points_at}",
    )
    return [Lock(f"the store in {name}", "foreign key", narrowed)]


def rights(sql: Sql) -> list[Lock]:
    """Return what the application's role lacks on purpose, each given to it."""
    powers = [f"alter role {_APP} {power}" for power in ("superuser", "bypassrls", "createrole", "createdb")]
    powers += [f"grant pg_read_all_data to {_APP}", f"grant create on schema public to {_APP}"]
    powers += [f"grant {right} on {table} to {_APP}" for table in locks.APPEND_ONLY for right in ("update", "delete")]
    tables = [table.name for table in locks.tables(sql) if table.owner_column is not None]
    powers += [f"grant truncate on {table} to {_APP}" for table in tables]
    powers += [f"alter table {table} no force row level security" for table in tables]
    looks = sql("select p.oid::regprocedure::text as name from pg_proc p where pronamespace = 'lookup'::regnamespace")
    powers += [f"grant execute on function {row['name']} to public" for row in looks]
    return [Lock(power, "right", (power,)) for power in powers]


@dataclass
class Watchers:
    """The rules that read the catalogue, over one connection that sees what its own transaction did."""

    connection: Connection
    models: MetaData
    by_models: Sql  # a database that the models made

    def misses(self, lock: Lock) -> bool:
        """Take a lock away, tell whether a rule misses it, and undo it."""
        before = self._seen(lock.kind)
        try:
            for statement in lock.take:
                self._sql(statement)
            return bool(set(self._seen(lock.kind)) - set(before))
        finally:
            self.connection.rollback()
            self.connection.connection.rollback()  # SQLAlchemy knows nothing of what went past it

    def _seen(self, kind: str) -> list[str]:
        rules: Mapping[str, tuple[Callable[[], list[str]], ...]] = {
            "primary key": (lambda: locks.weak_keys(self._sql),),
            "unique key": (self._drift,),
            "foreign key": (lambda: locks.weak_keys(self._sql), self._drift),
            "CHECK": (lambda: migration_rules.missing_checks(self._sql, self.by_models),),
            "right": (
                lambda: locks.open_policies(self._sql),
                lambda: locks.rights_too_many(self._sql),
                lambda: locks.role_too_strong(self._sql),
                lambda: locks.loose_definers(self._sql),
            ),
        }
        return [offence for rule in rules[kind] for offence in rule()]

    def _drift(self) -> list[str]:
        return migration_rules.drift(self.connection, self.models)

    def _sql(self, statement: str, *args: object) -> list[dict[str, Any]]:
        cursor = self.connection.connection.cursor()
        cursor.execute(statement, args)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()] if names else []


@contextmanager
def taken_away(lock: Lock, url: str) -> Iterator[None]:
    """Take a lock away from a database that others use, as its superuser; give it back at the end."""
    with driver.connect_to(url) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        for statement in lock.take:
            cursor.execute(statement)
        try:
            yield
        finally:
            for statement in lock.give_back:
                cursor.execute(statement)
