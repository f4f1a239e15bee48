"""Run jobs: long work of a store, such as an import, that anyone can watch, cancel and take up again.

Why: work that takes minutes outlives a request, a Lambda and a deployment. Its row says what is wanted, how far it is
and who works on it until when; a checkpoint, written in the transaction of what it counts, says where the next worker
goes on. So a kill costs the batch in hand and nothing else.
Considered instead: Step Functions (a second truth beside the rows, and none of it runs on a laptop); state in the
queue's message (lost with it, and invisible to the merchant).
Going back: drops the tables; jobs that run are forgotten, what they did stays done.
Locks: none; the tables are new.
"""

from alembic import op

from migrations import tenancy

revision = "2026_11_21_1050"
down_revision = "2026_11_21_1040"
branch_labels = None
depends_on = None

# The same steps as in shared/jobs/states.py; a test walks every pair through both.
STEPS = (
    ">awaiting_upload",
    ">queued",
    "awaiting_upload>queued",
    "awaiting_upload>canceled",
    "awaiting_upload>failed",
    "queued>running",
    "queued>canceled",
    "running>queued",
    "running>succeeded",
    "running>failed",
    "running>canceled",
)


def upgrade() -> None:
    """Apply."""
    op.execute("""
        create table jobs (
            store_id uuid not null,
            id uuid not null,
            kind text not null,
            status text not null,
            params jsonb not null default '{}',
            counts jsonb not null default '{}',
            checkpoint jsonb not null default '{}',
            result jsonb not null default '{}',
            total bigint,
            done bigint not null default 0,
            cancel_wanted boolean not null default false,
            failure text,
            attempts bigint not null default 0,
            claims bigint not null default 0,
            due_at timestamptz,
            created_by text not null,
            version bigint not null default 1,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            started_at timestamptz,
            finished_at timestamptz,
            primary key (store_id, id),
            constraint jobs_due_while_open
                check ((status in ('awaiting_upload', 'queued', 'running')) = (due_at is not null)),
            constraint jobs_finished_has_a_time
                check ((status in ('succeeded', 'failed', 'canceled')) = (finished_at is not null))
        )
    """)
    op.execute("create index jobs_due on jobs (due_at, store_id) where due_at is not null")
    op.execute("create index jobs_by_kind on jobs (store_id, kind, id)")
    op.execute("create index jobs_by_status on jobs (store_id, status, id)")
    op.execute("create index jobs_by_end on jobs (store_id, finished_at) where finished_at is not null")
    tenancy.protect("jobs")
    tenancy.allow_steps("jobs", "status", STEPS)
    tenancy.let_look_up("jobs", ("store_id", "due_at"))
    tenancy.look_up_function(
        "stores_with_due_jobs(present timestamptz, most integer)",
        "setof uuid",
        "select distinct j.store_id from (select store_id from jobs where due_at <= present "
        "order by due_at limit most) j",
    )
    op.execute("""
        create table job_findings (
            store_id uuid not null,
            id uuid not null,
            job_id uuid not null,
            line bigint,
            severity text not null,
            code text not null,
            message text not null,
            subject text not null default '',
            primary key (store_id, id),
            unique nulls not distinct (store_id, job_id, line, code, subject),
            foreign key (store_id, job_id) references jobs (store_id, id) on delete cascade,
            constraint job_findings_severity_is_known check (severity in ('error', 'warning'))
        )
    """)
    op.execute("create index job_findings_by_job on job_findings (store_id, job_id, id)")
    tenancy.protect("job_findings")
    op.execute("""
        create table imported_products (
            store_id uuid not null,
            id uuid not null,
            job_id uuid not null,
            slug text not null,
            line bigint not null,
            primary key (store_id, id),
            unique (store_id, job_id, slug),
            foreign key (store_id, job_id) references jobs (store_id, id) on delete cascade
        )
    """)
    tenancy.protect("imported_products")


def downgrade() -> None:
    """Take back."""
    tenancy.drop_look_up_function("stores_with_due_jobs")
    op.execute("drop table imported_products")
    op.execute("drop table job_findings")
    op.execute("drop table jobs")
