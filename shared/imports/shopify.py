"""What a product of a Shopify file means: its rows become the document by which it is declared.

A file says nothing of what it has no column for; that stays as it is in the store. A cell that is empty, in a column
that is there, says that there is nothing. The first row brings the product and its first variant, the others a variant
or a picture each. A product whose only option is called "Title" has none: its variants go by their titles.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from pydantic import ValidationError

from shared.imports import cells
from shared.imports.cells import BadCell
from shared.imports.columns import OPTION_NAMES, Column, Header
from shared.imports.grouping import MOST_ROWS, Group, Row
from shared.imports.meant import Cells, Meant
from shared.imports.options import ImportOptions
from shared.imports.pictures import picture_at
from shared.imports.variant_rows import DEFAULT_TITLE, VariantReader
from shared.inventory.documents import StockedProductDocument

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST_SLUG = 200  # characters; what is longer is cut, and told apart by its digest
_STATUSES = frozenset({"active", "draft", "archived"})

_BROKEN = {
    "quote_never_closed": "A quotation mark is opened here and not closed; what follows it could not be read.",
    "quotes_unclear": "A quotation mark inside a cell is not doubled.",
    "line_too_long": "This line is longer than a megabyte.",
    "not_utf8": "Some bytes are no UTF-8. Save the file as CSV UTF-8.",
    "nul_character": "A cell holds the character NUL, which is no text.",
    "too_many_cells": "This row has more cells than the first line has columns.",
    "too_few_cells": "This row has fewer cells than the first line has columns.",
}

_TEXTS: Final = (
    (Column.TITLE, "title"),
    (Column.BODY, "description"),
    (Column.VENDOR, "vendor"),
    (Column.TYPE, "product_type"),
    (Column.SEO_TITLE, "seo_title"),
    (Column.SEO_DESCRIPTION, "seo_description"),
)
_COLUMNS: Final = {
    **{name: column for column, name in _TEXTS},
    "slug": Column.HANDLE,
    "tags": Column.TAGS,
    "options": Column.OPTION1_NAME,
    "images": Column.IMAGE,
    "status": Column.STATUS,
}


def meaning(group: Group, header: Header, options: ImportOptions, currency: str) -> Meant:
    """Say what a group of rows means. Amounts are in `currency`, the store's: the form has no column for it."""
    found = Meant(group.handle, slug_of(group.handle), group.line, group.count)
    for line, code in group.broken:
        found.error(line, code, _BROKEN[code])
    if not group.rows:
        return found.give_up()
    if group.broken:
        found.failed_rows, found.is_partial, found.lacks_rows = len(group.broken), True, True
        told = "A row in or after this product could not be read; what it may have said of it was left as it is."
        found.warn(group.line, "product_incomplete", told, group.handle[:100])
    if group.count > MOST_ROWS:
        found.error(group.line, "too_many_rows", f"A product has at most {MOST_ROWS} rows.", group.handle[:100])
        return found.give_up()
    return _Product(group.rows, header, options, currency, found).read()


def slug_of(handle: str) -> str:
    """Return the slug that a handle becomes: itself, where it can; else what is left of it with a digest.

    The same handle always becomes the same slug, and different ones become different ones.
    """
    plain = handle.lower()
    if len(plain) <= _LONGEST_SLUG and _SLUG.fullmatch(plain):
        return plain
    digest = hashlib.sha256(plain.encode()).hexdigest()[:10]
    stem = re.sub(r"[^a-z0-9]+", "-", plain)[:80].strip("-")
    return f"{stem}-{digest}" if stem else f"product-{digest}"


class _Bad(ValueError):
    """A cell of the product itself is wrong."""

    def __init__(self, code: str, message: str, column: Column) -> None:
        super().__init__(message)
        self.code = code
        self.column = column


