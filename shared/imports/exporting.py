"""Exporting all products of a store as one file, which streams from the database into the object store.

Pages of products are read in transactions of their own, so an export holds no snapshot and no lock: each product is as
it was when its page was read. A file is kept whole or not at all; an export that was lost begins again.
"""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

from shared.catalog import whole_products
from shared.core import clock, database, storage
from shared.core.storage import Bucket
from shared.imports import writing
from shared.inventory import counted
from shared.jobs import driving, working
from shared.jobs.driving import Ending, Way
from shared.jobs.working import Claim, Progress
from shared.media import origins

PRODUCTS_A_PAGE = 50  # of up to 2,000 variants each


class _Canceled(Exception):
    """Somebody wants no more of it: nothing of the file is kept."""


def export(claim: Claim) -> Ending:
    """Write the file of an export. The work of its consumer: no transaction is open while bytes are sent."""
    return driving.guarded(claim, lambda: _Export(claim).write())


class _Export:
    """One export in the hands of one worker."""

    def __init__(self, claim: Claim) -> None:
        self.claim = replace(claim, counts={}, done=0)  # it begins again, whatever another worker had counted

    def write(self) -> Ending:
        key = storage.key_of(self.claim.store_id, "exports", f"{self.claim.job_id}.csv")
        try:
            size = storage.objects().put_parts(Bucket.UPLOADS, key, self._parts(), media_type="text/csv")
        except _Canceled:
            return Ending(self.claim, Way.CANCELED)
        name = f"products-{clock.now():%Y-%m-%d}.csv"
        return Ending(self.claim, Way.FINISHED, result={"key": key, "file_name": name, "bytes": size})

    def _parts(self) -> Iterator[bytes]:
        yield writing.header()
        after: UUID | None = None
        while True:
            with database.transaction(self.claim.store_id) as session:
                total = whole_products.count(session) if after is None else None
                found = whole_products.page(session, after=after, most=PRODUCTS_A_PAGE)
                variants = [UUID(variant["id"]) for one in found for variant in one.variants]
                media = [UUID(image["media_id"]) for one in found for image in one.images]
                stock = counted.counted(session, variants) if variants else {}
                pictures = origins.origins(session, media) if media else {}
                part, rows = writing.lines(found, stock, pictures)
                counts = {"products": len(found), "rows": rows}
                progress = Progress({}, counts, done=self.claim.done + len(found), total=total)
                self.claim, wanted = working.advance(session, self.claim, progress)
            if not wanted:
                raise _Canceled
            if not found:
                return
            yield part
            after = found[-1].id
