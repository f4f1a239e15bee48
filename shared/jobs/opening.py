"""Opening a job, and putting it into its queue: the one way by which long work comes into being."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.core import audit, clock, ids, outbox
from shared.core.errors import NotFound, Problem
from shared.core.principal import Principal
from shared.jobs.events import JobQueued
from shared.jobs.models import Job
from shared.jobs.states import JOB, OPEN, JobStatus

MOST_OPEN = 20  # jobs of one store at once
UPLOAD_WITHIN = timedelta(hours=24)
GRACE = timedelta(seconds=60)  # the event brings a job to its worker; what is older was lost on the way


class TooManyJobs(Problem):
    """The store has as many open jobs as it may have; wait for one, or cancel one."""

    status = 409
    code = "too_many_jobs"


def open_job(  # noqa: PLR0913 -- each is a fact of the job, by keyword
    session: Session,
    kind: str,
    *,
    params: Mapping[str, Any],
    by: Principal | None,
    awaiting_upload: bool = False,
    job_id: UUID | None = None,
) -> Job:
    """Open a job of a kind; it waits for its worker, or for an upload first. `params` are plain JSON, no secrets.

    The worker is the consumer of the queue `dispatching.queue_of(kind)`; a test holds that there is one.

    Raises:
        TooManyJobs: the store has that many open already. Two requests at once may both be the last.
    """
    opened = session.scalar(select(func.count()).select_from(Job).where(Job.status.in_(OPEN)))
    if opened is not None and opened >= MOST_OPEN:
        detail = f"This store has {MOST_OPEN} open jobs already; wait for one of them, or cancel one."
        raise TooManyJobs(detail)
    now = clock.now()
    job = Job(
        id=job_id or ids.new_id(),
        kind=kind,
        status=JobStatus.AWAITING_UPLOAD if awaiting_upload else JobStatus.QUEUED,
        params=dict(params),
        counts={},
        checkpoint={},
        result={},
        done=0,
        cancel_wanted=False,
        attempts=0,
        claims=0,
        version=1,
        due_at=now + (UPLOAD_WITHIN if awaiting_upload else GRACE),
        created_by="system" if by is None else f"{by.kind}:{by.id}",
        created_at=now,
        updated_at=now,
    )
    session.add(job)
    session.flush()
    audit.record(
        session,
        action="job.opened",
        entity="job",
        entity_id=job.id,
        after={"kind": kind, "status": job.status, "params": job.params},
    )
    if not awaiting_upload:
        outbox.record(session, JobQueued(job_id=job.id, version=job.version, kind=kind))
    return job


def queue(session: Session, job: Job) -> Job:
    """Put a locked job, whose upload is there, into its queue. One that is queued or further stays as it is.

    Raises:
        TransitionNotAllowed: it was canceled, or given up.
    """
    if job.status in {JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.SUCCEEDED}:
        return job  # asked for twice: the first one counts
    JOB.require(job.status, JobStatus.QUEUED)
    before, now = job.status, clock.now()
    job.status, job.due_at, job.updated_at, job.version = JobStatus.QUEUED, now + GRACE, now, job.version + 1
    session.flush()
    audit.record(
        session,
        action="job.queued",
        entity="job",
        entity_id=job.id,
        before={"status": before},
        after={"status": job.status},
    )
    outbox.record(session, JobQueued(job_id=job.id, version=job.version, kind=job.kind))
    return job


def locked(session: Session, job_id: UUID, *, kind: str | None = None) -> Job:
    """Return a job, locked until the commit; with `kind`, only one of that kind.

    Raises:
        NotFound: there is none.
    """
    chosen = select(Job).where(Job.id == job_id).with_for_update()
    job = session.scalars(chosen, execution_options={"populate_existing": True}).one_or_none()
    if job is None or kind not in (None, job.kind):
        detail = "There is no such job."
        raise NotFound(detail)
    return job
