"""What the rows of a product say of its variants: each becomes the document of one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from pydantic import ValidationError

from shared.imports import cells
from shared.imports.cells import BadCell
from shared.imports.columns import OF_A_VARIANT, OPTION_VALUES, Column, Header
from shared.imports.grouping import Row
from shared.imports.meant import Cells, Meant
from shared.imports.options import ImportOptions
from shared.imports.pictures import picture_at
from shared.inventory.documents import StockedVariantDocument
from shared.jobs.models import Severity

DEFAULT_TITLE: Final = "Default Title"

_UNITS = frozenset({"g", "kg", "oz", "lb"})

_COLUMNS: Final = {
    "sku": Column.SKU,
    "barcode": Column.BARCODE,
    "price": Column.PRICE,
    "compare_at": Column.COMPARE_AT,
    "cost": Column.COST,
    "weight_grams": Column.GRAMS,
    "tax_code": Column.TAX_CODE,
    "on_hand": Column.QUANTITY,
    "option_values": Column.OPTION1_VALUE,
    "title": Column.OPTION1_VALUE,
    "image": Column.VARIANT_IMAGE,
}

type Facts = dict[str, Any]


@dataclass
class _Seen:
    """Where a product's variants were named before, by what each is known by."""

    lines: dict[tuple[str, ...], int] = field(default_factory=dict)

    def earlier(self, identity: Facts, line: int) -> int | None:
        """Note a variant; return the line on which the same one was."""
        names = [("sku", identity["sku"])] if identity.get("sku") else []
        if identity.get("option_values"):
            names.append(("options", *identity["option_values"]))
        for name in names:
            if name in self.lines:
                return self.lines[name]
        self.lines.update(dict.fromkeys(names, line))
        return None


