"""Let people in: users, their sessions, the organizations they are members of, roles, permissions and exceptions.

Why: who works for a shop is a person with one identity, many organizations and stores, and in each of these a role.
What somebody may do is resolved where the rows lie, by the look-up that knows their session or token, in one statement.
An organization and a person are tenants like a store: each row is theirs, and the same policy, by the same setting,
closes it to everybody else.
Considered instead: settings of their own for organizations and persons (three walls to get right instead of one, and a
session that is bound to two at once); members as rows of the store (an organization of twelve stores would keep twelve
of each); permissions as an array on the role (no limit of amount to it, and no key that refuses a code that is none).
Going back: drops the tables; every person and their membership with them. Tokens lose who made them.
Locks: `credentials` and `organizations` for an instant each, for columns without a default and a policy.
"""

from alembic import op

from migrations import tenancy

revision = "2026_11_21_1150"
down_revision = "2026_11_21_1145"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    _make_people()
    _make_organizations()
    _widen_credentials()
    _make_look_ups()


def downgrade() -> None:
    """Take back."""
    for name in (
        "api_token",
        "publishable_key",
        "staff_session",
        "granted",
        "memberships",
        "user_by_email",
        "enterable_stores",
        "stores_of_organization",
    ):
        tenancy.drop_look_up_function(name)
    op.execute(f"revoke select (organization_id) on stores from {tenancy.LOOKUP}")
    op.execute(
        "alter table credentials drop column created_by, drop column allowed_addresses, drop column last_used_at"
    )
    tables = ("permission_overrides", "role_permissions", "organization_members", "roles", "sessions", "users")
    for table in tables:
        op.execute(f"drop table {table}")
    op.execute("drop policy tenant on organizations")
    op.execute("drop policy lookup on organizations")
    op.execute("alter table organizations no force row level security, disable row level security")
    op.execute("alter table organizations drop column version, drop column updated_at")
    op.execute(f"revoke all on organizations from {tenancy.APP}")
    tenancy.allow("organizations", ("insert",))
    tenancy.look_up_function(*_credential_as_it_was())


def _make_people() -> None:
    op.execute("""
        create table users (
            id uuid primary key,
            email bytea not null,
            email_index bytea not null unique,
            name bytea not null,
            locale text not null default 'en',
            password_hash text,
            password_changed_at timestamptz,
            email_verified_at timestamptz,
            disabled_at timestamptz,
            version bigint not null default 1,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            deleted_at timestamptz
        )
    """)
    tenancy.protect("users", rights=("select", "insert", "update"), store_column="id")
    tenancy.let_look_up("users", ("id", "email_index", "disabled_at", "deleted_at"))
    op.execute("""
        create table sessions (
            user_id uuid not null references users (id),
            id uuid not null,
            digest bytea not null unique,
            organization_id uuid,
            entered_store_id uuid,
            has_second_factor boolean not null default false,
            proven_at timestamptz not null,
            created_at timestamptz not null,
            last_seen_at timestamptz not null,
            expires_at timestamptz not null,
            ended_at timestamptz,
            ended_because text,
            address bytea,
            user_agent text,
            primary key (user_id, id),
            check ((ended_at is null) = (ended_because is null))
        )
    """)
    tenancy.protect("sessions", store_column="user_id")
    tenancy.let_look_up(
        "sessions",
        (
            "user_id",
            "id",
            "digest",
            "organization_id",
            "entered_store_id",
            "has_second_factor",
            "proven_at",
            "last_seen_at",
            "expires_at",
            "ended_at",
        ),
    )


