"""Beginning imports and exports: what they need, what whoever begins them must be allowed, and where the file goes."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from shared.core import ids, storage
from shared.core.errors import Forbidden, Problem
from shared.core.principal import Principal
from shared.core.storage import Bucket, Form
from shared.imports.kinds import EXPORT, IMPORT
from shared.imports.schemas import NewImport
from shared.jobs import opening
from shared.jobs.models import Job
from shared.stores.queries import present_store

MOST_BYTES = 2**29  # of a file: half a gigabyte, about three million rows
_UPLOAD_WITHIN = timedelta(hours=1)

_PERMISSIONS = {
    "product.write": "An import makes and changes products.",
    "product.publish": "An import may publish products; without this permission, say publish=draft.",
    "inventory.adjust": "An import may set what is on hand; without this permission, say stock=leave.",
}
_SHOWN = ("product.read", "inventory.read")  # by an export


class OtherCurrency(Problem):
    """The amounts of the file are meant in another currency than the store's; nothing converts them."""

    status = 422
    code = "other_currency"


def open_import(session: Session, wanted: NewImport, *, by: Principal | None) -> tuple[Job, Form]:
    """Open an import that waits for its file; return it with the form by which the file is sent, within an hour.

    Raises:
        OtherCurrency: the store has another currency than the file is expected to have.
        Forbidden: `by` may not do what the import would.
        TooManyJobs: the store has too many open jobs.
    """
    store = present_store(session)
    if wanted.currency not in (None, store.currency):
        detail = f"The store's currency is {store.currency}; a file in {wanted.currency} is to be converted first."
        raise OtherCurrency(detail, currency=store.currency)
    needed = ["product.write"]
    needed += ["product.publish"] if wanted.publish != "draft" else []
    needed += ["inventory.adjust"] if wanted.stock == "set" else []
    for permission in needed:
        if by is not None and not by.may(permission):
            raise Forbidden(f"{_PERMISSIONS[permission]} It needs the permission {permission}.")
    job_id = ids.new_id()
    params = {**wanted.model_dump(mode="json"), "currency": store.currency, "key": _key(store.id, job_id)}
    job = opening.open_job(session, IMPORT, params=params, by=by, awaiting_upload=True, job_id=job_id)
    form = storage.objects().presigned_upload(
        Bucket.UPLOADS, params["key"], media_type="text/csv", most_bytes=MOST_BYTES, expires=_UPLOAD_WITHIN
    )
    return job, form


def start(session: Session, job_id: UUID) -> Job:
    """Put an import, whose file was sent, into its queue. Starting it twice changes nothing.

    Raises:
        NotFound: there is no such import.
        TransitionNotAllowed: it was canceled, or given up.
    """
    return opening.queue(session, opening.locked(session, job_id, kind=IMPORT))


def open_export(session: Session, *, by: Principal | None) -> Job:
    """Open an export of all products that are not deleted.

    Raises:
        Forbidden: `by` may not read all that an export shows.
        TooManyJobs: the store has too many open jobs.
    """
    for permission in _SHOWN:
        if by is not None and not by.may(permission):
            raise Forbidden(f"An export shows products with their costs and stock: it needs {permission}.")
    return opening.open_job(session, EXPORT, params={"format": "shopify_csv"}, by=by)


def _key(store_id: UUID, job_id: UUID) -> str:
    return storage.key_of(store_id, "imports", f"{job_id}.csv")
