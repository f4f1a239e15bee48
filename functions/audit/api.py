"""The audit trail over HTTP: read it, and have it verified. Each route is a Lambda of its own."""

from typing import Annotated

from fastapi import Depends

from shared.audit import checking, queries
from shared.audit.checking import Checked
from shared.audit.queries import ENTRIES
from shared.audit.schemas import EntryOut, EntryWithProof, VerificationOut
from shared.core.errors import NotFound
from shared.core.functions import Api
from shared.core.paging import InvalidListing, ListQuery, Page
from shared.core.request import Caller, StoreSession
from shared.core.typeids import AuditEntryId, JobId
from shared.jobs.opening import TooManyJobs

api = Api("audit", prefix="/api/v1/audit", audience="merchant")


@api.get("/entries", permission="audit.view", raises=(InvalidListing,))
def list_entries(query: Annotated[ListQuery, Depends(ENTRIES.query)], session: StoreSession) -> Page[EntryOut]:
    """List who changed what in the last months, the newest first. Older entries are archived."""
    found, page, total = queries.list_entries(session, query)
    return Page[EntryOut](data=[EntryOut.of(entry) for entry in found], page=page, total=total)


@api.get("/entries/{entry_id}", permission="audit.view", raises=(NotFound,))
def get_entry(entry_id: AuditEntryId, session: StoreSession) -> EntryWithProof:
    """Read one change, and the proof that it is bound into the store's chain."""
    entry, block = queries.get_entry(session, entry_id)
    return EntryWithProof.proven(entry, block)


@api.post("/verifications", status_code=201, permission="audit.verify", raises=(TooManyJobs,))
def open_verification(session: StoreSession, caller: Caller) -> VerificationOut:
    """Have the whole trail verified, from its first block to its last entry, archived months included.

    It names each block and entry that was altered, removed or inserted since it was sealed.
    """
    return VerificationOut.of(Checked(checking.open_verification(session, by=caller), ()))


@api.get("/verifications/{job_id}", permission="audit.verify", raises=(NotFound,))
def get_verification(job_id: JobId, session: StoreSession) -> VerificationOut:
    """Read how far a verification is, and what it found."""
    return VerificationOut.of(checking.get_verification(session, job_id))


handler = api.lambda_handler()
