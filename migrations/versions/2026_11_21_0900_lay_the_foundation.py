"""Lay the foundation: roles, events and their outbox, audit entries, idempotency, partitions.

Why: every domain's tables stand on a role that owns nothing and cannot pass row-level security, on look-ups across
stores that return ids alone, and on history that the application can only add to.
Considered instead: views for the look-ups (a view of the owner shows all tenants; one of the invoker shows none); a
store-wide sequence given in the business transaction (its row would be locked until the commit); time partitions for
idempotency keys (a primary key with the time in it cannot refuse a second occurrence next month).
Going back: drops everything; only sensible on an empty database.
Locks: none; all tables are new.
"""

from alembic import op

from migrations import tenancy

revision = "2026_11_21_0900"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "consumed_events",
    "idempotency_keys",
    "audit_entries",
    "event_sequences",
    "published_events",
    "outbox",
    "domain_events",
)


def upgrade() -> None:
    """Apply."""
    _make_roles()
    _make_upkeep()
    _make_state_guard()
    _make_events()
    _make_audit()
    _make_idempotency()
    tenancy.let_look_up("outbox", ("store_id", "id", "recorded_at", "claimed_until"))
    tenancy.look_up_function(
        "stores_with_events(before timestamptz, present timestamptz, most integer)",
        "setof uuid",
        """select distinct store_id from outbox
           where recorded_at < before and (claimed_until is null or claimed_until < present) limit most""",
    )
    tenancy.look_up_function("oldest_waiting_event()", "timestamptz", "select min(recorded_at) from outbox")


def downgrade() -> None:
    """Take back. The roles stay: they belong to the server, and other databases may use them."""
    op.execute("drop schema lookup cascade")
    for table in TABLES:
        op.execute(f"drop table {table}")
    op.execute("drop function allow_steps")
    op.execute("drop schema upkeep cascade")
    op.execute(f"revoke usage on schema public from {tenancy.APP}, {tenancy.LOOKUP}")


def _make_roles() -> None:
    for role, options in ((tenancy.APP, "login"), (tenancy.LOOKUP, "nologin")):
        op.execute(
            f"do $$ begin create role {role} {options} nosuperuser nobypassrls nocreatedb nocreaterole; "
            "exception when duplicate_object or unique_violation then null; end $$",
        )
    op.execute(f"grant {tenancy.LOOKUP} to current_user with inherit true, set true")
    # RDS Proxy takes no settings at connect, so they stand on the role. UTC: no statement depends on the server's zone.
    # Databases of one server share the role: whoever finds it being altered by another tries again.
    op.execute(f"""
        do $$ declare tries integer := 0; begin loop begin
            alter role {tenancy.APP} set timezone = 'UTC';
            alter role {tenancy.APP} set statement_timeout = '10s';
            alter role {tenancy.APP} set lock_timeout = '2s';
            alter role {tenancy.APP} set idle_in_transaction_session_timeout = '20s';
            exit;
        exception when internal_error then
            tries := tries + 1;
            if tries > 100 then raise; end if;
            perform pg_sleep(0.05);
        end; end loop; end $$
    """)
    op.execute("revoke create on schema public from public")
    op.execute(f"grant usage on schema public to {tenancy.APP}, {tenancy.LOOKUP}")
    op.execute(f"create schema lookup authorization {tenancy.LOOKUP}")
    op.execute(f"grant usage on schema lookup to {tenancy.APP}")


def _make_upkeep() -> None:
    """Partitions need the owner's rights; the application gets one function that can make them, and nothing else."""
    op.execute("create schema upkeep")
    op.execute(f"grant usage on schema upkeep to {tenancy.APP}")
    op.execute("create table upkeep.partitioned (name text primary key)")
    op.execute("""
        create function upkeep.make_partitions_of(log text, months_ahead integer) returns integer
        language plpgsql set search_path = public, pg_temp as $function$
        declare
            month timestamptz := date_trunc('month', now(), 'UTC');
            last timestamptz := date_trunc('month', now(), 'UTC') + make_interval(months => months_ahead);
            made integer := 0;
            part text;
            bounds uuid[];
        begin
            while month <= last loop
                part := log || '_' || to_char(month at time zone 'UTC', 'YYYY_MM');
                if to_regclass(part) is null then
                    -- A UUIDv7 begins with its time: 48 bits of milliseconds since 1970.
                    select array_agg((lpad(to_hex((extract(epoch from edge) * 1000)::bigint), 12, '0')
                                      || repeat('0', 20))::uuid order by edge)
                    into bounds
                    from unnest(array[month, month + interval '1 month']) as edge;
                    execute format('create table %I partition of %I for values from (%L) to (%L)',
                                   part, log, bounds[1], bounds[2]);
                    made := made + 1;
                end if;
                month := month + interval '1 month';
            end loop;
            return made;
        end $function$
    """)
    op.execute("""
        create function upkeep.make_partitions(months_ahead integer) returns integer
        language sql security definer set search_path = public, pg_temp as $function$
            select coalesce(sum(upkeep.make_partitions_of(name, least(months_ahead, 24))), 0)::integer
            from upkeep.partitioned
        $function$
    """)
    for function in ("make_partitions_of(text, integer)", "make_partitions(integer)"):
        op.execute(f"revoke all on function upkeep.{function} from public")
    op.execute(f"grant execute on function upkeep.make_partitions(integer) to {tenancy.APP}")


