"""The rules about migrations: what their files say, and what a database has once they ran."""

import ast
import re
from collections.abc import Iterable, Mapping
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Connection, Enum, MetaData, Text, text
from sqlalchemy.types import TypeEngine

from tests.database import Sql
from tests.rules.sources import Source

SECTIONS = ("Why:", "Considered instead:", "Going back:", "Locks:")
_FILE_NAME = re.compile(r"(?P<revision>20\d\d_[01]\d_[0-3]\d_[0-2]\d[0-5]\d)_[a-z]+(?:_[a-z0-9]+)+\.py")

# What a schema is, one query a kind of thing; the names of partitions are those of their months, so they are left out.
_SCHEMA: Mapping[str, str] = {
    "column": """
        select table_schema || '.' || table_name || '.' || column_name as name,
               concat_ws(' ', data_type, udt_name, is_nullable, column_default, ordinal_position) as shape
        from information_schema.columns""",
    "constraint": """
        select coalesce(conrelid::regclass::text, '') || '.' || conname as name, pg_get_constraintdef(oid) as shape
        from pg_constraint""",
    "index": "select schemaname || '.' || indexname as name, indexdef as shape from pg_indexes",
    "policy": """
        select schemaname || '.' || tablename || '.' || policyname as name,
               concat_ws(' ', cmd, permissive, array_to_string(roles, ','), qual, with_check) as shape
        from pg_policies""",
    "function": """
        select oid::regprocedure::text as name,
               pg_get_functiondef(oid) || coalesce(proacl::text, '') || proowner::regrole::text as shape
        from pg_proc where prokind in ('f', 'p')
        and pronamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
        and not exists (select 1 from pg_depend d where d.objid = pg_proc.oid and d.deptype = 'e')""",
    "relation": """
        select oid::regclass::text as name,
               concat_ws(' ', relkind::text, relrowsecurity, relforcerowsecurity, relacl::text, relowner::regrole::text,
                         array_to_string(reloptions, ',')) as shape
        from pg_class where relkind in ('r', 'p', 'v', 'm', 'S')
        and relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)""",
    "trigger": """
        select tgrelid::regclass::text || '.' || tgname as name, pg_get_triggerdef(oid) as shape
        from pg_trigger where not tgisinternal""",
    "type": """
        select n.nspname || '.' || t.typname as name,
               concat_ws(' ', t.typtype::text, (select string_agg(enumlabel, ',' order by enumsortorder)
                                                from pg_enum where enumtypid = t.oid)) as shape
        from pg_type t join pg_namespace n on n.oid = t.typnamespace where t.typtype in ('e', 'd')""",
    "schema": "select nspname::text as name, coalesce(nspacl::text, '') as shape from pg_namespace",
    "extension": "select extname::text as name, extversion as shape from pg_extension",
}
_CHECKS = """
select conrelid::regclass::text as table, pg_get_constraintdef(oid) as says
from pg_constraint where contype = 'c' and conrelid <> 0 and connamespace = 'public'::regnamespace
"""
_OF_POSTGRES = re.compile(r"^(pg_|information_schema|cardinal_number|.*alembic_version)")


def silent(sources: Iterable[Source]) -> list[str]:
    """Return the migrations that do not explain themselves, are misnamed, or do not go back."""
    return [f"{source.path}: {complaint}" for source in sources for complaint in _complaints(source)]


def _complaints(source: Source) -> list[str]:
    complaints = []
    named = _FILE_NAME.fullmatch(source.path.name)
    if named is None:
        complaints.append("is named by the minute and a verb: 2026_11_21_1030_add_refunds.py.")
    docstring = ast.get_docstring(source.tree) or ""
    missing = [section for section in SECTIONS if not re.search(rf"^{section} *\S", docstring, re.MULTILINE)]
    if missing:
        complaints.append(f"its docstring is the decision record; it does not say {', '.join(missing)}")
    assigned = {
        target.id: node.value.value
        for node in source.tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    if named is not None and assigned.get("revision") != named["revision"]:
        complaints.append(f"its revision is its minute: revision = {named['revision']!r}.")
    complaints += [
        f"{way} does nothing. Every migration goes forth and back."
        for way in ("upgrade", "downgrade")
        if not any(_calls(node) for node in source.tree.body if isinstance(node, ast.FunctionDef) and node.name == way)
    ]
    return complaints


def _calls(function: ast.FunctionDef) -> bool:
    return any(isinstance(node, ast.Call) for node in ast.walk(function))


def schema(sql: Sql) -> set[str]:
    """Return everything that migrations make in a database, one line each."""
    partitions = {row["name"] for row in sql("select oid::regclass::text as name from pg_class where relispartition")}
    return {
        f"{kind} {row['name']}: {row['shape']}"
        for kind, query in _SCHEMA.items()
        for row in sql(query)
        if not _OF_POSTGRES.match(row["name"]) and not partitions & _owners(row["name"])
    }


def _owners(name: str) -> set[str]:
    bare = name.removeprefix("public.")
    return {bare, bare.split(".")[0]}


def drift(migrated: Connection, metadata: MetaData, *, table: str | None = None) -> list[str]:
    """Return where the migrated schema and the models differ: tables, columns, types, defaults, keys, indexes.

    With `table`, in this one alone.
    """
    partitions = {
        name
        for (name,) in migrated.exec_driver_sql("select relname::text from pg_class where relispartition").fetchall()
    }

    def is_modelled(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "table" or (name not in partitions and name != "alembic_version" and table in (None, name))

    def is_asked_for(_thing: object, name: str | None, kind: str, _reflected: object, _other: object) -> bool:
        return kind != "table" or table in (None, name)

    context = MigrationContext.configure(
        migrated,
        opts={"compare_type": _differs, "include_name": is_modelled, "include_object": is_asked_for},
    )
    return [
        f"{' '.join(map(str, one[:4])) if isinstance(one, tuple) else one}: write the migration, or mend the model."
        for one in compare_metadata(context, metadata)
    ]


def _differs(
    _context: MigrationContext,
    _inspected: Column[Any],
    _modelled: Column[Any],
    there: TypeEngine[Any],
    declared: TypeEngine[Any],
) -> bool | None:
    """Let an enumeration of Python's be text in the database; a CHECK says which. Alembic decides on the rest."""
    if isinstance(declared, Enum) and not declared.native_enum and isinstance(there, Text):
        return False
    return None


def missing_checks(migrated: Sql, from_models: Sql) -> list[str]:
    """Return the CHECKs that the models declare and the migrated database lacks.

    PostgreSQL words both; casts and brackets aside, in which text and varchar differ.
    """
    there, declared = ({(row["table"], _bare(row["says"])) for row in sql(_CHECKS)} for sql in (migrated, from_models))
    return [f"{table}: the database lacks {says}. Write the migration." for table, says in sorted(declared - there)]


def _bare(check: str) -> str:
    return re.sub(r"::(?:character varying|text)(?:\[\])?|[()]", "", check)


def create(models: MetaData, connection: Connection) -> None:
    """Create what the models declare in an empty database, with the extensions and functions that indexes need."""
    for extension in ("pg_trgm", "btree_gin"):
        connection.execute(text(f"create extension {extension}"))
    keys = "create function search_keys(uuid, boolean, tsvector) returns tsvector language sql immutable return $3"
    connection.execute(text(keys))
    models.create_all(connection)
    connection.commit()
