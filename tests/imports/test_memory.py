"""A file is never in memory as a whole: ten times the rows take the same memory."""

import tracemalloc

import pytest

from shared.core import ids, storage
from shared.core.storage import Bucket
from shared.imports import streaming
from shared.imports.schemas import NewImport
from shared.jobs.working import Claim
from tests.imports.catalogs import catalog

pytestmark = pytest.mark.usefixtures("application")


def test_ten_times_the_rows_take_the_same_memory() -> None:
    read(200)  # whatever is made once is made

    small, large = read(1500), read(15_000)

    assert (small[0], large[0]) == (1500, 15_000)
    assert large[1] < 1.3 * small[1], f"{small[1]:,} bytes at most, and {large[1]:,}"


def read(rows: int) -> tuple[int, int]:
    """Read a file as an import does; return its rows, and the bytes that were in memory at most."""
    store_id = ids.new_id()
    key = storage.key_of(store_id, "imports", "catalog.csv")
    storage.objects().put_parts(Bucket.UPLOADS, key, catalog(rows, 1), media_type="text/csv")
    params = {**NewImport(format="shopify_csv").model_dump(mode="json"), "currency": "BDT", "key": key}
    claim = Claim(store_id, ids.new_id(), "product_import", params, 1)
    tracemalloc.start()
    found = sum(product.rows for piece in streaming.pieces(claim) for product in piece.products)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return found, peak
