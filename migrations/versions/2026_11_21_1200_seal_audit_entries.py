"""Seal audit entries: what waits to be sealed, each tenant's chain of blocks, archives, and the rules of retention.

Why: a row that only its own hash protects can be removed, or rewritten with its hash. A block names its rows with their
hashes, names the block before it, and carries a MAC by a key that the database never sees.
Considered instead: a link from row to row, made in the business transaction (the tenant's last row would be locked by
every change until its commit, 150 to 500 changes a second at best); one chain for all tenants (a merchant could not
take theirs along, and every sealing would queue behind one row); a mark in the entry itself (it may not be updated, and
a claim needs that); a trigger that notes what is unsealed (dearer than a part of the statement that writes it anyway).
`unsealed_entries` is what the sealer claims and deletes, as `outbox` is for the relay. Months are dropped by a function
with the owner's rights that first counts, for each tenant, whether all of its rows are in its archives.
Going back: drops the tables and with them every chain; entries stay. Archives and digests in the object store stay.
Locks: writing waits while the log's indexes for its readers are built, a minute for each ten million entries; past that
build them concurrently on each partition first, and attach. Entries that are there already are noted as unsealed in one
insert. What the code of before writes until it is replaced is never sealed, and a verification says so.
"""

from alembic import op

from migrations import tenancy

revision = "2026_11_21_1200"
down_revision = "2026_11_21_1159"
branch_labels = None
depends_on = None

INDEXES = {
    "audit_entries_by_actor": "store_id, actor_id, id",
    "audit_entries_by_action": "store_id, action, id",
}

# A UUIDv7 begins with its time: 48 bits of milliseconds since 1970.
_BOUND = "(lpad(to_hex((extract(epoch from {}) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid"


def upgrade() -> None:
    """Apply."""
    tenancy.let_look_up("audit_entries", ("store_id", "id"))
    for name, columns in INDEXES.items():
        op.execute(f"create index {name} on audit_entries ({columns})")
    op.execute("create index audit_entries_marked on audit_entries (store_id, severity, id) where severity <> 'info'")
    _make_unsealed()
    _make_blocks()
    _make_archives()
    _make_retention()


def downgrade() -> None:
    """Take back."""
    op.execute("drop function upkeep.drop_archived_month(text, date)")
    op.execute("drop function upkeep.months_past_hot(text)")
    op.execute("drop table upkeep.retention")
    for function in (
        "unarchived_tenants",
        "tenants_with_entries",
        "tenants_with_chains",
        "oldest_unsealed_entry",
        "tenants_with_unsealed_entries",
    ):
        tenancy.drop_look_up_function(function)
    for table in ("audit_archives", "audit_blocks", "unsealed_entries"):
        op.execute(f"drop table {table}")
    for name in (*INDEXES, "audit_entries_marked"):
        op.execute(f"drop index {name}")
    op.execute("drop policy lookup on audit_entries")
    op.execute(f"revoke select (store_id, id) on audit_entries from {tenancy.LOOKUP}")


def _make_unsealed() -> None:
    op.execute("create table unsealed_entries (store_id uuid not null, id uuid not null, primary key (store_id, id))")
    # Forced row-level security shows the owner nothing; whoever looks things up sees the ids of all entries.
    op.execute(f"grant insert on unsealed_entries to {tenancy.LOOKUP}")
    op.execute(f"set local role {tenancy.LOOKUP}")
    op.execute("insert into unsealed_entries (store_id, id) select store_id, id from audit_entries")
    op.execute("reset role")
    op.execute(f"revoke insert on unsealed_entries from {tenancy.LOOKUP}")
    tenancy.protect("unsealed_entries", rights=("select", "insert", "delete"))
    tenancy.let_look_up("unsealed_entries", ("store_id", "id"))
    tenancy.look_up_function(
        "tenants_with_unsealed_entries(most integer)",
        "setof uuid",
        "select distinct store_id from unsealed_entries limit most",
    )
    tenancy.look_up_function(
        "oldest_unsealed_entry()", "timestamptz", "select min(uuid_extract_timestamp(id)) from unsealed_entries"
    )


