"""Verification as a job: opened by a merchant, worked off page by page, with what it found beside it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from shared.audit.sealing_keys import sealing_keys
from shared.audit.vault import vault
from shared.audit.verification import Checkpoint, Page, Verification
from shared.core.principal import Principal
from shared.jobs import findings, opening, queries, reports
from shared.jobs.findings import Finding
from shared.jobs.models import Job, JobFinding, Severity
from shared.jobs.working import Claim, Progress

KIND = "audit_verification"
SHOWN = 100  # findings beside a verification; all of them are the job's


@dataclass(frozen=True)
class Checked:
    """A verification with the first of its findings."""

    job: Job
    findings: Sequence[JobFinding]


def open_verification(session: Session, *, by: Principal | None) -> Job:
    """Open the verification of the tenant's whole trail.

    Raises:
        TooManyJobs: the tenant has as many open jobs as it may have.
    """
    return opening.open_job(session, KIND, params={}, by=by)


def get_verification(session: Session, job_id: UUID) -> Checked:
    """Return a verification with the first of its findings. Two statements.

    Raises:
        NotFound: there is no such job, or it is none that verifies.
    """
    job = queries.get_job(session, job_id, kind=KIND)
    return Checked(job, reports.first_findings(session, job_id, most=SHOWN))


def batches(claim: Claim) -> Iterator[Page]:
    """Yield the pages of a verification from its checkpoint on."""
    verification = Verification(claim.store_id, keys=sealing_keys(), vault=vault())
    return verification.pages(Checkpoint.read(claim.checkpoint.get("verified", {})))


def apply(session: Session, claim: Claim, page: Page) -> Progress:
    """Note what a page came to."""
    found = [Finding(None, Severity.ERROR, one.code.value, one.message, one.subject) for one in page.findings]
    kept = int(claim.checkpoint.get("findings", 0))
    kept += findings.record(session, claim.job_id, found, kept_before=kept)
    blocks = claim.counts.get("blocks", 0) + page.counts.get("blocks", 0)
    return Progress(
        checkpoint={"verified": page.checkpoint.told(), "findings": kept},
        counts={**page.counts, "findings": len(found)},
        done=blocks,
    )
