"""From records to products to batches: rows of one handle that follow each other are one product.

A batch ends between two products, so what is read next never depends on what was read before; its end is a checkpoint.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from shared.catalog.fields import MAX_IMAGES, MAX_VARIANTS
from shared.imports.columns import Column, Header
from shared.imports.reading import Record

ROWS_A_BATCH = 400
PRODUCTS_A_BATCH = 150
MOST_ROWS = MAX_VARIANTS + MAX_IMAGES  # of one product; no more are kept in memory


@dataclass(frozen=True)
class Row:
    """One row of a product, whose cells can be used."""

    line: int
    cells: list[str]


@dataclass
class Group:
    """The rows of one product."""

    handle: str  # as the file spells it, without space around
    line: int
    rows: list[Row] = field(default_factory=list)
    count: int = 0  # rows, those that cannot be read and those beyond the most included
    broken: list[tuple[int, str]] = field(default_factory=list)  # line and code of rows that cannot be read


@dataclass
class Batch:
    """Products to be declared in one transaction, and where the next batch begins."""

    groups: list[Group] = field(default_factory=list)
    end: int = 0
    end_line: int = 0
    rows: int = 0


def batches(records: Iterator[Record], header: Header) -> Iterator[Batch]:
    """Cut records into products, and these into batches."""
    place = header.places[Column.HANDLE]
    batch, group = Batch(), None
    end = end_line = 0
    for record in records:
        handle = record.cells[place].strip() if len(record.cells) > place else ""
        of_this = group is not None and (
            handle.casefold() == group.handle.casefold() or (not handle and record.problem)
        )
        if group is None or not of_this:
            if group is not None and (batch.rows >= ROWS_A_BATCH or len(batch.groups) >= PRODUCTS_A_BATCH):
                batch.end, batch.end_line = end, end_line
                yield batch
                batch = Batch()
            group = Group(handle, record.line)
            batch.groups.append(group)
        _add(group, record)
        batch.rows += 1
        end, end_line = record.end, record.end_line
    if batch.groups:
        batch.end, batch.end_line = end, end_line
        yield batch


def _add(group: Group, record: Record) -> None:
    group.count += 1
    if record.problem is not None:
        if len(group.broken) < MOST_ROWS:
            group.broken.append((record.line, record.problem))
    elif len(group.rows) < MOST_ROWS:
        group.rows.append(Row(record.line, record.cells))
