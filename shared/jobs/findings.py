"""What a job found: one row for each thing that it has to say of its input."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from shared.core import ids
from shared.jobs.models import JobFinding, Severity

MOST = 10_000  # of one job; what is beyond is counted and not kept
LONGEST_MESSAGE = 500  # characters


@dataclass(frozen=True)
class Finding:
    """One thing to say. `line`: of the file, from 1; None: of the whole. `subject`: the column or thing meant."""

    line: int | None
    severity: Severity
    code: str
    message: str
    subject: str = ""


def record(session: Session, job_id: UUID, found: Sequence[Finding], *, kept_before: int) -> int:
    """Keep findings of a job, as many as it may have; return how many were kept. At most one statement."""
    room = max(MOST - kept_before, 0)
    distinct = {(one.line, one.code, one.subject): one for one in found}
    rows = [
        {
            "id": ids.new_id(),
            "job_id": job_id,
            "line": one.line,
            "severity": one.severity.value,
            "code": one.code,
            "message": one.message[:LONGEST_MESSAGE],
            "subject": one.subject[:LONGEST_MESSAGE],
        }
        for one in list(distinct.values())[:room]
    ]
    if rows:
        session.execute(insert(JobFinding), rows)
    return len(rows)
