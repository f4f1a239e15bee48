"""Jobs and what they found."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.lives import Purge, TenantLife
from shared.core.tenancy import Base, StoreOwned


class Severity(StrEnum):
    """Whether a finding kept its line from being done."""

    ERROR = "error"
    WARNING = "warning"


class Job(StoreOwned, Base):
    """Long work. `checkpoint` says where a worker goes on; it commits with what it counts, so nothing counts twice.

    `counts`: {"rows": 120, "created": 80, "updated": 40, "failed": 3}. `result`: what an export made, {"key": "..."}.
    `claims` numbers the workers that had it: one whose number is no longer the last has lost its lease, and writes
    nothing. Some a day and store; purged after 90 days.
    """

    __tablename__ = "jobs"
    __tenant_life__: ClassVar[TenantLife] = TenantLife(purge=Purge("finished_at", timedelta(days=90)))
    __table_args__ = (
        CheckConstraint(
            "(status in ('awaiting_upload', 'queued', 'running')) = (due_at is not null)",
            name="due_while_open",
        ),
        CheckConstraint(
            "(status in ('succeeded', 'failed', 'canceled')) = (finished_at is not null)",
            name="finished_has_a_time",
        ),
        Index("jobs_due", "due_at", "store_id", postgresql_where=text("due_at is not null")),
        Index("jobs_by_kind", "store_id", "kind", "id"),
        Index("jobs_by_status", "store_id", "status", "id"),
        Index("jobs_by_end", "store_id", "finished_at", postgresql_where=text("finished_at is not null")),
    )

    kind: Mapped[str]  # "product_import"
    status: Mapped[str] = mapped_column(Text)
    params: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))  # what is wanted
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    checkpoint: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    result: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    total: Mapped[int | None]  # of the units that `done` counts, once it is known
    done: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    cancel_wanted: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    failure: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=0, server_default=text("0"))  # in a row that got no further
    claims: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    due_at: Mapped[datetime | None]  # when a worker takes it (again): past a lease, another; an upload is given up
    created_by: Mapped[str]  # "api_token:cred_..."
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class JobFinding(StoreOwned, Base):
    """What a job has to say of one line of its input, such as why it was not done. Goes with its job."""

    __tablename__ = "job_findings"
    __table_args__ = (
        UniqueConstraint("store_id", "job_id", "line", "code", "subject", postgresql_nulls_not_distinct=True),
        ForeignKeyConstraint(["store_id", "job_id"], ["jobs.store_id", "jobs.id"], ondelete="CASCADE"),
        CheckConstraint("severity in ('error', 'warning')", name="severity_is_known"),
        Index("job_findings_by_job", "store_id", "job_id", "id"),
    )

    job_id: Mapped[UUID]
    line: Mapped[int | None]  # of the file, from 1
    severity: Mapped[str] = mapped_column(Text)
    code: Mapped[str]
    message: Mapped[str]  # for its merchant
    subject: Mapped[str] = mapped_column(default="", server_default="")  # the column or thing that it is about