def _make_organizations() -> None:
    op.execute(
        "alter table organizations add column version bigint not null default 1, add column updated_at timestamptz"
    )
    tenancy.protect("organizations", rights=("select", "update"), store_column="id")
    op.execute(f"create policy lookup on organizations for select to {tenancy.LOOKUP} using (true)")
    op.execute("""
        create table roles (
            organization_id uuid not null references organizations (id),
            id uuid not null,
            name text not null check (name <> ''),
            description text not null default '',
            version bigint not null default 1,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            primary key (organization_id, id)
        )
    """)
    op.execute("create unique index roles_by_name on roles (organization_id, lower(name))")
    op.execute("""
        create table role_permissions (
            organization_id uuid not null,
            role_id uuid not null,
            permission text not null references permissions (code),
            up_to bigint check (up_to >= 0),
            primary key (organization_id, role_id, permission),
            foreign key (organization_id, role_id) references roles (organization_id, id) on delete cascade
        )
    """)
    op.execute("""
        create table organization_members (
            organization_id uuid not null references organizations (id),
            id uuid not null,
            user_id uuid not null,
            role text not null check (role in ('owner', 'admin', 'member', 'viewer', 'custom')),
            role_id uuid,
            store_ids uuid[],
            version bigint not null default 1,
            joined_at timestamptz not null,
            updated_at timestamptz not null,
            suspended_at timestamptz,
            primary key (organization_id, id),
            unique (organization_id, user_id),
            foreign key (organization_id, role_id) references roles (organization_id, id),
            check ((role = 'custom') = (role_id is not null)),
            check (role <> 'owner' or (store_ids is null and suspended_at is null))
        )
    """)
    op.execute("create index organization_members_by_user on organization_members (user_id)")
    op.execute("""
        create table permission_overrides (
            organization_id uuid not null,
            id uuid not null,
            member_id uuid not null,
            permission text not null references permissions (code),
            effect text not null check (effect in ('grant', 'deny')),
            up_to bigint check (up_to >= 0),
            reason text not null check (reason <> ''),
            granted_by uuid not null,
            created_at timestamptz not null,
            expires_at timestamptz,
            primary key (organization_id, id),
            unique (organization_id, member_id, permission),
            foreign key (organization_id, member_id) references organization_members (organization_id, id)
                on delete cascade,
            check (effect = 'grant' or up_to is null)
        )
    """)
    member = ("organization_id", "id", "user_id", "role", "role_id", "store_ids", "suspended_at")
    columns = {
        "roles": None,
        "role_permissions": ("organization_id", "role_id", "permission", "up_to"),
        "organization_members": member,
        "permission_overrides": ("organization_id", "member_id", "permission", "effect", "up_to", "expires_at"),
    }
    for table, seen in columns.items():
        tenancy.protect(table, store_column="organization_id")
        if seen is not None:
            tenancy.let_look_up(table, seen)


def _widen_credentials() -> None:
    op.execute("alter table credentials add column created_by uuid")  # the user who made it; none for the platform's
    op.execute("alter table credentials add column allowed_addresses cidr[]")  # none: from anywhere
    op.execute("alter table credentials add column last_used_at timestamptz")  # within some minutes
    op.execute(
        f"grant select (created_by, allowed_addresses, last_used_at) on credentials to {tenancy.LOOKUP}",
    )
    op.execute(f"grant select (organization_id) on stores to {tenancy.LOOKUP}")


# What a member may do: their role, widened and narrowed by exceptions that hold at present; a refusal beats a grant.
# The superuser who is refused something has everything else by name.
_GRANTED = """
    with member as (
        select m.organization_id, m.id, m.role, m.role_id from organization_members m
        join users u on u.id = m.user_id
        where m.organization_id = organization and m.user_id = person and m.suspended_at is null
          and u.disabled_at is null and u.deleted_at is null
          and (shop is null or m.store_ids is null or shop = any (m.store_ids))
    ), exception as (
        select o.permission, o.effect, o.up_to from permission_overrides o
        join member m on o.organization_id = m.organization_id and o.member_id = m.id
        where o.expires_at is null or o.expires_at > present
    ), by_role as (
        select s.permission, null::bigint as up_to from standard_role_permissions s join member m on s.role = m.role
        union all
        select r.permission, r.up_to from role_permissions r
        join member m on r.organization_id = m.organization_id and r.role_id = m.role_id
    ), named as (
        select permission, up_to from by_role
        union all
        select p.code, null from permissions p
        where exists (select from by_role where permission = 'admin.superuser')
          and exists (select from exception where effect = 'deny')
    ), effective as (
        select n.permission, min(n.up_to) filter (where n.up_to is not null) as up_to from named n
        where not exists (select from exception e where e.permission = n.permission)
          and not (n.permission = 'admin.superuser' and exists (select from exception where effect = 'deny'))
        group by n.permission
        union all
        select permission, up_to from exception where effect = 'grant'
    )
    select coalesce(array_agg(permission order by permission), '{}'),
           coalesce(array_agg(permission || '=' || up_to order by permission) filter (where up_to is not null), '{}')
    from effective
    where exists (select from member)
"""

_STAFF_SESSION = """
    select s.user_id, s.id, m.organization_id, t.id, coalesce(g.permissions, '{}'), coalesce(g.limits, '{}'),
           s.proven_at, s.has_second_factor, s.last_seen_at < present - interval '5 minutes'
    from sessions s
    join users u on u.id = s.user_id
    left join organization_members m
      on m.organization_id = s.organization_id and m.user_id = s.user_id and m.suspended_at is null
    left join stores t
      on t.id = s.entered_store_id and t.organization_id = m.organization_id and t.status = 'active'
         and t.deleted_at is null and (m.store_ids is null or t.id = any (m.store_ids))
    left join lateral lookup.granted(m.organization_id, s.user_id, t.id, present) g on m.organization_id is not null
    where s.digest = wanted_digest and s.ended_at is null and s.expires_at > present
      and s.last_seen_at > present - interval '12 hours' and u.disabled_at is null and u.deleted_at is null
"""

