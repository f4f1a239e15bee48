"""Reading a CSV file as it streams by: one record at a time, with its line and the byte at which the next one begins.

A file may be of any size; what is kept of it is one record, which is bounded, too: a quote that is never closed costs
a quarter of a megabyte and its record, not the file. Spreadsheets write UTF-8 with and without its mark, UTF-16 and the
Windows code page 1252, with commas, semicolons or tabs; all are taken.
"""

import codecs
import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, Self

LONGEST_FIELD: Final = 2**18  # characters; a description has up to 100,000
_LONGEST_LINE: Final = 2**20  # bytes
_SAMPLE: Final = 2**16  # bytes by which the encoding is recognized
_SEPARATORS = (",", ";", "\t")

type Open = Callable[[int], BinaryIO]  # opens the file at a byte


class Unreadable(Exception):
    """The file is no CSV file that can be read; the text says what to do."""


@dataclass(frozen=True)
class Form:
    """How a file is written: plain values, for a checkpoint."""

    encoding: str  # "utf-8", "cp1252", "utf-16-le", "utf-16-be"
    separator: str
    header: list[str]
    body: int  # the byte at which the first record after the header begins, in the file as UTF-8 where it was UTF-16
    body_line: int  # and its line


@dataclass(frozen=True)
class Record:
    """One record. `line`: where it begins, from 1; `end`, `end_line`: where the next begins."""

    cells: list[str]
    line: int
    end: int
    end_line: int
    problem: str | None = None  # the code of what is wrong with it; its cells are not to be used


def recognize(open_at: Open) -> Form:
    """Find out how a file is written, and read its header.

    Raises:
        Unreadable: it is empty, is no text, has no header line, or line ends of another age.
    """
    with open_at(0) as file:
        sample = file.read(_SAMPLE)
    encoding, mark = _encoding(sample)
    text = sample[mark:].decode(encoding, errors="replace")
    if not text.strip():
        raise Unreadable("The file is empty.")
    if "\r" in text and "\n" not in text:
        raise Unreadable("Its lines end as on computers before 2001. Save it as CSV UTF-8 (comma delimited).")
    if text.startswith(("PK\x03\x04", "\xd0\xcf\x11\xe0")) or text[:2000].count("\x00") > 10:  # noqa: PLR2004 -- no text
        raise Unreadable("This is no CSV file; a workbook is to be saved as CSV UTF-8 (comma delimited) first.")
    first = text.split("\n", 1)[0]
    separator = max(_SEPARATORS, key=lambda one: (first.count(one), -_SEPARATORS.index(one)))
    start = 0 if encoding.startswith("utf-16") else mark
    form = Form(encoding, separator, [], start, 1)
    header = next(records(open_at, form, start=start, line=1), None)
    if header is None or header.problem is not None:
        raise Unreadable("The file's first line is no header.")
    return Form(encoding, separator, [cell.strip() for cell in header.cells], header.end, header.end_line)


def records(open_at: Open, form: Form, *, start: int, line: int) -> Iterator[Record]:
    """Read records from the byte `start`, which is on line `line`; lines without anything are left out.

    Where `form` has a header, each record has as many cells, or a problem.
    """
    with _Lines(open_at, form.encoding, start, line) as lines:
        reader = csv.reader(lines, delimiter=form.separator, strict=True)
        while True:
            begins = lines.begin()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:  # what csv has read of it is gone; the next line begins a record
                unclosed = "field limit" in str(error) or "end of data" in str(error)
                cells, lines.problem = [], lines.problem or ("quote_never_closed" if unclosed else "quotes_unclear")
            if not lines.problem and not any(cells):
                continue
            problem = lines.problem or _problem(cells, len(form.header))
            yield Record(cells, begins, lines.offset, lines.line, problem)


class _Lines:
    """The lines of a file as text, for `csv`: it takes as many as a record has, so what was taken is where it ends."""

    def __init__(self, open_at: Open, encoding: str, start: int, line: int) -> None:
        self.offset = start
        self.line = line
        self.problem: str | None = None
        self._wide = encoding.startswith("utf-16")
        self._encoding = "utf-8" if self._wide else encoding
        if self._wide:
            # Its bytes cannot be cut into lines: read as UTF-8, which is what offsets count, from the beginning on.
            self._file: BinaryIO = io.BufferedReader(_Narrowed(open_at(0), encoding), _SAMPLE)
            _skip(self._file, start)
        else:
            self._file = open_at(start)
        csv.field_size_limit(LONGEST_FIELD)  # of the process; nobody else reads CSV

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def begin(self) -> int:
        """Forget what was wrong with the record before; return the line on which the next one begins."""
        self.problem = None
        return self.line

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        raw = self._file.readline(_LONGEST_LINE)
        if not raw:
            raise StopIteration
        self.offset += len(raw)
        if raw.endswith(b"\n"):
            self.line += 1
        elif len(raw) == _LONGEST_LINE:
            self.problem = "line_too_long"
        try:
            text = raw.decode(self._encoding)
        except UnicodeDecodeError:
            self.problem = "not_utf8"
            text = raw.decode(self._encoding, errors="replace")
        return text


class _Narrowed(io.RawIOBase):
    """A UTF-16 file read as UTF-8, without its mark."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        self._waiting = b""
        file.read(2)  # the mark

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]  # what BufferedReader gives
        while not self._waiting:
            raw = self._file.read(_SAMPLE)
            self._waiting = self._decoder.decode(raw, final=not raw).encode()
            if not raw:
                break
        taken = self._waiting[: len(buffer)]
        buffer[: len(taken)] = taken
        self._waiting = self._waiting[len(taken) :]
        return len(taken)

    def close(self) -> None:
        self._file.close()
        super().close()


def _skip(file: BinaryIO, count: int) -> None:
    while count > 0:
        read = len(file.read(min(count, _SAMPLE)))
        if not read:
            return
        count -= read


def _encoding(sample: bytes) -> tuple[str, int]:
    """Return the encoding, and the length of the mark before the text."""
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8", len(codecs.BOM_UTF8)
    if sample.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le", len(codecs.BOM_UTF16_LE)
    if sample.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be", len(codecs.BOM_UTF16_BE)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)  # a character may be cut at the sample's end
    except UnicodeDecodeError:
        return "cp1252", 0
    return "utf-8", 0


def _problem(cells: list[str], width: int) -> str | None:
    if any("\x00" in cell for cell in cells):
        return "nul_character"
    if width and len(cells) > width and any(cells[width:]):
        return "too_many_cells"
    return "too_few_cells" if width and len(cells) < width else None
