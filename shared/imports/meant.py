"""What the rows of one product come to, and how cells of a row are had."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from shared.core.errors import Problem
from shared.imports import cells
from shared.imports.columns import Column, Header
from shared.imports.grouping import Row
from shared.inventory.documents import StockedProductDocument
from shared.jobs.findings import Finding
from shared.jobs.models import Severity


@dataclass
class Meant:
    """What a product's rows mean. `document` is None where it cannot be declared.

    `variant_lines` are the lines of its variants, in their order. `is_partial`: a row was wrong or could not be read,
    so variants that the document does not name stay as they are; `lacks_rows`: so do its pictures.
    """

    handle: str
    slug: str
    line: int
    rows: int
    document: StockedProductDocument | None = None
    variant_lines: list[int] = field(default_factory=list)
    is_partial: bool = False
    lacks_rows: bool = False
    failed_rows: int = 0
    findings: list[Finding] = field(default_factory=list)

    def error(self, line: int, code: str, message: str, subject: str = "") -> None:
        """Note what kept something from being done."""
        self.findings.append(Finding(line, Severity.ERROR, code, message, subject))

    def warn(self, line: int, code: str, message: str, subject: str = "") -> None:
        """Note what was done otherwise than the file says."""
        self.findings.append(Finding(line, Severity.WARNING, code, message, subject))

    def give_up(self) -> "Meant":
        """Leave the product as it is."""
        self.document, self.failed_rows = None, self.rows
        return self

    def refused(self, line: int, error: ValidationError, columns: Mapping[str, Column], header: Header) -> None:
        """Note what a document's own rules refuse; `columns` says which column fills which field."""
        for one in error.errors(include_url=False, include_input=False, include_context=False):
            column = columns.get(str(one["loc"][0])) if one["loc"] else None
            self.error(line, one["type"], f"{one['msg']}.", "" if column is None else header.name(column))

    def explain(self, problem: Problem) -> None:
        """Note why the product was refused, at the lines that it is about; nothing of it was done."""
        self.give_up()
        if not problem.errors:
            self.error(self.line, problem.code, problem.detail)
        for error in problem.errors:
            steps = error.pointer.split("/")[1:]
            line = self.line
            if len(steps) > 1 and steps[0] == "variants" and steps[1].isdigit():
                line = dict(enumerate(self.variant_lines)).get(int(steps[1]), line)
            self.error(line, error.code, error.message, steps[-1] if steps else "")


@dataclass(frozen=True)
class Cells:
    """The way to the cells of a file's rows."""

    header: Header

    def cell(self, row: Row, column: Column) -> str:
        """Return a cell without space around; empty where the file lacks the column."""
        place = self.header.places.get(column)
        return "" if place is None else row.cells[place].strip()

    def text(self, row: Row, column: Column, *, code: bool = False) -> str:
        """Return a cell that may hold any text, as it is meant; `code`: it is a SKU or barcode."""
        place = self.header.places.get(column)
        return "" if place is None else cells.meant(row.cells[place], code=code)
