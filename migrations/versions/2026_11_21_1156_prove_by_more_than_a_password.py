"""Prove by more than a password: authenticator apps, recovery codes, and accounts at other issuers.

Why: a password that was guessed, read or given away is worth nothing alone. An app's secret is needed in clear to check
a code, so it is encrypted under its person's key; a recovery code has 120 random bits, so its SHA-256 is kept. Each
app remembers the last time step whose code it was used with, by a conditional update: a code serves once. An account
at another issuer is known by issuer and subject, which never change hands, and never by its address, which may.
Considered instead: one secret a person as columns of `users` (a second phone is what people lose the first one for);
codes used as rows of their own (the step says it in one number).
Going back: drops the tables: second factors end, and who has no password needs a new one by mail.
Locks: none; all tables are new.
"""

from alembic import op

from migrations import tenancy

revision = "2026_11_21_1156"
down_revision = "2026_11_21_1155"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("""
        create table authenticators (
            user_id uuid not null references users (id),
            id uuid not null,
            name text not null check (name <> ''),
            secret bytea not null,
            created_at timestamptz not null,
            confirmed_at timestamptz,
            last_step bigint,
            primary key (user_id, id)
        )
    """)
    tenancy.protect("authenticators", store_column="user_id")
    op.execute("""
        create table recovery_codes (
            user_id uuid not null references users (id),
            id uuid not null,
            digest bytea not null,
            created_at timestamptz not null,
            used_at timestamptz,
            primary key (user_id, id),
            unique (user_id, digest)
        )
    """)
    tenancy.protect("recovery_codes", store_column="user_id")
    op.execute("""
        create table accounts (
            user_id uuid not null references users (id),
            id uuid not null,
            issuer text not null,
            subject bytea not null,
            subject_index bytea not null unique,
            created_at timestamptz not null,
            last_used_at timestamptz not null,
            primary key (user_id, id)
        )
    """)
    tenancy.protect("accounts", store_column="user_id")
    tenancy.let_look_up("accounts", ("user_id", "subject_index"))
    tenancy.look_up_function(
        "user_by_account(wanted_index bytea)",
        "uuid",
        """select a.user_id from accounts a join users u on u.id = a.user_id
           where a.subject_index = wanted_index and u.deleted_at is null""",
    )


def downgrade() -> None:
    """Take back."""
    tenancy.drop_look_up_function("user_by_account")
    for table in ("accounts", "recovery_codes", "authenticators"):
        op.execute(f"drop table {table}")
