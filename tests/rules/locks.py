"""What the migrated database says of itself, and the rules that it is held to: three locks on every store-owned table.

Read from PostgreSQL's own catalogue, since only that is what runs: models and migrations are intentions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.database import Sql

APP = "stormcom_app"
LOOKUP = "stormcom_lookup"

# Tables whose rows belong to no store, each with the reason. A new line here is a decision to review.
PLATFORM_TABLES = {
    "public.alembic_version": "which migration the database is at",
    "public.permissions": "what may be allowed, the same for everybody",
    "public.platform_tokens": "operators belong to no store",
    "public.standard_role_permissions": "what the roles allow that every organization has",
    "upkeep.partitioned": "which logs have monthly partitions",
    "upkeep.retention": "how long what is kept, the same for everybody",
}
# Tables that are owned by the tenant that their own id names, and the kind of tenant.
TENANTS = {"public.stores": "store", "public.organizations": "organization", "public.users": "person"}
# The columns that say whose a row is, the first of them that a primary key begins with.
_OWNERS = {"store_id": "store", "organization_id": "organization", "user_id": "person"}

# What was and must stay: the application may add, and never change or remove.
APPEND_ONLY = (
    "audit_archives",
    "audit_blocks",
    "audit_entries",
    "domain_events",
    "inventory_adjustments",
    "published_events",
)

# Indexes that are not led by the store, each with the reason. Unique ones refuse across stores, so they say more.
ACROSS_STORES = {
    "accounts_subject_index_key": "an account at an issuer is looked up before its person is known",
    "carts_due": "the sweep finds the stores that have carts to abandon or expire",
    "customer_tokens_access_key": "a customer's access is looked up before its store is known; a digest is no guess",
    "credentials_digest_key": "a credential is looked up before its store is known; a digest is no guess",
    "invitations_digest_key": "an invitation is looked up before its organization is known; a digest is no guess",
    "organization_members_by_user": "a person's organizations are found by the person",
    "mailed_links_digest_key": "a mailed link is looked up before its person is known; a digest is no guess",
    "sign_in_challenges_digest_key": "half a sign-in is looked up before its person is known; a digest is no guess",
    "sessions_digest_key": "a session is looked up before its person is known; a digest is no guess",
    "jobs_due": "the sweep finds the stores that have jobs to go on with",
    "outbox_by_time": "the sweep finds what any store has waiting",
    "outgoing_messages_due": "the sweep finds the stores that have messages to send",
    "product_summaries_by_key": "each of its lexemes carries the store: what is looked for is found in one store alone",
    "stock_reservations_by_expiry": "the sweep finds the stores that have holds to release",
}

# Foreign keys that lead from one kind of tenant to another, each with the reason.
ABOVE = {"stores_organization_id_fkey": "a store stands below its organization, which opening it makes sure of"}

# SECURITY DEFINER functions that look-ups' role does not own, each with the reason.
OTHER_DEFINERS = {
    "upkeep.make_partitions": "only the tables' owner can make partitions",
    "upkeep.months_past_hot": "the rules of retention are not the application's to read; it tells months",
    "upkeep.drop_archived_month": "only the tables' owner can drop them; it counts first what is archived",
}


@dataclass(frozen=True)
class Table:
    """A table as PostgreSQL has it; `name` with its schema."""

    oid: int
    name: str
    columns: tuple[str, ...]
    secured: bool
    forced: bool
    led_by: str | None  # the first column of its primary key

    @property
    def owner_column(self) -> str | None:
        """The column that says whose a row is; none for what belongs to no tenant."""
        if self.name in TENANTS:
            return "id"
        if "store_id" in self.columns:
            return "store_id"
        return self.led_by if self.led_by in _OWNERS else None

    @property
    def owner(self) -> str | None:
        """What kind of tenant a row belongs to: a store, an organization, a person."""
        return TENANTS.get(self.name) or _OWNERS.get(self.owner_column or "")


_TABLES = """
select c.oid::int as oid, n.nspname || '.' || c.relname as name, c.relrowsecurity as secured,
       c.relforcerowsecurity as forced,
       (select attname::text from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
        where i.indrelid = c.oid and i.indisprimary) as led_by,
       array(select attname::text from pg_attribute
             where attrelid = c.oid and attnum > 0 and not attisdropped) as columns
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition
  and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pg_temp%'
order by name
"""
_KEYS = """
select conname::text as name, contype::text as kind, conrelid::int as table, confrelid::int as target,
       array(select attname::text from unnest(conkey) with ordinality k (n, o)
             join pg_attribute on attrelid = conrelid and attnum = n order by o) as columns,
       array(select attname::text from unnest(confkey) with ordinality k (n, o)
             join pg_attribute on attrelid = confrelid and attnum = n order by o) as targets
