"""Reading jobs: one, or the store's list, the newest first."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.core.errors import NotFound
from shared.core.paging import Filter, Listing, ListQuery, PageInfo
from shared.jobs.models import Job
from shared.jobs.states import JobStatus

JOBS = Listing(
    Job,
    filters={
        "kind": Filter(Job.kind, ("eq", "in")),
        "status": Filter(Job.status, ("eq", "in"), accepts=JobStatus),
    },
    sorts={"created_at": (Job.id,)},  # an id is made with its job, and ordered by time
    default_sort="-created_at",
)


def list_jobs(session: Session, query: ListQuery) -> tuple[list[Job], PageInfo, int | None]:
    """Return one page of the store's jobs. One statement."""
    return JOBS.run(session, query, select(Job))


def get_job(session: Session, job_id: UUID, *, kind: str | None = None) -> Job:
    """Return one job; with `kind`, only one of that kind. One statement.

    Raises:
        NotFound: there is none.
    """
    job = session.scalars(select(Job).where(Job.id == job_id)).one_or_none()
    if job is None or kind not in (None, job.kind):
        detail = "There is no such job."
        raise NotFound(detail)
    return job
