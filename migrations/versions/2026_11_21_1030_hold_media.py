"""Hold media: pictures that were uploaded or fetched, and what became of them.

Why: a picture is bytes in an object store and one row that says whose it is, what state it is in and which renditions
were made of it. The row is the truth: an object without a row is garbage, and nobody is shown a picture that is not
`ready`. Width, height and renditions are written by the worker that decoded the picture, never by who sent it.
Considered instead: URLs on the product (a picture could not be refused, moved or measured); bytes in the database (its
backups and its cache would be mostly pictures).
Going back: drops the table; the objects stay where they are.
Locks: none; the table is new.
"""

from alembic import op

from migrations import tenancy

revision = "2026_11_21_1030"
down_revision = "2026_11_21_1020"
branch_labels = None
depends_on = None

# The same steps as in shared/media/states.py; a test walks every pair through both.
STEPS = (
    ">awaiting_upload",
    ">queued",
    "awaiting_upload>queued",
    "awaiting_upload>processing",
    "queued>processing",
    "processing>queued",
    "processing>ready",
    "processing>refused",
    "processing>failed",
    "refused>queued",
    "failed>queued",
)


def upgrade() -> None:
    """Apply."""
    op.execute("""
        create table media_assets (
            store_id uuid not null,
            id uuid not null,
            status text not null,
            source text not null,
            source_url text,
            source_key uuid,
            file_name text not null default '',
            media_type text,
            size_bytes bigint,
            width bigint,
            height bigint,
            digest bytea,
            renditions jsonb not null default '[]',
            refusal text,
            attempts bigint not null default 0,
            due_at timestamptz,
            version bigint not null default 1,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            deleted_at timestamptz,
            primary key (store_id, id),
            constraint media_assets_status_is_known
                check (status in ('awaiting_upload', 'queued', 'processing', 'ready', 'refused', 'failed')),
            constraint media_assets_source_is_known check (source in ('upload', 'remote')),
            constraint media_assets_remote_has_a_url check ((source = 'remote') = (source_url is not null)),
            constraint media_assets_url_has_a_key check ((source_url is null) = (source_key is null)),
            constraint media_assets_due_while_unfinished check (
                deleted_at is not null
                or (status in ('awaiting_upload', 'queued', 'processing')) = (due_at is not null))
        )
    """)
    op.execute(
        "create unique index media_assets_by_source on media_assets (store_id, source_key) "
        "where source_key is not null and deleted_at is null"
    )
    op.execute("create index media_assets_by_birth on media_assets (store_id, created_at, id)")
    op.execute("create index media_assets_due on media_assets (store_id, due_at) where due_at is not null")
    op.execute(
        "create index media_assets_by_deletion on media_assets (store_id, deleted_at) where deleted_at is not null"
    )
    tenancy.protect("media_assets")
    tenancy.allow_steps("media_assets", "status", STEPS)
    tenancy.let_look_up("media_assets", ("store_id", "due_at"))
    # A store comes once for each batch of its due pictures, up to `most` of them: that many messages are sent, and work
    # side by side. Hops from store to store along the index, so that one store's import does not hide the others.
    tenancy.look_up_function(
        "stores_with_due_media(present timestamptz, batch integer, most integer)",
        "setof uuid",
        """with recursive stores as (
               (select store_id from media_assets where due_at is not null order by store_id limit 1)
               union all
               select (select m.store_id from media_assets m where m.due_at is not null and m.store_id > s.store_id
                       order by m.store_id limit 1)
               from stores s where s.store_id is not null
           )
           select s.store_id from stores s cross join lateral (
               select row_number() over () as number
               from (select from media_assets m where m.store_id = s.store_id and m.due_at <= present
                     order by m.due_at limit most) as due
           ) as numbered
           where s.store_id is not null and (number - 1) % batch = 0""",
    )


def downgrade() -> None:
    """Take back."""
    tenancy.drop_look_up_function("stores_with_due_media")
    op.execute("drop table media_assets")