from pg_constraint where contype in ('p', 'f') and conparentid = 0 order by name
"""
_INDEXES = """
select i.indrelid::int as table, c.relname::text as name, i.indisunique as unique, m.amname::text as method,
       (select attname::text from pg_attribute where attrelid = i.indrelid and attnum = i.indkey[0]) as first
from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am m on m.oid = c.relam order by name
"""
_POLICIES = """
select polrelid::int as table, polname::text as name, polcmd::text as command, polpermissive as permissive,
       array(select coalesce(rolname::text, 'public')
             from unnest(polroles) r (o) left join pg_roles on oid = o) as roles,
       pg_get_expr(polqual, polrelid) as seen, pg_get_expr(polwithcheck, polrelid) as written
from pg_policy order by name
"""
_RIGHTS = f"""
select c.oid::int as table, n.nspname || '.' || c.relname as name, p.held, c.relispartition as partition,
       c.relkind::text as kind
from pg_class c join pg_namespace n on n.oid = c.relnamespace,
     unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) as p (held)
where c.relkind in ('r', 'p', 'v', 'm') and n.nspname not in ('pg_catalog', 'information_schema')
  and (has_table_privilege('{APP}', c.oid, p.held)
       or p.held in ('SELECT', 'INSERT', 'UPDATE') and has_any_column_privilege('{APP}', c.oid, p.held))
order by 2, 3
"""


def tables(sql: Sql) -> list[Table]:
    """Return every table but the partitions, which are their parent's."""
    return [
        Table(row["oid"], row["name"], tuple(row["columns"]), row["secured"], row["forced"], row["led_by"])
        for row in sql(_TABLES)
    ]


def _owned(sql: Sql) -> dict[int, Table]:
    return {table.oid: table for table in tables(sql) if table.owner_column is not None}


def ownerless_tables(sql: Sql) -> list[str]:
    """Return the tables that belong to no store and are not on the reviewed list."""
    return [
        f"{table.name}: has no store_id. Every table of a store carries it, children too; one that belongs to no store "
        "joins PLATFORM_TABLES with its reason."
        for table in tables(sql)
        if table.owner_column is None and table.name not in PLATFORM_TABLES
    ]


def weak_keys(sql: Sql) -> list[str]:
    """Return where the third lock is open: a primary, foreign or unique key that could cross stores."""
    owned, offences = _owned(sql), []
    rows = sql(_KEYS)
    led = {row["table"] for row in rows if row["kind"] == "p" and row["columns"][:1] == ["store_id"]}
    keyed = {row["table"] for row in rows if row["kind"] == "p"}
    for oid, table in owned.items():
        if oid not in led and table.owner_column == "store_id":
            offences.append(f"{table.name}: its primary key is led by store_id: primary key (store_id, id).")
    offences += [
        f"{table.name}: has no primary key, so one row could stand there twice."
        for table in tables(sql)
        if table.oid not in keyed and table.owner_column != "store_id"
    ]
    for row in rows:
        source, target = owned.get(row["table"]), owned.get(row["target"])
        if row["kind"] != "f" or source is None or target is None:
            continue
        pairs = list(zip(row["columns"], row["targets"], strict=True))
        if (source.owner_column, target.owner_column) not in pairs and row["name"] not in ABOVE:
            offences.append(
                f"{source.name}: foreign key {row['name']} could point at another store's row. Put the store in it: "
                f"foreign key (store_id, ...) references {target.name} (store_id, ...).",
            )
    return offences


def indexes_across_stores(sql: Sql) -> list[str]:
    """Return the indexes of store-owned tables that are not led by the store, but for the reviewed ones."""
    owned = _owned(sql)
    return [
        f"{owned[row['table']].name}: index {row['name']} is led by {row['first']}. Lead it by store_id: no query of a "
        "tenant can use it otherwise, and a unique one would refuse what another store has. One that a sweep across "
        "stores needs joins ACROSS_STORES with its reason."
        for row in sql(_INDEXES)
        if row["table"] in owned
        and owned[row["table"]].owner_column != "id"
        and row["first"] != owned[row["table"]].owner_column
        and row["name"] not in ACROSS_STORES
    ]


