"""Locks of the migrated database, each taken away alone: policies, keys, CHECKs, rights, conditions of look-ups.

They are read from PostgreSQL's own catalogue, so a new table's are among them the day it is there. Each is taken away
in a transaction that is undone: policies and look-ups from a database in which two stores live, and these try each
other; all else from an empty one, which the rules look at that read the catalogue.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, MetaData

from tests.database import Sql
from tests.rules import locks, migration_rules
from tests.tenancy import borders
from tests.tenancy.borders import WithinTransaction
from tests.tenancy.look_ups import GUARD, Asking, Function
from tests.tenancy.rows import tables_of_tenants, two_tenants

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
select c.relname::text as name, i.indrelid::regclass::text as table, pg_get_indexdef(c.oid) as says from pg_index i
join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
where i.indisunique and not t.relispartition and t.relnamespace = 'public'::regnamespace
  and not exists (select from pg_constraint k where k.conindid = i.indexrelid) order by 1
"""
_POLICIES = """
select polrelid::regclass::text as table, pg_get_expr(polqual, polrelid) as says from pg_policy
where polname = 'tenant' order by 1
"""
_APP = locks.APP


# Where a look-up says whose rows it reads, or by which secret or name it finds whose something is.
_CONDITION = re.compile(
    r"(?:\b\w+\.)?(?:store_id\s*=\s*(?:store\b|%(?:\d+\$)?L(?:::uuid)?|\w+\.store_id\b)|\bid\s*=\s*\w+\.store_id\b)"
)

# Conditions beside which another one holds the same; what they are for, a test of the answers can't see.
BESIDE_ANOTHER = {
    "lookup.list_products, condition 1": "keeps the reading along an index short; what is read, the second one narrows",
    **{
        f"lookup.customer_session, condition {number}": "joins by an id, too, and ids are unique over all stores"
        for number in (1, 2)
    },
    "lookup.meant_words, condition 2": "the keys that the index is asked for carry the store, too",
    **{
        f"lookup.{name}, its check of the tenant": "lookup.product_conditions, which it calls, checks the same"
        for name in ("count_products", "find_products", "list_products")
    },
}


@dataclass(frozen=True)
class Lock:
    """One lock, and the statements that take it away."""

    name: str
    kind: str
    take: tuple[str, ...]
    table: str = ""  # whose policy or key it is


def policies(sql: Sql) -> list[Lock]:
    """Return each policy four times: row security off, none, one that shows everything, one that takes everything."""
    found = []
    for row in sql(_POLICIES):
        table = row["table"]
        ways = {
            "switched off": f"alter table {table} disable row level security",
            "dropped": f"drop policy tenant on {table}",
            "that shows every store": f"alter policy tenant on {table} using (true)",
            "that takes any store's rows": f"alter policy tenant on {table} with check (true)",
        }
        found += [Lock(f"the policy of {table}, {way}", "policy", (take,), table) for way, take in ways.items()]
    return found


def look_ups(functions: list[Function]) -> list[Lock]:
    """Return each condition of each function that looks past row-level security, and each check of the tenant."""
    found = []
    for function in functions:
        named = [re.compile(rf"(?:\b\w+\.)?\b\w+\s*=\s*{name}\b") for name in function.names]
        places = {match.span() for one in (_CONDITION, *named) for match in one.finditer(function.says)}
        if function.bound is not None:
            taken = GUARD.sub("", function.says)
            found.append(Lock(f"lookup.{function.name}, its check of the tenant", "look-up", (taken,)))
        for number, (begin, end) in enumerate(sorted(places), start=1):
            taken = f"{function.says[:begin]}({function.says[begin:end]} or true){function.says[end:]}"
            found.append(Lock(f"lookup.{function.name}, condition {number}", "look-up", (taken,)))
    return found


def keys_and_checks(sql: Sql) -> list[Lock]:
    """Return every primary, unique and foreign key and every CHECK; foreign keys also without their store."""
    kinds = {"p": "primary key", "u": "unique key", "f": "foreign key", "c": "CHECK"}
    found = []
    for row in sql(_CONSTRAINTS):
        table, kind = row["table"], kinds[row["kind"]]
        name = f"{kind} {row['name']} of {table}"
        found.append(Lock(name, kind, (f"alter table {table} drop constraint {row['name']} cascade",), table))
        if row["columns"][0] in ("store_id", "organization_id", "user_id") and len(row["columns"]) > 1:
            found += _without_its_store(row, name)
    for row in sql(_UNIQUE_INDEXES):
        name, drop = f"unique index {row['name']} of {row['table']}", f"drop index {row['name']}"
        found.append(Lock(name, "unique key", (drop,), row["table"]))
        if "(store_id, " in row["says"]:
            narrowed = row["says"].replace("(store_id, ", "(", 1)
            found.append(Lock(f"the store in {name}", "store in a key", (drop, narrowed)))
    return found