def _make_state_guard() -> None:
    """Make the trigger for columns that hold a state: it lets the steps that its arguments name pass, and no others."""
    op.execute("""
        create function allow_steps() returns trigger language plpgsql as $function$
        declare
            name text := tg_argv[0];
            before text := case when tg_op = 'UPDATE' then to_jsonb(old) ->> name else '' end;
            after text := to_jsonb(new) ->> name;
        begin
            if before is distinct from after and not (before || '>' || after) = any (tg_argv[1:]) then
                raise exception '%.% cannot become % from %', tg_table_name, name, after, before
                    using errcode = 'check_violation', constraint = tg_table_name || '_' || name || '_steps';
            end if;
            return new;
        end $function$
    """)


def _make_events() -> None:
    op.execute("""
        create table domain_events (
            store_id uuid not null,
            id uuid not null,
            type text not null,
            entity text not null,
            entity_id uuid not null,
            entity_version bigint not null,
            payload jsonb not null,
            correlation_id text not null,
            actor_kind text not null,
            actor_id text,
            occurred_at timestamptz not null,
            primary key (store_id, id)
        ) partition by range (id)
    """)
    op.execute("create index domain_events_by_entity on domain_events (store_id, entity, entity_id, entity_version)")
    tenancy.protect("domain_events", rights=tenancy.APPEND_ONLY)
    tenancy.partition_by_month("domain_events")
    op.execute("""
        create table outbox (
            store_id uuid not null,
            id uuid not null,
            recorded_at timestamptz not null,
            claimed_until timestamptz,
            sequence bigint,
            primary key (store_id, id)
        )
    """)
    op.execute("create index outbox_by_time on outbox (recorded_at, store_id)")
    tenancy.protect("outbox")
    op.execute("""
        create table published_events (
            store_id uuid not null,
            sequence bigint not null,
            event_id uuid not null,
            primary key (store_id, sequence)
        )
    """)
    tenancy.protect("published_events", rights=tenancy.APPEND_ONLY)
    op.execute("""
        create table event_sequences (
            store_id uuid primary key,
            last bigint not null default 0
        )
    """)
    tenancy.protect("event_sequences", rights=("select", "insert", "update"))
    op.execute("""
        create table consumed_events (
            store_id uuid not null,
            consumer text not null,
            event_id uuid not null,
            consumed_at timestamptz not null,
            primary key (store_id, consumer, event_id)
        )
    """)
    op.execute("create index consumed_events_by_time on consumed_events (store_id, consumed_at)")
    tenancy.protect("consumed_events", rights=("select", "insert", "delete"))


def _make_audit() -> None:
    op.execute("""
        create table audit_entries (
            store_id uuid not null,
            id uuid not null,
            at timestamptz not null,
            actor_kind text not null,
            actor_id text,
            action text not null,
            entity text not null,
            entity_id uuid not null,
            before jsonb,
            after jsonb,
            severity text not null,
            correlation_id text not null,
            request_id text,
            ip bytea,
            user_agent text,
            row_hash bytea not null,
            primary key (store_id, id)
        ) partition by range (id)
    """)
    op.execute("create index audit_entries_by_entity on audit_entries (store_id, entity, entity_id, id)")
    tenancy.protect("audit_entries", rights=tenancy.APPEND_ONLY)
    tenancy.partition_by_month("audit_entries")


def _make_idempotency() -> None:
    op.execute("""
        create table idempotency_keys (
            store_id uuid not null,
            caller text not null,
            route text not null,
            key text not null,
            fingerprint bytea not null,
            status bigint,
            answer bytea,
            expires_at timestamptz not null,
            primary key (store_id, caller, route, key)
        )
    """)
    op.execute("create index idempotency_keys_by_expiry on idempotency_keys (store_id, expires_at)")
    tenancy.protect("idempotency_keys")