@dataclass(frozen=True)
class VariantReader:
    """Reads the variants of one product. `option_names`: what they differ in; None where the file does not say."""

    header: Header
    options: ImportOptions
    currency: str
    option_names: Sequence[str] | None
    found: Meant

    @cached_property
    def _cells(self) -> Cells:
        return Cells(self.header)

    def read(self, rows: Sequence[Row]) -> list[tuple[StockedVariantDocument, int]]:
        """Return the variants of good rows, with their lines."""
        variants: list[tuple[StockedVariantDocument, int]] = []
        seen = _Seen()
        for row in rows:
            if not any(self._cells.cell(row, column) for column in OF_A_VARIANT):
                if not self._cells.cell(row, Column.IMAGE) and row is not rows[0]:
                    told = "This row brings neither a variant nor a picture."
                    self.found.warn(row.line, "row_without_content", told)
                continue
            before = len(self.found.findings)
            identity: Facts = {}
            document = self._validated(self._facts(row, identity), row)
            earlier = seen.earlier(identity, row.line)
            if earlier is not None:
                self.found.error(row.line, "variant_given_twice", f"Line {earlier} is the same variant.")
            if any(one.severity is Severity.ERROR for one in self.found.findings[before:]) or document is None:
                self.found.failed_rows += 1
                self.found.is_partial = True
            else:
                variants.append((document, row.line))
        return variants

    def _facts(self, row: Row, identity: Facts) -> Facts:
        if self.header.has(Column.SKU):
            identity["sku"] = self._cells.text(row, Column.SKU, code=True).strip()
        self._choose(row, identity)
        facts = dict(identity)
        if self.header.has(Column.BARCODE):
            facts["barcode"] = self._cells.text(row, Column.BARCODE, code=True)
        if self.header.has(Column.TAX_CODE):
            facts["tax_code"] = self._cells.text(row, Column.TAX_CODE)
        self._prices(row, facts)
        self._read(row, Column.GRAMS, "weight_grams", cells.grams, facts, empty=None)
        self._read(row, Column.REQUIRES_SHIPPING, "requires_shipping", cells.yes, facts)
        self._read(row, Column.TAXABLE, "taxable", cells.yes, facts)
        unit = self._cells.cell(row, Column.WEIGHT_UNIT).casefold()
        if unit in _UNITS:
            facts["weight_unit"] = unit
        elif unit:
            told = "A weight is shown in g, kg, oz or lb."
            self.found.warn(row.line, "unknown_weight_unit", told, self.header.name(Column.WEIGHT_UNIT))
        if self.options.images and self.header.has(Column.VARIANT_IMAGE):
            address = self._cells.cell(row, Column.VARIANT_IMAGE)
            facts["image"] = (picture_at(address) or {"url": address}) if address else None
        if self.options.stock == "set":
            self._stock(row, facts)
        return facts

    def _choose(self, row: Row, identity: Facts) -> None:
        if self.option_names is None or not self.header.has(Column.OPTION1_VALUE):
            return
        values = [self._cells.text(row, column).strip() for column in OPTION_VALUES]
        count = len(self.option_names)
        if not count:
            identity["title"] = "" if values[0] == DEFAULT_TITLE else values[0]
            identity["option_values"] = []
            return
        if all(values[:count]):
            identity["option_values"] = values[:count]
        else:
            place = values.index("")
            told = f"This variant does not say its {self.option_names[place]}."
            self.found.error(row.line, "option_value_missing", told, self.header.name(OPTION_VALUES[place]))
        if any(values[count:]):
            told = "There is a value of an option that the product does not have."
            self.found.error(row.line, "option_value_unknown", told, self.header.name(OPTION_VALUES[count]))

    def _prices(self, row: Row, facts: Facts) -> None:
        def read(text: str) -> int:
            return cells.amount(text, self.currency)

        self._read(row, Column.PRICE, "price", read, facts)
        self._read(row, Column.COST, "cost", read, facts, empty=None)
        self._read(row, Column.COMPARE_AT, "compare_at", read, facts, empty=None)
        before, price = facts.get("compare_at"), facts.get("price")
        if before == 0:
            facts["compare_at"] = None
        elif before is not None and price is not None and before <= price:
            facts["compare_at"] = None
            told = "What it cost before is not above its price; it is left out."
            self.found.warn(row.line, "compare_at_not_above_price", told, self.header.name(Column.COMPARE_AT))

    def _stock(self, row: Row, facts: Facts) -> None:
        if self.header.has(Column.TRACKER):
            facts["tracks_stock"] = bool(self._cells.cell(row, Column.TRACKER))
        self._read(row, Column.QUANTITY, "on_hand", cells.units, facts)
        policy = self._cells.cell(row, Column.POLICY).casefold()
        if policy in ("deny", "continue"):
            facts["allow_backorder"] = policy == "continue"
        else:
            self._read(row, Column.POLICY, "allow_backorder", cells.yes, facts)
        if facts.get("on_hand", 0) < 0:
            del facts["on_hand"]
            told = "What is owed is no stock; what is on hand stays as it is."
            self.found.warn(row.line, "quantity_below_zero", told, self.header.name(Column.QUANTITY))

    def _read(  # noqa: PLR0913 -- what is read, how, and into what
        self,
        row: Row,
        column: Column,
        name: str,
        read: Callable[[str], Any],
        facts: Facts,
        *,
        empty: Any = ...,  # noqa: ANN401 -- the field's own; `...`: an empty cell says nothing
    ) -> None:
        text = self._cells.cell(row, column)
        if not text:
            if empty is not ... and self.header.has(column):
                facts[name] = empty
            return
        try:
            facts[name] = read(text)
        except BadCell as bad:
            self.found.error(row.line, bad.code, str(bad), self.header.name(column))

    def _validated(self, facts: Facts, row: Row) -> StockedVariantDocument | None:
        try:
            return StockedVariantDocument.model_validate(facts)
        except ValidationError as refused:
            self.found.refused(row.line, refused, _COLUMNS, self.header)
            return None
