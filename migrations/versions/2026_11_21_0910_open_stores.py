"""Open stores: organizations, stores, their credentials, and operators' tokens.

Why: a tenant is a store of an organization; every request is decided by a credential that names its store.
Considered instead: one table for all tokens of every kind (operators' tokens belong to no store, so they would have
pierced the policy of the others); credentials in clear (a copy of the database would be the keys to every store;
publishable keys alone are public and are kept to be shown again).
Going back: drops the tables; every store with them.
Locks: none; all tables are new.
"""

from alembic import op

from migrations import tenancy

revision = "2026_11_21_0910"
down_revision = "2026_11_21_0900"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    _make_organizations()
    _make_stores()
    _make_credentials()
    _make_look_ups()


def downgrade() -> None:
    """Take back."""
    for name in ("credential", "storefront", "platform_token", "origin_is_allowed", "opening"):
        tenancy.drop_look_up_function(name)
    for table in ("platform_tokens", "credentials", "store_sequences", "stores", "organizations"):
        op.execute(f"drop table {table}")


def _make_organizations() -> None:
    op.execute("""
        create table organizations (
            id uuid primary key,
            name text not null check (name <> ''),
            created_at timestamptz not null
        )
    """)
    # Belongs to no store, so no policy could say whose it is: the application may add one, and read none.
    tenancy.allow("organizations", ("insert",))


def _make_stores() -> None:
    op.execute("""
        create table stores (
            id uuid primary key,
            organization_id uuid not null references organizations (id),
            slug text not null unique check (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
            name text not null check (name <> ''),
            owner_email bytea,
            status text not null default 'active' check (status in ('active', 'suspended', 'closed')),
            currency text not null default 'BDT' check (currency ~ '^[A-Z]{3}$'),
            locale text not null default 'bn-BD',
            time_zone text not null default 'Asia/Dhaka',
            country text not null default 'BD' check (country ~ '^[A-Z]{2}$'),
            allowed_origins text[] not null default '{}',
            settings jsonb not null default '{}',
            version bigint not null default 1,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            deleted_at timestamptz
        )
    """)
    op.execute("create index stores_by_organization on stores (organization_id)")
    tenancy.protect("stores", rights=("select", "insert", "update"), store_column="id")
    op.execute("""
        create table store_sequences (
            store_id uuid not null,
            name text not null,
            last bigint not null,
            primary key (store_id, name)
        )
    """)
    tenancy.protect("store_sequences", rights=("select", "insert", "update"))


def _make_credentials() -> None:
    op.execute("""
        create table credentials (
            store_id uuid not null,
            id uuid not null,
            kind text not null check (kind in ('pk', 'sk')),
            name text not null,
            digest bytea not null unique,
            publishable_key text check ((publishable_key is not null) = (kind = 'pk')),
            last_four text not null,
            scopes text[] not null,
            version bigint not null default 1,
            created_at timestamptz not null,
            expires_at timestamptz,
            revoked_at timestamptz,
            primary key (store_id, id)
        )
    """)
    tenancy.protect("credentials", rights=("select", "insert", "update"))
    op.execute("""
        create table platform_tokens (
            id uuid primary key,
            name text not null,
            digest bytea not null unique,
            scopes text[] not null,
            created_at timestamptz not null,
            expires_at timestamptz,
            revoked_at timestamptz
        )
    """)
    # Operators' tokens are made with the owner's rights (command line); the application only looks one up by digest.


def _make_look_ups() -> None:
    tenancy.let_look_up(
        "credentials",
        ("store_id", "id", "kind", "digest", "scopes", "expires_at", "revoked_at"),
    )
    tenancy.let_look_up("stores", ("id", "slug", "status", "allowed_origins", "deleted_at"))
    op.execute(f"grant select on platform_tokens to {tenancy.LOOKUP}")
    tenancy.look_up_function(
        "credential(wanted_kind text, wanted_digest bytea, origin text, present timestamptz)",
        "table (store_id uuid, id uuid, scopes text[], origin_allowed boolean)",
        """select c.store_id, c.id, c.scopes, coalesce(origin = any (s.allowed_origins), false)
           from credentials c join stores s on s.id = c.store_id
           where c.digest = wanted_digest and c.kind = wanted_kind and c.revoked_at is null
             and (c.expires_at is null or c.expires_at > present) and s.status = 'active' and s.deleted_at is null""",
    )
    tenancy.look_up_function(
        "storefront(wanted_slug text, origin text)",
        "table (store_id uuid, origin_allowed boolean)",
        """select id, coalesce(origin = any (allowed_origins), false) from stores
           where slug = wanted_slug and status = 'active' and deleted_at is null""",
    )
    tenancy.look_up_function(
        "platform_token(wanted_digest bytea, present timestamptz)",
        "table (id uuid, scopes text[])",
        """select id, scopes from platform_tokens
           where digest = wanted_digest and revoked_at is null and (expires_at is null or expires_at > present)""",
    )
    op.execute("create index stores_by_origin on stores using gin (allowed_origins)")
    tenancy.look_up_function(
        "origin_is_allowed(origin text)",
        "boolean",
        """select exists (select 1 from stores
           where allowed_origins @> array[origin] and status = 'active' and deleted_at is null)""",
    )
    op.execute(f"grant select (id) on organizations to {tenancy.LOOKUP}")
    tenancy.look_up_function(
        "opening(wanted_slug text, organization uuid)",
        "table (slug_is_taken boolean, organization_exists boolean)",
        """select exists (select 1 from stores where slug = wanted_slug),
                  exists (select 1 from organizations where id = organization)""",
    )
