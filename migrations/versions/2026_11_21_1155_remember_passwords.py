"""Remember passwords and tries: former passwords, links that were mailed, half sign-ins, and how often was tried.

Why: a password that was replaced can't come back at once; who reads a mail at an address owns it, which a link in the
mail proves once; who has given their password and has a second factor is not in yet; and what can be guessed can be
tried so often and no more.
Considered instead: links as signed tokens without a row (single use needs a row all the same); one table for links and
half sign-ins (they are told apart in every condition, and one is mailed while the other never leaves the browser); a
row a try instead of one moment a subject (a flood of tries would be a flood of rows); throttles in memory (each Lambda
environment would count its own).
Going back: drops the tables: open links and half sign-ins end, and tries are forgotten.
Locks: `users` for an instant, for a column without a default.
"""

from alembic import op

from migrations import tenancy

revision = "2026_11_21_1155"
down_revision = "2026_11_21_1150"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("""
        create table throttles (
            store_id uuid not null,
            key bytea not null,
            free_at timestamptz not null,
            primary key (store_id, key)
        )
    """)
    op.execute("create index throttles_by_end on throttles (store_id, free_at)")
    tenancy.protect("throttles")
    op.execute("alter table users add column second_factor_since timestamptz")
    op.execute("""
        create table password_history (
            user_id uuid not null references users (id),
            id uuid not null,
            password_hash text not null,
            set_at timestamptz not null,
            primary key (user_id, id)
        )
    """)
    tenancy.protect("password_history", rights=("select", "insert", "delete"), store_column="user_id")
    op.execute("""
        create table mailed_links (
            user_id uuid not null references users (id),
            id uuid not null,
            purpose text not null check (purpose in ('verify_email', 'reset_password')),
            digest bytea not null unique,
            created_at timestamptz not null,
            expires_at timestamptz not null,
            used_at timestamptz,
            primary key (user_id, id)
        )
    """)
    tenancy.protect("mailed_links", store_column="user_id")
    tenancy.let_look_up("mailed_links", ("user_id", "id", "purpose", "digest", "expires_at", "used_at"))
    op.execute("""
        create table sign_in_challenges (
            user_id uuid not null references users (id),
            id uuid not null,
            digest bytea not null unique,
            created_at timestamptz not null,
            expires_at timestamptz not null,
            used_at timestamptz,
            primary key (user_id, id)
        )
    """)
    tenancy.protect("sign_in_challenges", store_column="user_id")
    tenancy.let_look_up("sign_in_challenges", ("user_id", "id", "digest", "expires_at", "used_at"))
    tenancy.look_up_function(
        "mailed_link(wanted_purpose text, wanted_digest bytea, present timestamptz)",
        "table (user_id uuid, id uuid)",
        "select l.user_id, l.id from mailed_links l where l.digest = wanted_digest and l.purpose = wanted_purpose "
        "and l.used_at is null and l.expires_at > present",
    )
    tenancy.look_up_function(
        "sign_in_challenge(wanted_digest bytea, present timestamptz)",
        "table (user_id uuid, id uuid)",
        "select c.user_id, c.id from sign_in_challenges c where c.digest = wanted_digest "
        "and c.used_at is null and c.expires_at > present",
    )
    # People and organizations are tenants, too, whose answers to requests and messages go by themselves in time.
    tenancy.look_up_function(
        "people_and_organizations_after(last uuid, most integer)",
        "setof uuid",
        "select id from users where id > last union all select id from organizations where id > last "
        "order by id limit most",
    )


def downgrade() -> None:
    """Take back."""
    tenancy.drop_look_up_function("people_and_organizations_after")
    tenancy.drop_look_up_function("sign_in_challenge")
    tenancy.drop_look_up_function("mailed_link")
    for table in ("sign_in_challenges", "mailed_links", "password_history", "throttles"):
        op.execute(f"drop table {table}")
    op.execute("alter table users drop column second_factor_since")