# A token does what it was made for, and never more than its maker may do today.
_MADE_FOR = """
    select c.store_id, c.id,
           case when c.created_by is null then c.scopes
                when 'admin.superuser' = any (g.permissions) then c.scopes
                when 'admin.superuser' = any (c.scopes) then g.permissions
                else array(select unnest(c.scopes) intersect select unnest(g.permissions) order by 1) end,
           coalesce(g.limits, '{}'),
           coalesce(origin = any (s.allowed_origins), false),
           c.last_used_at is null or c.last_used_at < present - interval '5 minutes'
    from credentials c
    join stores s on s.id = c.store_id
    left join lateral lookup.granted(s.organization_id, c.created_by, s.id, present) g on c.created_by is not null
    where c.digest = wanted_digest and c.kind = 'sk' and c.revoked_at is null
      and (c.expires_at is null or c.expires_at > present) and s.status = 'active' and s.deleted_at is null
      and (c.allowed_addresses is null
           or exists (select from unnest(c.allowed_addresses) as allowed where address <<= allowed))
"""

# What each request of a shopper asks: a key in the open has neither scopes nor a maker.
_PUBLISHABLE = """
    select c.store_id, c.id, coalesce(origin = any (s.allowed_origins), false)
    from credentials c join stores s on s.id = c.store_id
    where c.digest = wanted_digest and c.kind = 'pk' and c.revoked_at is null
      and (c.expires_at is null or c.expires_at > present) and s.status = 'active' and s.deleted_at is null
"""


def _make_look_ups() -> None:
    tenancy.look_up_function(
        "granted(organization uuid, person uuid, shop uuid, present timestamptz)",
        "table (permissions text[], limits text[])",
        _GRANTED,
    )
    tenancy.look_up_function(
        "staff_session(wanted_digest bytea, present timestamptz)",
        "table (user_id uuid, id uuid, organization_id uuid, store_id uuid, permissions text[], limits text[], "
        "proven_at timestamptz, has_second_factor boolean, use_is_news boolean)",
        _STAFF_SESSION,
    )
    tenancy.drop_look_up_function("credential(text, bytea, text, timestamptz)")
    tenancy.look_up_function(
        "api_token(wanted_digest bytea, origin text, address inet, present timestamptz)",
        "table (store_id uuid, id uuid, scopes text[], limits text[], origin_allowed boolean, use_is_news boolean)",
        _MADE_FOR,
    )
    tenancy.look_up_function(
        "publishable_key(wanted_digest bytea, origin text, present timestamptz)",
        "table (store_id uuid, id uuid, origin_allowed boolean)",
        _PUBLISHABLE,
    )
    # Whether somebody has this address is for sign-in and its kin alone, which tell nobody.
    tenancy.look_up_function(
        "user_by_email(wanted_index bytea)",
        "uuid",
        "select id from users where email_index = wanted_index and deleted_at is null",
    )
    tenancy.look_up_function(
        "memberships(person uuid)",
        "table (organization_id uuid, member_id uuid)",
        f"""begin {tenancy.require_bound_store("person")}
            return query select m.organization_id, m.id from organization_members m
            where m.user_id = person and m.suspended_at is null order by m.organization_id; end""",
        language="plpgsql",
    )
    # Where a member of an organization may go: its stores, or those of them that the member was given.
    tenancy.look_up_function(
        "enterable_stores(person uuid, organization uuid)",
        "setof uuid",
        f"""begin {tenancy.require_bound_store("person")}
            return query select s.id from stores s
            join organization_members m on m.organization_id = s.organization_id
            where m.user_id = person and m.organization_id = organization and m.suspended_at is null
              and (m.store_ids is null or s.id = any (m.store_ids))
              and s.status = 'active' and s.deleted_at is null order by s.id; end""",
        language="plpgsql",
    )
    tenancy.look_up_function(
        "stores_of_organization(organization uuid)",
        "setof uuid",
        f"""begin {tenancy.require_bound_store("organization")}
            return query select s.id from stores s
            where s.organization_id = organization and s.deleted_at is null order by s.id; end""",
        language="plpgsql",
    )


def _credential_as_it_was() -> tuple[str, str, str]:
    return (
        "credential(wanted_kind text, wanted_digest bytea, origin text, present timestamptz)",
        "table (store_id uuid, id uuid, scopes text[], origin_allowed boolean)",
        """select c.store_id, c.id, c.scopes, coalesce(origin = any (s.allowed_origins), false)
           from credentials c join stores s on s.id = c.store_id
           where c.digest = wanted_digest and c.kind = wanted_kind and c.revoked_at is null
             and (c.expires_at is null or c.expires_at > present) and s.status = 'active' and s.deleted_at is null""",
    )
