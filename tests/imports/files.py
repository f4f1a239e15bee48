"""Files of products for tests, as merchants have them, and imports of them from upload to end."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from functions.imports import run
from infra.local import events
from shared.core import ids, storage
from shared.core.storage import Bucket
from shared.imports import kinds, products, streaming
from shared.jobs import driving, working
from tests.factories import StoreUnderTest

FILES = Path(__file__).parent / "files"

COLUMNS = (
    *("Handle", "Title", "Body (HTML)", "Vendor", "Type", "Tags", "Published"),
    *("Option1 Name", "Option1 Value", "Option2 Name", "Option2 Value", "Option3 Name", "Option3 Value"),
    *("Variant SKU", "Variant Grams", "Variant Inventory Tracker", "Variant Inventory Qty"),
    *("Variant Inventory Policy", "Variant Price", "Variant Compare At Price", "Variant Requires Shipping"),
    *("Variant Taxable", "Variant Barcode", "Image Src", "Image Position", "Image Alt Text", "Variant Image"),
    *("Variant Weight Unit", "Cost per item", "Status"),
)
PRODUCT = {
    "Title": "Tea mug",
    "Published": "TRUE",
    "Option1 Name": "Title",
    "Option1 Value": "Default Title",
    "Variant Price": "12.50",
    "Variant Inventory Tracker": "shopify",
    "Variant Inventory Qty": "5",
    "Status": "active",
}


@dataclass(frozen=True)
class Imported:
    """An import that came to its end."""

    store: StoreUnderTest
    job_id: str

    @property
    def job(self) -> dict[str, Any]:
        """The job as its merchant reads it."""
        read: dict[str, Any] = self.store.merchant.get(f"/jobs/{self.job_id}").json()
        return read

    @property
    def findings(self) -> list[tuple[int, str, str]]:
        """Line, code and column of what it found, in the order of the file."""
        listed = self.store.merchant.get(f"/jobs/{self.job_id}/findings?limit=100").json()["data"]
        return [(one["line"], one["code"], one["column"]) for one in listed]

    def counted(self, *names: str) -> tuple[int, ...]:
        """Return counts by name."""
        return tuple(self.job["counts"].get(name, 0) for name in names)


def row(handle: str, **cells: str) -> dict[str, str]:
    """Return a row of a product or variant; cells by the column's name, underscores for its spaces."""
    return {"Handle": handle, **{name.replace("_", " "): text for name, text in cells.items()}}


def product(handle: str, **cells: str) -> dict[str, str]:
    """Return the row of a product with one variant, on sale for 12.50, five on the shelf."""
    return {**PRODUCT, **row(handle, **cells)}


def written(rows: Sequence[Mapping[str, str]], columns: Sequence[str] = COLUMNS) -> bytes:
    """Write a file."""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


def opened(store: StoreUnderTest, content: bytes | Iterable[bytes], **options: Any) -> Imported:
    """Open an import and send its file."""
    answer = store.merchant.post("/imports", json={"format": "shopify_csv", **options})
    assert answer.status_code == 201, answer.text
    job_id = answer.json()["job"]["id"]
    key = storage.key_of(store.id, "imports", f"{ids.decode('job', job_id)}.csv")
    parts = [content] if isinstance(content, bytes) else content
    storage.objects().put_parts(Bucket.UPLOADS, key, parts, media_type="text/csv")
    return Imported(store, job_id)


def started(store: StoreUnderTest, content: bytes | Iterable[bytes], **options: Any) -> Imported:
    """Open an import, send its file and put it into its queue."""
    imported = opened(store, content, **options)
    answer = store.merchant.post(f"/imports/{imported.job_id}/start")
    assert answer.status_code == 200, answer.text
    return imported


def imported(store: StoreUnderTest, content: bytes, **options: Any) -> Imported:
    """Import a file, from its upload to its end."""
    begun = started(store, content, **options)
    work(store.id)
    return begun


def half_done(store: StoreUnderTest, content: bytes) -> Imported:
    """Import the first batch of a file, whose worker has handed over then."""
    begun = started(store, content)
    for _ in range(2):  # what the file is, and a batch of it
        with store.session() as session:
            claim = working.claim_next(session, kinds.IMPORT)
        assert claim is not None
        ending = driving.drive(claim, streaming.pieces, products.apply, period=timedelta(0))
        with store.session() as session:
            driving.settle(claim, ending, session)
    return begun


def work(store_id: UUID) -> None:
    """Let a worker take the store's next import, as SQS would."""
    body = f'{{"store_id": "{store_id}"}}'
    answer = run.handler(events.sqs_event("product-import-jobs", [body]), events.context("run"))
    assert answer == {"batchItemFailures": []}
