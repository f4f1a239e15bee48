"""The columns of Shopify's product files: by which names they go, and which of them a file has.

Shopify has renamed them over the years ("Variant SKU" is "SKU" now, "Handle" is "URL handle"); files of every age are
taken, with columns in any order, and names in any case.
"""

import re
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Final

from shared.imports.reading import Unreadable


class Column(StrEnum):
    """What a column means."""

    HANDLE = auto()
    TITLE = auto()
    BODY = auto()
    VENDOR = auto()
    TYPE = auto()
    TAGS = auto()
    PUBLISHED = auto()
    STATUS = auto()
    SEO_TITLE = auto()
    SEO_DESCRIPTION = auto()
    OPTION1_NAME = auto()
    OPTION2_NAME = auto()
    OPTION3_NAME = auto()
    OPTION1_VALUE = auto()
    OPTION2_VALUE = auto()
    OPTION3_VALUE = auto()
    SKU = auto()
    GRAMS = auto()
    WEIGHT_UNIT = auto()
    TRACKER = auto()
    QUANTITY = auto()
    POLICY = auto()
    PRICE = auto()
    COMPARE_AT = auto()
    COST = auto()
    REQUIRES_SHIPPING = auto()
    TAXABLE = auto()
    TAX_CODE = auto()
    BARCODE = auto()
    IMAGE = auto()
    IMAGE_POSITION = auto()
    IMAGE_ALT = auto()
    VARIANT_IMAGE = auto()
    GIFT_CARD = auto()


# The first name of each is the one that an export writes, in this order.
NAMES: Final[dict[Column, tuple[str, ...]]] = {
    Column.HANDLE: ("Handle", "URL handle"),
    Column.TITLE: ("Title",),
    Column.BODY: ("Body (HTML)", "Body HTML", "Body", "Description"),
    Column.VENDOR: ("Vendor",),
    Column.TYPE: ("Type", "Product type", "Custom Product Type"),
    Column.TAGS: ("Tags",),
    Column.PUBLISHED: ("Published", "Published on online store"),
    Column.OPTION1_NAME: ("Option1 Name",),
    Column.OPTION1_VALUE: ("Option1 Value",),
    Column.OPTION2_NAME: ("Option2 Name",),
    Column.OPTION2_VALUE: ("Option2 Value",),
    Column.OPTION3_NAME: ("Option3 Name",),
    Column.OPTION3_VALUE: ("Option3 Value",),
    Column.SKU: ("Variant SKU", "SKU"),
    Column.GRAMS: ("Variant Grams", "Weight value (grams)", "Grams"),
    Column.TRACKER: ("Variant Inventory Tracker", "Inventory tracker"),
    Column.QUANTITY: ("Variant Inventory Qty", "Inventory quantity", "Variant Inventory Quantity"),
    Column.POLICY: ("Variant Inventory Policy", "Continue selling when out of stock"),
    Column.PRICE: ("Variant Price", "Price"),
    Column.COMPARE_AT: ("Variant Compare At Price", "Compare-at price", "Compare At Price"),
    Column.REQUIRES_SHIPPING: ("Variant Requires Shipping", "Requires shipping"),
    Column.TAXABLE: ("Variant Taxable", "Charge tax", "Taxable"),
    Column.BARCODE: ("Variant Barcode", "Barcode"),
    Column.IMAGE: ("Image Src", "Product image URL"),
    Column.IMAGE_POSITION: ("Image Position",),
    Column.IMAGE_ALT: ("Image Alt Text",),
    Column.GIFT_CARD: ("Gift Card",),
    Column.SEO_TITLE: ("SEO Title",),
    Column.SEO_DESCRIPTION: ("SEO Description",),
    Column.VARIANT_IMAGE: ("Variant Image", "Variant image URL"),
    Column.WEIGHT_UNIT: ("Variant Weight Unit", "Weight unit for display"),
    Column.TAX_CODE: ("Variant Tax Code", "Tax code"),
    Column.COST: ("Cost per item", "Variant Cost"),
    Column.STATUS: ("Status",),
}

OPTION_NAMES: Final = (Column.OPTION1_NAME, Column.OPTION2_NAME, Column.OPTION3_NAME)
OPTION_VALUES: Final = (Column.OPTION1_VALUE, Column.OPTION2_VALUE, Column.OPTION3_VALUE)

# What makes a row one of a variant. Without any of these it only brings another picture, or begins a product.
OF_A_VARIANT: Final = (*OPTION_VALUES, Column.SKU, Column.PRICE, Column.BARCODE, Column.QUANTITY, Column.COST)


@dataclass(frozen=True)
class Header:
    """Which columns a file has, where, and under which names."""

    places: dict[Column, int]
    names: dict[Column, str]  # as the file spells them
    left_out: tuple[str, ...]  # columns that are not taken
    doubled: tuple[str, ...]  # columns that came before: the first one counts

    def has(self, column: Column) -> bool:
        """Tell whether the file has the column: what it lacks stays as it is in the store."""
        return column in self.places

    def name(self, column: Column) -> str:
        """Return a column's name, for people."""
        return self.names.get(column, NAMES[column][0])


def header(cells: list[str]) -> Header:
    """Read a header line.

    Raises:
        Unreadable: it has no column that names products.
    """
    places: dict[Column, int] = {}
    names: dict[Column, str] = {}
    left_out, doubled = [], []
    for place, cell in enumerate(cells):
        column = _BY_NAME.get(_plain(cell))
        if column is None:
            if cell:
                left_out.append(cell)
        elif column in places:
            doubled.append(cell)
        else:
            places[column], names[column] = place, cell
    if Column.HANDLE not in places:
        told = ", ".join(cell for cell in cells if cell)[:200]
        raise Unreadable(f'The first line has no column "Handle", by which rows belong to products. It has: {told}.')
    return Header(places, names, tuple(left_out), tuple(doubled))


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name.strip().strip("\ufeff")).casefold()


_BY_NAME: Final = {_plain(name): column for column, names in NAMES.items() for name in names}
