"""Reading what a job found: page by page, and as a file for a spreadsheet."""

import csv
import io
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.core.errors import NotFound
from shared.core.paging import Filter, Listing, ListQuery, PageInfo
from shared.jobs.findings import MOST
from shared.jobs.models import Job, JobFinding, Severity

FINDINGS = Listing(
    JobFinding,
    filters={"severity": Filter(JobFinding.severity, accepts=Severity), "code": Filter(JobFinding.code)},
    sorts={"found": (JobFinding.id,)},
    default_sort="found",
)


def list_findings(session: Session, job_id: UUID, query: ListQuery) -> tuple[list[JobFinding], PageInfo, int | None]:
    """Return one page of a job's findings, in the order of the file.

    Raises:
        NotFound: there is no such job.
    """
    _require(session, job_id)
    return FINDINGS.run(session, query, select(JobFinding).where(JobFinding.job_id == job_id))


def first_findings(session: Session, job_id: UUID, *, most: int) -> Sequence[JobFinding]:
    """Return the first of a job's findings, for who shows them beside it. One statement."""
    chosen = select(JobFinding).where(JobFinding.job_id == job_id).order_by(JobFinding.id).limit(most)
    return session.scalars(chosen).all()


def as_csv(session: Session, job_id: UUID) -> bytes:
    """Return all of a job's findings as a CSV file: line, severity, code, column, message.

    A message repeats no more of a cell than its beginning, and no field begins as a formula does.

    Raises:
        NotFound: there is no such job.
    """
    _require(session, job_id)
    chosen = select(JobFinding).where(JobFinding.job_id == job_id).order_by(JobFinding.id).limit(MOST)
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(["Line", "Severity", "Code", "Column", "Message"])
    for one in session.scalars(chosen):
        writer.writerow([one.line, one.severity, one.code, _plain(one.subject), _plain(one.message)])
    return file.getvalue().encode("utf-8-sig")  # with its mark, without which Excel reads another encoding


def _require(session: Session, job_id: UUID) -> None:
    if session.scalar(select(Job.id).where(Job.id == job_id)) is None:
        detail = "There is no such job."
        raise NotFound(detail)


def _plain(text: str) -> str:
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text
