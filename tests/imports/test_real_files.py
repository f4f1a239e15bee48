"""Files as merchants have them: real exports where the folder with them is there, and our own everywhere."""

from pathlib import Path

import pytest

from tests.factories import a_store
from tests.imports.files import FILES, imported
from tests.imports.test_exports import everything, exported

pytestmark = pytest.mark.usefixtures("watch")

_REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "shopify"
_WHOLE = [FILES / "html_with_line_breaks.csv", *sorted(_REAL.glob("*.csv"))]


@pytest.mark.parametrize("path", _WHOLE, ids=lambda path: path.stem)
def test_an_export_is_taken_whole_and_comes_back_the_same(path: Path) -> None:
    store = a_store()

    first = imported(store, path.read_bytes())
    before = everything(store)
    again = imported(store, path.read_bytes())
    file = exported(store)
    returned = imported(store, file)

    assert first.job["status"] == "succeeded"
    assert first.counted("failed", "errors") == (0, 0), first.findings
    assert {code for _, code, _ in first.findings} <= {"columns_left_out", "compare_at_not_above_price"}
    assert first.counted("created") == first.counted("products") > (0,)
    assert again.counted("unchanged") == returned.counted("unchanged") == first.counted("products")
    assert everything(store) == before
    assert exported(store) == file


@pytest.mark.parametrize(
    ("name", "rows", "created", "failed", "codes"),
    [
        ("with_mark.csv", 2, 2, 0, set()),
        ("utf_16.csv", 2, 2, 0, set()),
        ("windows_1252.csv", 2, 2, 0, {"encoding_guessed"}),
        ("semicolons.csv", 2, 2, 0, set()),
        ("html_with_line_breaks.csv", 4, 3, 0, set()),
        ("new_names.csv", 3, 2, 0, {"columns_left_out"}),
        ("reordered_and_missing_columns.csv", 2, 2, 0, {"columns_left_out"}),
        ("wrong_numbers.csv", 8, 2, 6, {"no_number", "below_zero", "too_many_decimals", "no_whole_number"}),
        ("empty_skus.csv", 5, 3, 0, set()),
        ("formulas.csv", 4, 4, 0, set()),
        ("bad_records.csv", 7, 3, 2, {"too_many_cells", "too_few_cells", "quotes_unclear", "quote_never_closed"}),
    ],
)
def test_files_of_every_kind_are_taken(name: str, rows: int, created: int, failed: int, codes: set[str]) -> None:
    store = a_store()

    done = imported(store, (FILES / name).read_bytes())

    assert done.job["status"] == "succeeded", done.job
    assert done.counted("rows", "created", "failed") == (rows, created, failed), done.findings
    assert {code for _, code, _ in done.findings} - {"product_incomplete"} == codes


def test_a_workbook_is_refused_with_what_to_do() -> None:
    done = imported(a_store(), b"PK\x03\x04" + bytes(500))

    assert done.job["status"] == "failed"
    assert "saved as CSV" in done.job["failure"]
