"""What shoppers are shown of a product: its card in a list, and its page. Made once, when something of it changes.

Both are JSON as `schemas.ProductCard` and `schemas.ProductPage` describe it. All of it is public: no cost, no count of
what is on the shelf, no field that the merchant keeps to themselves.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.catalog.summarizing import ShownField
from shared.core import ids

CARD_VARIANTS = 10  # of a card; its page has all of them

type Document = dict[str, Any]
type Pictures = Mapping[UUID, Mapping[str, Any]]  # by media id, as they go out

# What a description may hold. No scripts, styles, forms, frames or handlers; links open as strangers' pages do.
_TAGS = frozenset(
    re.findall(
        r"\w+",
        """
        a abbr b blockquote br caption code col colgroup dd del div dl dt em figcaption figure h1 h2 h3 h4
        h5 h6 hr i img ins li mark ol p pre q s small span strong sub sup table tbody td tfoot th thead tr u
        ul
        """,
    )
)
_ATTRIBUTES: dict[str, set[str]] = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "ol": {"start"},
    "*": {"dir", "lang"},
}


@dataclass(frozen=True)
class Shelf:
    """What documents are made with, besides the product: what can be had, its pictures, the merchant's own fields."""

    left: Mapping[UUID, int | None]  # by variant that is counted; None: any number
    pictures: Pictures  # those that are ready
    fields: Sequence[ShownField]


def card_and_page(product_id: UUID, shown: Mapping[str, Any], shelf: Shelf) -> tuple[Document, Document]:
    """Make both documents of a product that has variants; `shown` is what `summarizing.shown` returns of it."""
    variants = [_variant(one, shelf) for one in shown["variants"]]
    images = [_image(one, shelf.pictures[media_id]) for one, media_id in _ready(shown, shelf.pictures)]
    cheapest = min(variants, key=lambda one: one["price"]["amount"])
    dearest = max(variants, key=lambda one: one["price"]["amount"])
    common = {
        "id": ids.encode("prod", product_id),
        "slug": shown["slug"],
        "title": shown["title"],
        "brand": None if shown["brand"] is None else _named("brand", shown["brand"]),
        "labels": [{**_named("label", one), "color": one["color"]} for one in shown["labels"]],
        "price": cheapest["price"],
        "highest_price": dearest["price"],
        "compare_at": cheapest["compare_at"],
        "in_stock": any(one["in_stock"] for one in variants),
        "published_at": _moment(shown["created_at"]),
    }
    card = {
        **common,
        "image": images[0] if images else None,
        "variant_count": len(variants),
        "variants": [_brief(one) for one in variants[:CARD_VARIANTS]],
    }
    page = {
        **common,
        "description": cleaned(shown["description"]),
        "vendor": shown["vendor"],
        "product_type": shown["product_type"],
        "tags": shown["tags"],
        "options": _options(shown),
        "variants": variants,
        "images": images,
        "categories": [_named("cat", one) for one in shown["categories"]],
        "attributes": _attributes(shown["attributes"]),
        "custom_fields": _custom_fields("product", shown["custom_fields"], shelf.fields),
        "seo": {"title": shown["seo_title"] or shown["title"], "description": shown["seo_description"]},
    }
    return card, page


def cleaned(description: str) -> str:
    """Return a merchant's HTML without what could act in a shopper's browser."""
    if "<" not in description and "&" not in description:
        return description
    import nh3  # noqa: PLC0415 -- only who makes summaries needs it

    return nh3.clean(
        description,
        tags=set(_TAGS),
        attributes=_ATTRIBUTES,
        url_schemes={"https", "http", "mailto", "tel"},
        link_rel="noopener noreferrer nofollow",
    )


def is_in_stock(variant: Mapping[str, Any], left: Mapping[UUID, int | None]) -> bool:
    """Tell whether a shopper can have one: what is not counted always, what may be owed always, else what is left."""
    return not variant["tracks_stock"] or left.get(UUID(variant["id"]), 0) != 0


def _variant(variant: Mapping[str, Any], shelf: Shelf) -> Document:
    compare_at = variant["compare_at"]
    return {
        "id": ids.encode("var", UUID(variant["id"])),
        "sku": variant["sku"],
        "title": variant["title"],
        "option_values": variant["option_values"],
        "price": {"amount": variant["price"], "currency": variant["currency"]},
        "compare_at": None if compare_at is None else {"amount": compare_at, "currency": variant["currency"]},
        "in_stock": is_in_stock(variant, shelf.left),
        "barcode": variant["barcode"],
        "weight_grams": variant["weight_grams"],
        "requires_shipping": variant["requires_shipping"],
        "image_id": None if variant["image_id"] is None else ids.encode("img", UUID(variant["image_id"])),
        "custom_fields": _custom_fields("variant", variant["custom_fields"], shelf.fields),
    }


def _brief(variant: Document) -> Document:
    return {name: variant[name] for name in ("id", "sku", "title", "price", "compare_at", "in_stock")}


def _ready(shown: Mapping[str, Any], pictures: Pictures) -> list[tuple[Mapping[str, Any], UUID]]:
    told = ((one, UUID(one["media_id"])) for one in shown["images"])
    return [(one, media_id) for one, media_id in told if media_id in pictures]


def _image(image: Mapping[str, Any], picture: Mapping[str, Any]) -> Document:
    return {
        "id": ids.encode("img", UUID(image["id"])),
        "alt": image["alt"],
        **picture,
    }


def _named(prefix: str, one: Mapping[str, Any]) -> Document:
    return {"id": ids.encode(prefix, UUID(one["id"])), "name": one["name"], "slug": one["slug"]}


def _options(shown: Mapping[str, Any]) -> list[Document]:
    rows = [one["option_values"] for one in shown["variants"]]
    return [
        {"name": name, "values": list(dict.fromkeys(row[place] for row in rows if place < len(row)))}
        for place, name in enumerate(shown["option_names"])
    ]


def _attributes(rows: Sequence[Mapping[str, Any]]) -> list[Document]:
    """Return a product's attributes, each once: several choices of one are several values."""
    found: dict[str, Document] = {}
    for row in rows:
        empty: Document = {"code": row["code"], "name": row["name"], "unit": row["unit"], "values": []}
        values = found.setdefault(row["code"], empty)["values"]
        given = (row["choice"], row["number"], row["flag"], row["words"])
        values.append(next(value for value in given if value is not None))
    return list(found.values())


def _custom_fields(entity: str, values: Mapping[str, Any], fields: Sequence[ShownField]) -> list[Document]:
    return [
        {"key": one.key, "name": one.name, "value": values[one.key]}
        for one in fields
        if one.entity == entity and values.get(one.key) is not None
    ]


def _moment(text: str) -> str:
    """Write PostgreSQL's JSON moment as the wire has it."""
    return text.replace("+00:00", "Z")
