"""Writing products in the form of Shopify's files: what an import reads as exactly what was written.

No text begins as a formula does; see `cells.harmless`, which an import takes back.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from shared.catalog.whole_products import WholeProduct
from shared.imports import cells
from shared.imports.cells import harmless
from shared.imports.columns import NAMES, OPTION_NAMES, OPTION_VALUES, Column
from shared.imports.pictures import address_of
from shared.imports.variant_rows import DEFAULT_TITLE
from shared.inventory.counted import Counted
from shared.media.origins import Origin

_NOTHING: Final = Counted(0, allow_backorder=False)

type Cells = dict[Column, str]


def header() -> bytes:
    """Return the first line."""
    return _written([{column: names[0] for column, names in NAMES.items()}])


def lines(
    products: Sequence[WholeProduct], stock: Mapping[UUID, Counted], pictures: Mapping[UUID, Origin]
) -> tuple[bytes, int]:
    """Return the lines of products, and how many rows they are."""
    rows = [row for product in products for row in _rows(product, stock, pictures)]
    return _written(rows), len(rows)


def _rows(product: WholeProduct, stock: Mapping[UUID, Counted], pictures: Mapping[UUID, Origin]) -> list[Cells]:
    addresses = {image["id"]: _address(image, pictures) for image in product.images}
    shown = [image for image in product.images if addresses[image["id"]]]
    rows: list[Cells] = [{Column.HANDLE: product.slug} for _ in range(max(len(product.variants), len(shown), 1))]
    rows[0] |= _of_the_product(product)
    for row, variant in zip(rows, product.variants, strict=False):
        row.update(_of_a_variant(product, variant, stock.get(UUID(variant["id"]), _NOTHING)))
        row[Column.VARIANT_IMAGE] = addresses.get(variant["image_id"], "")
    for place, (row, image) in enumerate(zip(rows, shown, strict=False), start=1):
        row[Column.IMAGE] = addresses[image["id"]]
        row[Column.IMAGE_POSITION] = str(place)
        row[Column.IMAGE_ALT] = harmless(image["alt"])
    return rows


def _of_the_product(product: WholeProduct) -> Cells:
    options = [harmless(name) for name in product.option_names] or ["Title"]
    return {
        Column.TITLE: harmless(product.title),
        Column.BODY: harmless(product.description),
        Column.VENDOR: harmless(product.vendor),
        Column.TYPE: harmless(product.product_type),
        Column.TAGS: harmless(cells.written_tags(product.tags)),
        Column.PUBLISHED: _truth(product.status == "active"),
        Column.STATUS: product.status,
        Column.SEO_TITLE: harmless(product.seo_title),
        Column.SEO_DESCRIPTION: harmless(product.seo_description),
        Column.GIFT_CARD: "false",
        **dict(zip(OPTION_NAMES, options, strict=False)),
    }


def _of_a_variant(product: WholeProduct, variant: Mapping[str, Any], stock: Counted) -> Cells:
    values = variant["option_values"] if product.option_names else [variant["title"] or DEFAULT_TITLE]
    return {
        **{column: harmless(value) for column, value in zip(OPTION_VALUES, values, strict=False)},
        Column.SKU: harmless(variant["sku"], code=True),
        Column.GRAMS: "" if variant["weight_grams"] is None else str(variant["weight_grams"]),
        Column.TRACKER: "shopify" if variant["tracks_stock"] else "",
        Column.QUANTITY: str(stock.on_hand),
        Column.POLICY: "continue" if stock.allow_backorder else "deny",
        Column.PRICE: cells.written_amount(variant["price"], variant["currency"]),
        Column.COMPARE_AT: cells.written_amount(variant["compare_at"], variant["currency"]),
        Column.REQUIRES_SHIPPING: _truth(variant["requires_shipping"]),
        Column.TAXABLE: _truth(variant["taxable"]),
        Column.BARCODE: harmless(variant["barcode"], code=True),
        Column.WEIGHT_UNIT: variant["weight_unit"],
        Column.TAX_CODE: harmless(variant["tax_code"]),
        Column.COST: cells.written_amount(variant["cost"], variant["currency"]),
    }


def _address(image: Mapping[str, Any], pictures: Mapping[UUID, Origin]) -> str:
    media_id = UUID(image["media_id"])
    origin = pictures.get(media_id)
    return "" if origin is None else address_of(media_id, source=origin.source_url, shown_at=origin.shown_at)


def _truth(value: bool) -> str:  # noqa: FBT001 -- what is written is the value itself
    return "true" if value else "false"


def _written(rows: Sequence[Mapping[Column, str]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerows([row.get(column, "") for column in NAMES] for row in rows)
    return file.getvalue().encode()
