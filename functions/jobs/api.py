"""Jobs over HTTP, for merchants: watch them, read what they found, cancel them. Each route is a Lambda of its own."""

from typing import Annotated

from fastapi import Depends, Response

from shared.core.errors import NotFound
from shared.core.functions import Api
from shared.core.paging import InvalidListing, ListQuery, Page
from shared.core.request import StoreSession
from shared.core.states import TransitionNotAllowed
from shared.core.typeids import JobId
from shared.jobs import cancellation, queries, reports
from shared.jobs.queries import JOBS
from shared.jobs.reports import FINDINGS
from shared.jobs.schemas import FindingOut, JobDescriptor

api = Api("jobs", prefix="/api/v1/jobs", audience="merchant")

_PERMISSION = "integration.manage"


@api.get("", permission=_PERMISSION, raises=(InvalidListing,), uses=("uploads",))
def list_jobs(query: Annotated[ListQuery, Depends(JOBS.query)], session: StoreSession) -> Page[JobDescriptor]:
    """List the store's imports, exports and other long work, the newest first."""
    found, page, total = queries.list_jobs(session, query)
    return Page[JobDescriptor](data=[JobDescriptor.of(job) for job in found], page=page, total=total)


@api.get("/{job_id}", permission=_PERMISSION, uses=("uploads",))
def get_job(job_id: JobId, session: StoreSession) -> JobDescriptor:
    """Read how far a job is."""
    return JobDescriptor.of(queries.get_job(session, job_id))


@api.post("/{job_id}/cancel", permission=_PERMISSION, raises=(TransitionNotAllowed,), uses=("uploads",))
def cancel_job(job_id: JobId, session: StoreSession) -> JobDescriptor:
    """Cancel a job. One that runs ends after the batch in hand; what it did stays done."""
    return JobDescriptor.of(cancellation.cancel(session, job_id))


@api.get("/{job_id}/findings", permission=_PERMISSION, raises=(InvalidListing, NotFound))
def list_findings(
    job_id: JobId, query: Annotated[ListQuery, Depends(FINDINGS.query)], session: StoreSession
) -> Page[FindingOut]:
    """List what a job found, in the order of its file: which line, what, and why."""
    found, page, total = reports.list_findings(session, job_id, query)
    return Page[FindingOut](data=[FindingOut.of(one) for one in found], page=page, total=total)


@api.get("/{job_id}/findings.csv", permission=_PERMISSION, produces=("text/csv",), raises=(NotFound,))
def download_findings(job_id: JobId, session: StoreSession) -> Response:
    """Download all that a job found, as a file for a spreadsheet."""
    headers = {"Content-Disposition": 'attachment; filename="findings.csv"'}
    return Response(reports.as_csv(session, job_id), media_type="text/csv", headers=headers)


handler = api.lambda_handler()
