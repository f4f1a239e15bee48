"""Rotate tokens with an overlap, and count what they are used for.

Why: a secret is replaced without a pause: the new one works at once, the old one ends some hours later. A merchant who
asks whether a token is still needed, or was used by somebody else, is answered from a row a day and token.
Considered instead: two digests on one credential (which of them was used, and which ends, would be columns of a pair);
a row a request (the log would outgrow the orders); a counter in the request's own transaction (every request of a token
would queue for its row). Each process counts, and writes what it counted every few minutes.
Going back: drops the counts, and which token replaced which.
Locks: `credentials` for an instant, for a column without a default.
"""

from alembic import op

from migrations import tenancy

revision = "2026_11_21_1159"
down_revision = "2026_11_21_1158"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("alter table credentials add column replaced_by uuid")
    op.execute("""
        create table token_uses (
            store_id uuid not null,
            credential_id uuid not null,
            day date not null,
            requests bigint not null check (requests > 0),
            last_route text not null,
            last_address bytea,
            last_used_at timestamptz not null,
            primary key (store_id, credential_id, day),
            foreign key (store_id, credential_id) references credentials (store_id, id)
        )
    """)
    tenancy.protect("token_uses")


def downgrade() -> None:
    """Take back."""
    op.execute("drop table token_uses")
    op.execute("alter table credentials drop column replaced_by")
