"""Reading files as they stream by: encodings, quotes, line ends, and the bytes at which records begin."""

import csv
import io
import tracemalloc
from collections.abc import Iterator
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.imports import reading
from shared.imports.reading import Form, Open, Record, Unreadable

HEADER = "Handle,Title,Body (HTML)\n"


def a_file(content: bytes) -> Open:
    def open_at(start: int) -> BinaryIO:
        return io.BytesIO(content[start:])

    return open_at


def read(content: bytes) -> list[Record]:
    return list(_read(content))


def _read(content: bytes) -> Iterator[Record]:
    form = reading.recognize(a_file(content))
    yield from reading.records(a_file(content), form, start=form.body, line=form.body_line)


@pytest.mark.parametrize(
    ("encoding", "read_as"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16-le"),
        ("cp1252", "cp1252"),
    ],
)
def test_what_spreadsheets_write_is_read(encoding: str, read_as: str) -> None:
    content = (HEADER + "café,Thé “vert”,<p>é</p>\ntea,Tea,\n").encode(encoding)

    form = reading.recognize(a_file(content))

    assert (form.encoding, form.header) == (read_as, ["Handle", "Title", "Body (HTML)"])
    assert [record.cells for record in read(content)] == [["café", "Thé “vert”", "<p>é</p>"], ["tea", "Tea", ""]]


def test_utf_16_of_the_other_order_is_read() -> None:
    content = b"\xfe\xff" + (HEADER + "চা,চায়ের কাপ,\n").encode("utf-16-be")

    assert [record.cells for record in read(content)] == [["চা", "চায়ের কাপ", ""]]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_the_headers(separator: str) -> None:
    content = separator.join(["Handle", "Title"]) + "\n" + separator.join(["tea", '"a,b;c\td"']) + "\n"

    assert [record.cells for record in read(content.encode())] == [["tea", "a,b;c\td"]]


def test_quotes_and_line_ends_inside_cells_are_text() -> None:
    html = '"<p class=""a"">\r\nTwo\n\nlines, and a ""quote""</p>"'
    content = f'{HEADER}tea,"Tea, green",{html}\nmug,Mug,\n'

    first, second = read(content.encode())

    assert first.cells == ["tea", "Tea, green", '<p class="a">\r\nTwo\n\nlines, and a "quote"</p>']
    assert (first.line, second.line, second.cells[0]) == (2, 6, "mug")


def test_lines_may_end_as_on_windows_and_the_last_one_not_at_all() -> None:
    records = read(b"Handle,Title\r\ntea,Tea\r\n\r\n,\r\nmug,Mug")

    assert [(record.line, record.cells) for record in records] == [(2, ["tea", "Tea"]), (5, ["mug", "Mug"])]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"tea,Tea", "too_few_cells"),
        (b"tea,Tea,,more", "too_many_cells"),
        (b"tea,Tea,\x00", "nul_character"),
        (b"tea,\xff\xfe,", "not_utf8"),
        (b'tea,"Tea"mug,', "quotes_unclear"),
    ],
)
def test_a_bad_record_is_told_and_the_next_one_is_read(line: bytes, problem: str) -> None:
    padding = "পাতা,Leaf,\n".encode() * 5000  # beyond the sample: the encoding is known by then

    *_, bad, good = read(HEADER.encode() + padding + line + b"\nmug,Mug,\n")

    assert (bad.problem, bad.line) == (problem, 5002)
    assert (good.problem, good.cells[0], good.line) == (None, "mug", 5003)


def test_cells_beyond_the_header_that_are_empty_are_none() -> None:
    assert [record.problem for record in read(HEADER.encode() + b"tea,Tea,,,,\n")] == [None]


def test_a_quote_that_is_never_closed_costs_its_record_and_little_memory() -> None:
    content = HEADER.encode() + b'tea,"Tea,\n' + b"mug,Mug,\n" * 400_000

    tracemalloc.start()
    problems = [record.problem for record in _read(content) if record.problem]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert problems == ["quote_never_closed"]
    assert peak < len(content) + 6 * 2**20  # the opened copy, and some megabytes


def test_a_quote_that_is_open_at_the_end_is_told() -> None:
    (record,) = read(HEADER.encode() + b'tea,"Tea,\nmug,Mug,\n')

    assert (record.problem, record.line) == ("quote_never_closed", 2)


def test_a_line_without_end_costs_its_record() -> None:
    content = HEADER.encode() + b"tea," + b"x" * 3 * 2**20 + b",\nmug,Mug,\n"

    *bad, good = read(content)

    assert {record.problem for record in bad} <= {"line_too_long", "quote_never_closed", "too_few_cells"}
    assert good.cells[0] == "mug"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \n", "empty"),
        (b"Handle,Title\rtea,Tea\r", "2001"),
        (b"PK\x03\x04\x00\x00workbook", "workbook"),
        (b"Handle\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "no CSV"),
        (b'"Handle,Title\ntea,Tea\n', "no header"),
    ],
)
def test_what_is_no_csv_file_is_refused_with_what_to_do(content: bytes, told: str) -> None:
    with pytest.raises(Unreadable, match=told):
        reading.recognize(a_file(content))


_CELL = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)


@given(st.lists(st.lists(_CELL, min_size=3, max_size=3), min_size=1, max_size=8), st.sampled_from(["utf-8", "utf-16"]))
def test_reading_can_go_on_at_the_end_of_any_record(rows: list[list[str]], encoding: str) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    content = (HEADER + file.getvalue()).encode(encoding)
    form = reading.recognize(a_file(content))
    whole = list(reading.records(a_file(content), form, start=form.body, line=form.body_line))

    for place, record in enumerate(whole):
        rest = list(reading.records(a_file(content), form, start=record.end, line=record.end_line))
        assert rest == whole[place + 1 :]
    assert [record.cells for record in whole] == [cells for cells in rows if any(cells)]


def test_a_form_is_plain_values() -> None:
    form = reading.recognize(a_file(HEADER.encode() + b"tea,Tea,\n"))

    assert form == Form("utf-8", ",", ["Handle", "Title", "Body (HTML)"], 25, 2)
