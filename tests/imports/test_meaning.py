"""What rows mean: whatever stands in their cells, a product comes of it or a reason."""

import io
from typing import BinaryIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.imports import cells, columns, reading, shopify
from shared.imports.cells import BadCell
from shared.imports.columns import NAMES, Column
from shared.imports.grouping import MOST_ROWS, Group, Row, batches
from shared.imports.options import ImportOptions
from shared.imports.reading import Record, Unreadable
from shared.jobs.models import Severity
from tests.imports.files import written

pytestmark = pytest.mark.usefixtures("application")  # an address of ours is told from others by the settings

HEADER = columns.header([names[0] for names in NAMES.values()])
OPTIONS = ImportOptions()

_LIKELY = st.sampled_from(
    ["", "a", "Size", "Title", "Default Title", "12.50", "-1", "true", "deny", "active", "kg", "https://a.example/b"]
)
_ANYTHING = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
_ROWS = st.lists(st.lists(_LIKELY | _ANYTHING, min_size=len(NAMES), max_size=len(NAMES)), min_size=1, max_size=5)


@given(_ROWS)
def test_any_row_becomes_a_product_or_says_why_not(rows: list[list[str]]) -> None:
    group = Group("mug", 2, [Row(line, row) for line, row in enumerate(rows, start=2)], len(rows))

    found = shopify.meaning(group, HEADER, OPTIONS, "BDT")

    errors = [one for one in found.findings if one.severity is Severity.ERROR]
    assert (found.document is not None) or errors
    assert found.failed_rows == 0 or errors
    assert all(2 <= (one.line or 0) < 2 + len(rows) for one in found.findings)


@given(st.binary(max_size=300))
@example(b'Handle\n"')
@example(b"\xff\xfeH\x00a")
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    def open_at(start: int) -> BinaryIO:
        return io.BytesIO(content[start:])

    try:
        form = reading.recognize(open_at)
        header = columns.header(form.header)
    except Unreadable:
        return
    for batch in batches(reading.records(open_at, form, start=form.body, line=form.body_line), header):
        for group in batch.groups:
            shopify.meaning(group, header, OPTIONS, "BDT")


@given(text=_ANYTHING, code=st.booleans())
@example(text="'=1", code=True)
@example(text="''0123", code=True)
@example(text="'90s", code=False)
def test_a_text_that_is_made_harmless_means_what_it_was(*, text: str, code: bool) -> None:
    harmless = cells.harmless(text, code=code)

    assert cells.meant(harmless, code=code) == text
    assert not harmless.startswith(("=", "+", "-", "@", "\t", "\r"))


@given(st.integers(0, 10**12), st.sampled_from(["BDT", "JPY", "KWD", "CLF"]))
def test_an_amount_that_is_written_is_read_as_what_it_was(minor: int, currency: str) -> None:
    assert cells.amount(cells.written_amount(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("12.5", "BDT", 1250), ("12", "JPY", 12), ("12.00", "JPY", 12), ("1.234", "KWD", 1234), ("0", "BDT", 0)],
)
def test_amounts_have_the_decimals_of_their_currency(text: str, currency: str, minor: int) -> None:
    assert cells.amount(text, currency) == minor


def test_more_decimals_than_the_currency_has_are_refused() -> None:
    with pytest.raises(BadCell, match=r"more decimals than JPY has \(0\)"):
        cells.amount("12.50", "JPY")


@given(st.lists(st.text("ab ,", min_size=1, max_size=5).map(str.strip).filter(bool), max_size=4))
def test_tags_come_back_with_their_commas(tags: list[str]) -> None:
    assert cells.tags_of(cells.written_tags(tags)) == tags


@pytest.mark.parametrize(
    ("handle", "slug"),
    [
        ("tea-mug", "tea-mug"),
        ("Tea-Mug", "tea-mug"),
        ("tea_mug", "tea-mug-9d4e0837b7"),
        ("চা", "product-af9ccfc5d2"),
    ],
)
def test_a_handle_always_becomes_the_same_address(handle: str, slug: str) -> None:
    assert shopify.slug_of(handle) == slug


def test_different_handles_become_different_addresses() -> None:
    handles = ["tea mug", "tea_mug", "tea--mug", "tea-mug", "tea-mug-", "x" * 300, "x" * 301]

    assert len({shopify.slug_of(handle) for handle in handles}) == len(handles)


def test_a_header_knows_the_old_names_and_the_new_ones() -> None:
    old = columns.header(["Handle", "Variant SKU", "Body (HTML)", "Variant Compare At Price"])
    new = columns.header(["compare-at price", "description", "SKU", "URL handle", "SKU", "Colour"])

    assert old.places.keys() == new.places.keys()
    assert new.places[Column.SKU] == 2
    assert (new.doubled, new.left_out) == (("SKU",), ("Colour",))


def test_a_product_keeps_a_bounded_number_of_rows() -> None:
    records = (Record(["mug", str(line)], line, line, line) for line in range(2, 50_000))

    [batch] = batches(records, columns.header(["Handle", "Title"]))

    assert (len(batch.groups[0].rows), batch.groups[0].count) == (MOST_ROWS, 49_998)


def test_the_names_of_an_export_are_those_that_an_import_knows() -> None:
    first = written([], [names[0] for names in NAMES.values()]).decode().strip().split(",")

    assert len(columns.header(first).places) == len(NAMES)
