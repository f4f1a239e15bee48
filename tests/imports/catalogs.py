"""Catalogs of any size, as files, a row at a time: the same for the same seed."""

import csv
import io
from collections.abc import Iterator
from random import Random

from tests.imports.files import COLUMNS

_SIZES = ("S", "M", "L", "XL", "XXL", "3XL")
_WORDS = ("Tea", "Mug", "Shirt", "Jamdani", "Lamp", "শাড়ি", "চা", "Pot", "Chair", "Table")
_PART = 500  # rows that are written at once

type Row = dict[str, str]


def catalog(rows: int, seed: int, *, bad: bool = True) -> Iterator[bytes]:
    """Yield a file of about `rows` rows: products of one to six variants with pictures; with `bad`, some rows are."""
    random = Random(seed)
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    written = number = 0
    while written < rows:
        number += 1
        group = list(_product(random, number, bad=bad))[: rows - written]
        writer.writerows(group)
        written += len(group)
        if written % _PART < len(group):
            yield file.getvalue().encode()
            file.seek(0)
            file.truncate()
    yield file.getvalue().encode()


def _product(random: Random, number: int, *, bad: bool) -> Iterator[Row]:
    handle = f"product-{number}"
    title = f"{random.choice(_WORDS)} {random.choice(_WORDS)} {number}"
    sizes = _SIZES[: random.randint(1, 6)]
    first: Row = {
        "Title": title,
        "Body (HTML)": f"<p>{title}, as good as new.</p>\n<ul><li>100 % cotton</li></ul>" * random.randint(1, 4),
        "Vendor": f"Vendor {number % 40}",
        "Type": random.choice(_WORDS),
        "Tags": f"tag-{number % 90}, tag-{number % 7}",
        "Published": "TRUE",
        "Status": random.choice(("active", "active", "active", "draft")),
        "Option1 Name": "Size",
        "Image Src": f"https://pictures.example/{number}.jpg",
        "Image Position": "1",
    }
    for place, size in enumerate(sizes):
        row: Row = {
            "Handle": handle,
            "Option1 Value": size,
            "Variant SKU": f"SKU-{number}-{size}",
            "Variant Grams": str(random.randint(10, 3000)),
            "Variant Inventory Tracker": "shopify",
            "Variant Inventory Qty": str(random.randint(0, 50)),
            "Variant Inventory Policy": "deny",
            "Variant Price": f"{random.randint(1, 9999)}.{random.randint(0, 99):02}",
            "Variant Requires Shipping": "true",
            "Variant Taxable": "true",
            "Variant Weight Unit": "kg",
        }
        if bad and random.random() < 0.004:
            row |= random.choice(({"Variant Price": "1,299.00"}, {"Variant Grams": "heavy"}, {"Variant Taxable": "?"}))
        yield first | row if place == 0 else row