def open_policies(sql: Sql) -> list[str]:
    """Return where the second lock is open: row-level security that is missing, not forced, or too wide."""
    offences, policies = [], sql(_POLICIES)
    for oid, table in _owned(sql).items():
        if not (table.secured and table.forced):
            offences.append(f"{table.name}: row-level security is not enabled and forced. Call tenancy.protect.")
        theirs = [one for one in policies if one["table"] == oid and {APP, "public"} & set(one["roles"])]
        if not any(one["command"] == "*" and _compares(one["seen"]) and _compares(one["written"]) for one in theirs):
            offences.append(f"{table.name}: {APP} has no policy with USING and WITH CHECK. Call tenancy.protect.")
        offences += [
            f"{table.name}: policy {one['name']} lets {APP} past its store. Narrow it, or give it to {LOOKUP}."
            for one in theirs
            if one["permissive"] and not all(_compares(said) for said in (one["seen"], one["written"]) if said)
        ]
    return offences


def _compares(expression: str | None) -> bool:
    return expression is not None and "app.store_id" in expression and " OR " not in expression.upper()


def rights_too_many(sql: Sql) -> list[str]:
    """Return what the application's role may do and must not."""
    offences = [
        f"{row['name']}: {APP} holds {row['held']}. Rows are what it works on; tables are the owner's."
        for row in sql(_RIGHTS)
        if row["held"] in ("TRUNCATE", "REFERENCES", "TRIGGER")
    ]
    offences += [
        f"{row['name']}: {APP} holds {row['held']} on append-only history. Grant tenancy.APPEND_ONLY."
        for row in sql(_RIGHTS)
        if row["held"] in ("UPDATE", "DELETE") and row["name"].removeprefix("public.") in APPEND_ONLY
    ]
    offences += [
        f"{row['name']}: {APP} reaches a partition past its parent's policy. Grant on the parent alone."
        for row in sql(_RIGHTS)
        if row["partition"]
    ]
    offences += [
        f"{row['name']}: a materialized view keeps every store's rows and has no policy. Make it a table."
        for row in sql(_RIGHTS)
        if row["kind"] == "m"
    ]
    return offences


def role_too_strong(sql: Sql, role: str = APP) -> list[str]:
    """Return the powers by which a role could step over row-level security."""
    facts = sql(
        """
        select r.rolsuper as "superuser", r.rolbypassrls as "bypassrls", r.rolcreaterole as "createrole",
               r.rolcreatedb as "createdb", r.rolreplication as "replication",
               exists (select 1 from pg_auth_members m where m.member = r.oid) as "membership in another role",
               exists (select 1 from pg_class c where c.relowner = r.oid) as "ownership of tables",
               exists (select 1 from pg_proc p where p.proowner = r.oid) as "ownership of functions",
               exists (select 1 from pg_namespace n where n.nspname not like 'pg_temp%%'
                       and has_schema_privilege(r.oid, n.oid, 'CREATE')) as "create in a schema"
        from pg_roles r where r.rolname = %s
        """,
        role,
    )
    if not facts:
        return [f"{role}: there is no such role."]
    return [f"{role}: has {power}. It owns nothing and passes nothing." for power, has in facts[0].items() if has]


def leaking_views(sql: Sql) -> list[str]:
    """Return the views that read as their owner, whom no policy binds as it binds the application."""
    rows = sql(
        """
        select n.nspname || '.' || c.relname as name, coalesce(array_to_string(c.reloptions, ','), '') as options
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'v' and n.nspname not in ('pg_catalog', 'information_schema') order by 1
        """,
    )
    return [
        f"{row['name']}: reads as its owner. Create it with (security_invoker = true)."
        for row in rows
        if not {"security_invoker=true", "security_invoker=on"} & set(row["options"].split(","))
    ]


def loose_definers(sql: Sql) -> list[str]:
    """Return the SECURITY DEFINER functions that anybody may call, or steer by a schema or a table of their own."""
    rows = sql(
        """
        select n.nspname || '.' || p.proname as name, r.rolname::text as owner,
               coalesce(p.proconfig, '{}') as settings, has_function_privilege('public', p.oid, 'EXECUTE') as anybodys
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_roles r on r.oid = p.proowner
        where p.prosecdef and n.nspname <> 'pg_catalog' order by 1
        """,
    )
    return [offence for row in rows for offence in _looseness(row)]


def _looseness(row: dict[str, Any]) -> Sequence[str]:
    name, offences = row["name"], []
    if row["owner"] != LOOKUP and name not in OTHER_DEFINERS:
        offences.append(f"{name}: owned by {row['owner']}. Look-ups belong to {LOOKUP}: tenancy.look_up_function.")
    path = next((one for one in row["settings"] if one.startswith("search_path=")), "")
    if not path.endswith("pg_temp"):  # unless it is named last, PostgreSQL looks there first
        offences.append(f"{name}: a temporary table could stand in for a real one. End its search_path with pg_temp.")
    if row["anybodys"]:
        offences.append(f"{name}: PUBLIC may call it. Revoke that, and grant it to {APP}.")
    return offences
