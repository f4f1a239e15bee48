"""Imports and exports over HTTP, for merchants; how far they are is read at /jobs. Each route is its own Lambda."""

from shared.core.functions import Api
from shared.core.request import Caller, StoreSession
from shared.core.states import TransitionNotAllowed
from shared.core.typeids import JobId
from shared.imports import beginning
from shared.imports.beginning import OtherCurrency
from shared.imports.schemas import ImportOut, NewExport, NewImport
from shared.jobs.opening import TooManyJobs
from shared.jobs.schemas import JobDescriptor

api = Api("imports", prefix="/api/v1", audience="merchant")

_PERMISSION = "integration.manage"


@api.post("/imports", status_code=201, permission=_PERMISSION, raises=(OtherCurrency, TooManyJobs), uses=("uploads",))
def open_import(wanted: NewImport, session: StoreSession, caller: Caller) -> ImportOut:
    """Open an import of products, and get the form by which its file is sent.

    It makes what the file says of products that the file names; others stay as they are. Needs product.write, too;
    product.publish, unless `publish` is `draft`; inventory.adjust, unless `stock` is `leave`.
    """
    job, form = beginning.open_import(session, wanted, by=caller)
    return ImportOut.of(job, form)


@api.post("/imports/{job_id}/start", permission=_PERMISSION, raises=(TransitionNotAllowed,), uses=("uploads",))
def start_import(job_id: JobId, session: StoreSession) -> JobDescriptor:
    """Start an import whose file was sent. Starting it twice changes nothing."""
    return JobDescriptor.of(beginning.start(session, job_id))


@api.post("/exports", status_code=201, permission=_PERMISSION, raises=(TooManyJobs,), uses=("uploads",))
def open_export(wanted: NewExport, session: StoreSession, caller: Caller) -> JobDescriptor:  # noqa: ARG001 -- one form
    """Export all products in the form that an import reads; the job says where its file can be fetched.

    Needs product.read and inventory.read, too: the file has costs and stock.
    """
    return JobDescriptor.of(beginning.open_export(session, by=caller))


handler = api.lambda_handler()
