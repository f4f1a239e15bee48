"""Send messages: what is to be said to people, as rows that are sent when they are due.

Why: a message is written in the transaction of its reason and sent after it, with retries that outlive a queue's
patience; so its truth is a row, with a lease, a time when it is due, and what the provider said. The recipient and the
words are personal data and encrypted. One dedupe key a store refuses a second message for the same occasion.
Considered instead: the words in the queue's message (personal data in SQS and its dead letters, retries for 12 hours at
most); sending from the consumer of the event (a provider that hangs would hold the transaction); partitions by month (a
key that refuses a repetition must span them).
Going back: drops the table and what was not sent yet.
Locks: none; the table is new. The sweep's index holds messages that wait and no others, so it stays small.
"""

from alembic import op

from migrations import tenancy

revision = "2026_11_21_1010"
down_revision = "2026_11_21_1000"
branch_labels = None
depends_on = None

# The same steps as in shared/messaging/states.py; a test walks every pair through both.
STEPS = (">queued", "queued>sending", "sending>queued", "sending>sent", "sending>failed")


def upgrade() -> None:
    """Apply."""
    op.execute("""
        create table outgoing_messages (
            store_id uuid not null,
            id uuid not null,
            channel text not null,
            purpose text not null,
            dedupe_key text not null,
            recipient bytea,
            content bytea,
            status text not null,
            attempts bigint not null default 0,
            due_at timestamptz,
            provider_reference text,
            answers jsonb not null default '[]',
            correlation_id text not null,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            sent_at timestamptz,
            primary key (store_id, id),
            constraint outgoing_messages_dedupe_key unique (store_id, dedupe_key),
            constraint outgoing_messages_channel_check check (channel in ('email', 'sms')),
            constraint outgoing_messages_due_check check ((status in ('queued', 'sending')) = (due_at is not null)),
            constraint outgoing_messages_sent_check check ((status = 'sent') = (sent_at is not null))
        )
    """)
    op.execute("create index outgoing_messages_due on outgoing_messages (due_at, store_id) where due_at is not null")
    tenancy.protect("outgoing_messages", rights=("select", "insert", "update"))
    tenancy.allow_steps("outgoing_messages", "status", STEPS)
    tenancy.let_look_up("outgoing_messages", ("store_id", "due_at"))
    tenancy.look_up_function(
        "stores_with_due_messages(present timestamptz, most integer)",
        "setof uuid",
        "select distinct store_id from outgoing_messages where due_at <= present limit most",
    )


def downgrade() -> None:
    """Take back."""
    tenancy.drop_look_up_function("stores_with_due_messages")
    op.execute("drop table outgoing_messages")