def _make_blocks() -> None:
    op.execute("""
        create table audit_blocks (
            store_id uuid not null,
            number bigint not null,
            previous_hash bytea not null,
            root bytea not null,
            entry_ids uuid[] not null,
            entry_hashes bytea not null,
            row_count bigint not null,
            first_id uuid not null,
            last_id uuid not null,
            sealed_at timestamptz not null,
            key_version bigint not null,
            hash bytea not null,
            mac bytea not null,
            primary key (store_id, number),
            constraint audit_blocks_number_from_one check (number >= 1),
            constraint audit_blocks_rows_add_up check (
                row_count between 1 and 1000
                and cardinality(entry_ids) = row_count and length(entry_hashes) = 32 * row_count
            )
        )
    """)
    op.execute("create index audit_blocks_by_last_id on audit_blocks (store_id, last_id)")
    op.execute("create index audit_blocks_first on audit_blocks (store_id) where number = 1")
    tenancy.protect("audit_blocks", rights=tenancy.APPEND_ONLY)
    tenancy.let_look_up("audit_blocks", ("store_id", "number"))
    tenancy.look_up_function(
        "tenants_with_chains(last uuid, most integer)",
        "setof uuid",
        "select store_id from audit_blocks where number = 1 and store_id > last order by store_id limit most",
    )


def _make_archives() -> None:
    op.execute("""
        create table audit_archives (
            store_id uuid not null,
            month date not null,
            part bigint not null,
            first_id uuid not null,
            last_id uuid not null,
            row_count bigint not null,
            size bigint not null,
            sha256 bytea not null,
            archived_at timestamptz not null,
            primary key (store_id, month, part)
        )
    """)
    tenancy.protect("audit_archives", rights=tenancy.APPEND_ONLY)
    tenancy.let_look_up("audit_archives", ("store_id", "month", "row_count"))
    # From tenant to tenant by the index, not over every row of the month.
    step = (
        "select store_id from audit_entries "
        "where store_id > {} and id >= beginning and id < ending order by store_id limit 1"
    )
    tenancy.look_up_function(
        "tenants_with_entries(beginning uuid, ending uuid, last uuid, most integer)",
        "setof uuid",
        f"""with recursive tenant as (
                ({step.format("last")})
                union all
                select ({step.format("tenant.store_id")}) from tenant where tenant.store_id is not null
            )
            select store_id from tenant where store_id is not null limit most""",
    )
    tenancy.look_up_function(
        "unarchived_tenants(beginning uuid, ending uuid, of_month date)",
        "bigint",
        """select count(*) from (
               select store_id, count(*) as there from audit_entries
               where id >= beginning and id < ending group by store_id
           ) present left join (
               select store_id, sum(row_count) as kept from audit_archives where month = of_month group by store_id
           ) archived using (store_id)
           where there is distinct from kept""",
    )


def _make_retention() -> None:
    op.execute("""
        create table upkeep.retention (
            dataset text primary key,
            log text not null,
            hot_months integer not null check (hot_months >= 1),
            kept_months integer not null check (kept_months > hot_months)
        )
    """)
    op.execute("insert into upkeep.retention values ('audit', 'audit_entries', 6, 24)")
    op.execute("""
        create function upkeep.months_past_hot(wanted text) returns setof date
        language sql stable security definer set search_path = public, pg_temp as $function$
            select month from upkeep.retention r
            join pg_inherits i on i.inhparent = to_regclass(r.log)
            join pg_class c on c.oid = i.inhrelid and c.relname ~ ('^' || r.log || '_[0-9]{4}_[0-9]{2}$')
            cross join lateral (select to_date(right(c.relname, 7), 'YYYY_MM') as month) named
            where r.dataset = wanted
              and month + make_interval(months => r.hot_months + 1) <= now() at time zone 'UTC'
            order by month
        $function$
    """)
    op.execute(f"""
        create function upkeep.drop_archived_month(wanted text, of_month date) returns bigint
        language plpgsql security definer set search_path = public, pg_temp as $function$
        declare
            rule upkeep.retention%rowtype;
            part text;
            missing bigint;
            beginning timestamptz := of_month::timestamp at time zone 'UTC';
            ending timestamptz := (of_month + interval '1 month') at time zone 'UTC';
        begin
            select * into strict rule from upkeep.retention where dataset = wanted;
            part := rule.log || '_' || to_char(of_month, 'YYYY_MM');
            if of_month not in (select upkeep.months_past_hot(wanted)) then
                raise exception '% is not to be dropped now', part using errcode = 'check_violation';
            end if;
            -- Reading goes on while it counts; nobody waits in the queue of the log's lock for longer than this.
            perform set_config('lock_timeout', '500ms', true);
            execute format('lock table only %I in share mode', part);
            missing := case wanted when 'audit' then lookup.unarchived_tenants(
                {_BOUND.format("beginning")}, {_BOUND.format("ending")}, of_month) end;
            if missing = 0 then
                execute format('lock table only %I in access exclusive mode', rule.log);
                execute format('drop table %I', part);
            end if;
            return missing;
        end $function$
    """)
    for function in ("months_past_hot(text)", "drop_archived_month(text, date)"):
        op.execute(f"revoke all on function upkeep.{function} from public")
        op.execute(f"grant execute on function upkeep.{function} to {tenancy.APP}")
