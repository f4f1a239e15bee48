"""Outdate the edge: the tags whose answers CloudFront has to forget, as rows until it was told.

Why: what the edge keeps may be shown for as long as its headers say, so a change has to take it back; a request to
CloudFront can't be a part of the transaction that changes. A row that is written with the change can: it survives a
crash between the commit and the request, and what gathers within a second goes in one request. Rows are only added,
never merged where they are written: a merge would make the refreshes of one store wait for each other.
CloudFront takes money for each tag; one row a store counts the day's, and past a number the store goes as one tag.
Considered instead: the tags in the message of a queue (lost if the process dies before it sends; not merged); a domain
event for each refresh (doubles the events of an import); short times to live and no invalidation (stale, or no hits).
Going back: drops both tables; what the edge keeps then goes by its time.
Locks: none; the tables are new.
"""

from alembic import op

from migrations import tenancy

revision = "2026_11_21_1120"
down_revision = "2026_11_21_1110"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("""
        create table outdated_tags (
            store_id uuid not null,
            id uuid not null,
            tag text not null,
            since timestamptz not null,
            claimed_until timestamptz,
            primary key (store_id, id)
        )
    """)
    op.execute("""
        create table edge_spending (
            store_id uuid primary key,
            day date not null,
            tags bigint not null default 0,
            told_at timestamptz
        )
    """)
    tenancy.protect("outdated_tags")
    tenancy.protect("edge_spending", rights=("select", "insert", "update"))
    tenancy.let_look_up("outdated_tags", ("store_id", "since", "claimed_until"))
    tenancy.look_up_function(
        "stores_with_outdated_tags(before timestamptz, present timestamptz, most integer)",
        "setof uuid",
        """select distinct store_id from outdated_tags
           where since < before and (claimed_until is null or claimed_until < present) limit most""",
    )


def downgrade() -> None:
    """Take back."""
    tenancy.drop_look_up_function("stores_with_outdated_tags")
    op.execute("drop table edge_spending")
    op.execute("drop table outdated_tags")
