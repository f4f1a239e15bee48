"""What goes out about jobs."""

from datetime import datetime, timedelta
from typing import Self

from pydantic import Field

from shared.core import clock, ids
from shared.core.schemas import Schema
from shared.core.storage import Bucket, objects
from shared.core.typeids import JobId
from shared.jobs.dispatching import STUCK_AFTER
from shared.jobs.models import Job, JobFinding, Severity
from shared.jobs.states import JobStatus

_FETCH_WITHIN = timedelta(minutes=15)
_SECOND = timedelta(seconds=1)
_WORKED_ON = frozenset({JobStatus.QUEUED, JobStatus.RUNNING})


class JobProgress(Schema):
    """How far a job is. `done` and `total` are in the kind's own unit: bytes of the file for an import."""

    done: int
    total: int | None = Field(description="Null until it is known.")
    percent: int | None = Field(description="0 to 100; null until the total is known.", examples=[42])
    rows_per_second: int | None = Field(description="Since it was first begun, pauses included.")
    seconds_left: int | None = Field(description="At this speed; only while it runs.")


class JobDescriptor(Schema):
    """A piece of long work: what it is, how far, what it counted, and how it ended."""

    id: JobId
    kind: str = Field(examples=["product_import"])
    status: JobStatus
    dry_run: bool = Field(description="It reports what it would do, and changes nothing.")
    counts: dict[str, int] = Field(
        description="What it did so far. An import: rows, products, created, updated, unchanged, failed (products), "
        "failed_rows, warnings.",
        examples=[{"rows": 1200, "products": 400, "created": 390, "updated": 6, "unchanged": 3, "failed": 1}],
    )
    progress: JobProgress
    findings: str = Field(description="Where it says what it found, line by line.")
    cancel_wanted: bool = Field(description="It ends after the batch in hand.")
    failure: str | None = Field(description="Why it could not go on.")
    stuck: bool = Field(description="It should be worked on, and nobody does. It is taken up by itself.")
    attempts: int = Field(description="Workers in a row that got no further.")
    download_url: str | None = Field(description="Where what it made can be fetched; good for a quarter of an hour.")
    version: int
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, job: Job) -> Self:
        """Present a job."""
        status = JobStatus(job.status)
        return cls(
            id=job.id,
            kind=job.kind,
            status=status,
            dry_run=bool(job.params.get("dry_run", False)),
            counts={name: count for name, count in job.counts.items() if not name.startswith("_")},
            progress=_progress(job),
            findings=f"/api/v1/jobs/{ids.encode('job', job.id)}/findings",
            cancel_wanted=job.cancel_wanted,
            failure=job.failure,
            stuck=status in _WORKED_ON and job.due_at is not None and clock.now() > job.due_at + STUCK_AFTER,
            attempts=job.attempts,
            download_url=_download(job),
            version=job.version,
            created_at=job.created_at,
            updated_at=job.updated_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
        )


class FindingOut(Schema):
    """What a job has to say of one line of its input. A warning kept nothing from being done."""

    line: int | None = Field(description="Of the file, from 1; null where it is about the whole.")
    severity: Severity
    code: str = Field(examples=["price_is_no_number"])
    column: str = Field(description="The column or thing that it is about; may be empty.", examples=["Variant Price"])
    message: str

    @classmethod
    def of(cls, finding: JobFinding) -> Self:
        """Present a finding."""
        return cls(
            line=finding.line,
            severity=Severity(finding.severity),
            code=finding.code,
            column=finding.subject,
            message=finding.message,
        )


def _progress(job: Job) -> JobProgress:
    percent = None if not job.total else min(100 * job.done // job.total, 100)
    taken = timedelta(0) if job.started_at is None else job.updated_at - job.started_at
    rows = job.counts.get("rows", 0)
    left = None
    if job.status == JobStatus.RUNNING and job.total is not None and job.done:
        left = taken * max(job.total - job.done, 0) // job.done // _SECOND
    return JobProgress(
        done=job.done,
        total=job.total,
        percent=100 if job.status == JobStatus.SUCCEEDED else percent,
        rows_per_second=rows * _SECOND // taken if rows and taken else None,
        seconds_left=left,
    )


def _download(job: Job) -> str | None:
    key = job.result.get("key")
    if key is None:
        return None
    name = str(job.result.get("file_name", "download"))
    return objects().presigned_download(Bucket.UPLOADS, str(key), file_name=name, expires=_FETCH_WITHIN)