def _without_its_store(row: Mapping[str, Any], name: str) -> list[Lock]:
    """Return the same key without the store in it."""
    drop = f"alter table {row['table']} drop constraint {row['name']} cascade"
    columns = ", ".join(row["columns"][1:])
    take: tuple[str, ...]
    match row["kind"]:
        case "f" if row["targets"][0] == row["columns"][0]:
            targets = ", ".join(row["targets"][1:])
            points_at = f"foreign key ({columns}) references {row['target']} ({targets})"
            take = (
                drop,
                f"create unique index on {row['target']} ({targets})",
                f"alter table {row['table']} add constraint {row['name']} {points_at}",
            )
        case "p":
            take = drop, f"alter table {row['table']} add constraint {row['name']} primary key ({columns})"
        case "u":
            take = drop, f"alter table {row['table']} add constraint {row['name']} unique ({columns})"
        case _:
            return []
    return [Lock(f"the store in {name}", "store in a key", take)]


def rights(sql: Sql) -> list[Lock]:
    """Return what the application's role lacks on purpose, each given to it."""
    powers = [f"alter role {_APP} {power}" for power in ("superuser", "bypassrls", "createrole", "createdb")]
    powers += [f"grant pg_read_all_data to {_APP}", f"grant create on schema public to {_APP}"]
    powers += [f"grant {right} on {table} to {_APP}" for table in locks.APPEND_ONLY for right in ("update", "delete")]
    tables = [table.name for table in tables_of_tenants(sql)]
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
    _before: dict[tuple[str, str], set[str]] = field(default_factory=dict)  # what is seen with every lock in its place

    def misses(self, lock: Lock) -> bool:
        """Take a lock away, tell whether a rule misses it, and undo it."""
        looked_at = lock.kind, lock.table
        if looked_at not in self._before:
            self._before[looked_at] = self._seen(*looked_at)
        try:
            for statement in lock.take:
                self._sql(statement)
            return bool(self._seen(*looked_at) - self._before[looked_at])
        finally:
            self.connection.rollback()
            self.connection.connection.rollback()  # SQLAlchemy knows nothing of what went past it

    def _seen(self, kind: str, table: str) -> set[str]:
        rules: Mapping[str, tuple[Callable[[], list[str]], ...]] = {
            "primary key": (lambda: locks.weak_keys(self._sql),),
            "store in a key": (
                lambda: locks.weak_keys(self._sql),
                lambda: locks.indexes_across_stores(self._sql),
                lambda: locks.ownerless_tables(self._sql),
            ),
            "unique key": (lambda: self._drift(table),),
            "foreign key": (lambda: locks.weak_keys(self._sql), lambda: self._drift(table)),
            "CHECK": (lambda: migration_rules.missing_checks(self._sql, self.by_models),),
            "right": (
                lambda: locks.open_policies(self._sql),
                lambda: locks.rights_too_many(self._sql),
                lambda: locks.role_too_strong(self._sql),
                lambda: locks.loose_definers(self._sql),
            ),
        }
        return {offence for rule in rules[kind] for offence in rule()}

    def _drift(self, table: str) -> list[str]:
        return migration_rules.drift(self.connection, self.models, table=table)

    def _sql(self, statement: str, *args: object) -> list[dict[str, Any]]:
        cursor = self.connection.connection.cursor()
        cursor.execute(statement, args)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()] if names else []


@dataclass
class Stores:
    """Two stores that live, and try each other over one connection of the superuser, in a transaction of theirs."""

    asking: Asking
    trying: WithinTransaction

    def misses(self, lock: Lock) -> bool:
        """Take a lock away, tell whether a store sees, writes or is told what it should not, and undo it."""
        self.asking.sql("savepoint before_taking")
        try:
            for statement in lock.take:
                self.asking.sql(statement)
            return bool(self.offences(lock))
        finally:
            self.asking.sql("rollback to savepoint before_taking")

    def offences(self, lock: Lock) -> list[str]:
        """Return what a check of this kind of lock finds at present."""
        if lock.kind == "look-up":
            return self.asking.offences()
        sql, stores = self.asking.sql, (self.asking.mine.store.id, self.asking.theirs.store.id)
        [table] = [one for one in tables_of_tenants(sql) if one.name == f"public.{lock.table}"]
        mine, theirs = two_tenants(sql, table, stores)
        found = list(borders.offences_of_nobody(table, theirs, self.trying))
        return found or list(borders.offences_of_a_tenant(table, mine, theirs, self.trying, sql))
