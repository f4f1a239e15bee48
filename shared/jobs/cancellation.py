"""Canceling a job: at once while nobody works on it, after the batch in hand otherwise. What it did stays done."""

from uuid import UUID

from sqlalchemy.orm import Session

from shared.core import audit, clock
from shared.jobs.models import Job
from shared.jobs.opening import locked
from shared.jobs.states import JOB, JobStatus
from shared.jobs.working import end


def cancel(session: Session, job_id: UUID) -> Job:
    """Cancel a job. One that runs ends after the batch in hand, within seconds; asking twice changes nothing.

    Raises:
        NotFound: there is no such job.
        TransitionNotAllowed: it came to another end already.
    """
    job = locked(session, job_id)
    if job.status == JobStatus.CANCELED or job.cancel_wanted:
        return job
    JOB.require(job.status, JobStatus.CANCELED)
    if job.status != JobStatus.RUNNING:
        end(session, job, JobStatus.CANCELED)
        return job
    job.cancel_wanted, job.updated_at, job.version = True, clock.now(), job.version + 1
    session.flush()
    audit.record(
        session,
        action="job.cancel_wanted",
        entity="job",
        entity_id=job.id,
        before={"cancel_wanted": False},
        after={"cancel_wanted": True},
    )
    return job