@dataclass(frozen=True)
class _Product:
    """One group of rows on its way to its document."""

    rows: list[Row]
    header: Header
    options: ImportOptions
    currency: str
    found: Meant

    @cached_property
    def _cells(self) -> Cells:
        return Cells(self.header)

    def read(self) -> Meant:
        first, found = self.rows[0], self.found
        try:
            document = self._document(first)
        except _Bad as bad:
            found.error(first.line, bad.code, str(bad), self.header.name(bad.column))
            return found.give_up()
        names = document.get("options")
        variants = VariantReader(self.header, self.options, self.currency, names, found).read(self.rows)
        if not variants and found.is_partial:
            return found.give_up()
        if variants:
            document["variants"] = [variant for variant, _ in variants]
            found.variant_lines = [line for _, line in variants]
        try:
            found.document = StockedProductDocument.model_validate(document)
        except ValidationError as refused:
            found.refused(first.line, refused, _COLUMNS, self.header)
            return found.give_up()
        return found

    def _document(self, first: Row) -> dict[str, Any]:
        self._require_a_beginning(first)
        document: dict[str, Any] = {"slug": self.found.slug}
        for column, name in _TEXTS:
            if self.header.has(column):
                document[name] = self._cells.text(first, column)
        if self.header.has(Column.TAGS):
            document["tags"] = cells.tags_of(self._cells.text(first, Column.TAGS))
        status = self._status(first)
        if status is not None:
            document["status"] = status
        if self.header.has(Column.OPTION1_NAME):
            document["options"] = self._option_names(first)
        if self.header.has(Column.IMAGE) and self.options.images:
            document["images"] = self._images()
        if self._cells.cell(first, Column.GIFT_CARD).casefold() == "true":
            told = "Gift cards are taken as products like any other."
            self.found.warn(first.line, "gift_card", told, self.header.name(Column.GIFT_CARD))
        return document

    def _require_a_beginning(self, first: Row) -> None:
        found = self.found
        if not found.handle:
            raise _Bad("handle_missing", "This row does not say which product it belongs to.", Column.HANDLE)
        if self.header.has(Column.TITLE) and not self._cells.cell(first, Column.TITLE):
            told = "The first row of a product has its title; the first row of this one has none."
            raise _Bad("title_missing", told, Column.TITLE)
        if found.slug != found.handle.lower():
            told = f"This handle cannot be an address; the product's address is {found.slug}."
            found.warn(first.line, "handle_changed", told, self.header.name(Column.HANDLE))

    def _status(self, first: Row) -> str | None:
        if self.options.publish != "as_file":
            return self.options.publish
        told = self._cells.cell(first, Column.STATUS).casefold()
        published = self._cells.cell(first, Column.PUBLISHED)
        if told and told not in _STATUSES:
            raise _Bad("unknown_status", "A status is active, draft or archived.", Column.STATUS)
        try:
            shown = cells.yes(published) if published else None
        except BadCell as bad:
            raise _Bad(bad.code, str(bad), Column.PUBLISHED) from bad
        if not told:
            return None if shown is None else "active" if shown else "draft"
        return "draft" if told == "active" and shown is False else told

    def _option_names(self, first: Row) -> list[str]:
        names = [self._cells.text(first, column).strip() for column in OPTION_NAMES]
        while names and not names[-1]:
            names.pop()
        value = self._cells.cell(first, Column.OPTION1_VALUE)
        if not all(names) or (not names and value not in ("", DEFAULT_TITLE)):
            raise _Bad("option_without_name", "There is a value of an option, and not its name.", Column.OPTION1_NAME)
        return [] if len(names) == 1 and names[0].casefold() == "title" else names

    def _images(self) -> list[dict[str, Any]]:
        placed: dict[str, tuple[int, int, dict[str, Any]]] = {}  # by address: the same picture twice is one
        for number, row in enumerate(self.rows):
            address = self._cells.cell(row, Column.IMAGE)
            if not address or address in placed:
                continue
            picture = picture_at(address)
            if picture is None:
                told = "This is no address of a picture: it begins with https://."
                self.found.error(row.line, "no_address", told, self.header.name(Column.IMAGE))
                continue
            if self.header.has(Column.IMAGE_ALT):
                picture["alt"] = self._cells.text(row, Column.IMAGE_ALT)
            place = self._cells.cell(row, Column.IMAGE_POSITION)
            placed[address] = (int(place) if re.fullmatch(r"[0-9]{1,4}", place) else 10_000, number, picture)
        return [picture for _, _, picture in sorted(placed.values(), key=lambda one: one[:2])]
