"""Products as they are now, locked and whole, however many: two statements for all that documents speak of.

Rows are plain dicts as JSON has them, ids as text: hundreds of products with thousands of variants are read, compared
and written back in the time that as many objects would take to be made.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.catalog.documents import Picture, ProductDocument
from shared.core import ids, tenancy

type Row = dict[str, Any]

# Sorted before they are locked: two who declare some of the same products never wait for each other in a circle.
_HOLD = text("""
with meant as materialized (
    select id from products where store_id = :store_id and id = any (cast(:ids as uuid[]))
    union
    select id from products
    where store_id = :store_id and deleted_at is null and external_id = any (cast(:external_ids as text[]))
    union
    select id from products where store_id = :store_id and deleted_at is null and slug = any (cast(:slugs as text[]))
), held as materialized (
    select id, version, title, slug, description, status, vendor, product_type, tags, option_names, brand_id,
           seo_title, seo_description, custom_fields, external_id
    from products
    where store_id = :store_id and deleted_at is null and id = any (array(select id from meant))
    order by id for no key update
)
select coalesce(json_agg(held), '[]') from held
""")

# Read once the locks are had: whoever changes something of a product locks its row before.
_READ = text("""
select json_build_object(
    'variants', (select json_agg(v order by v.position, v.id) from (
        select id, product_id, version, sku, title, option_values, barcode, cost, weight_grams, weight_unit, tax_code,
               image_id, custom_fields, external_id, price, compare_at, currency, taxable, requires_shipping,
               tracks_stock, position
        from variants
        where store_id = :store_id and product_id = any (cast(:product_ids as uuid[])) and deleted_at is null) v),
    'images', (select json_agg(i order by i.position, i.id) from (
        select id, product_id, media_id, position, alt from product_images
        where store_id = :store_id and product_id = any (cast(:product_ids as uuid[]))) i),
    'categories', (select json_agg(json_build_array(product_id, category_id)) from product_categories
        where store_id = :store_id and product_id = any (cast(:product_ids as uuid[]))),
    'labels', (select json_agg(json_build_array(product_id, label_id)) from product_labels
        where store_id = :store_id and product_id = any (cast(:product_ids as uuid[]))),
    'attributes', (select json_agg(a) from (
        select product_id, attribute_id, choice_id, number::text, flag, words from product_attributes
        where store_id = :store_id and product_id = any (cast(:product_ids as uuid[]))) a),
    'named_variants', (select json_agg(n) from (
        select id, product_id, sku, external_id from variants
        where store_id = :store_id and deleted_at is null and sku <> '' and sku = any (cast(:skus as text[]))
        union
        select id, product_id, sku, external_id from variants
        where store_id = :store_id and deleted_at is null
          and external_id = any (cast(:variant_external_ids as text[]))) n),
    'named_brands', (select json_agg(json_build_array(id, slug)) from brands
        where store_id = :store_id and deleted_at is null
          and (id = any (cast(:brand_ids as uuid[])) or slug = any (cast(:brand_slugs as text[])))),
    'named_categories', (select json_agg(json_build_array(id, slug)) from categories
        where store_id = :store_id and deleted_at is null
          and (id = any (cast(:category_ids as uuid[])) or slug = any (cast(:category_slugs as text[])))),
    'named_labels', (select json_agg(json_build_array(id, slug)) from labels
        where store_id = :store_id
          and (id = any (cast(:label_ids as uuid[])) or slug = any (cast(:label_slugs as text[]))))
)
""")


@dataclass
class PresentProduct:
    """One product as it is, with what hangs on it; locked."""

    row: Row
    variants: list[Row] = field(default_factory=list)  # in their order
    images: list[Row] = field(default_factory=list)  # in their order
    categories: set[str] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)
    attributes: list[Row] = field(default_factory=list)


@dataclass
class Present:
    """All that documents speak of: products, who has the names that they want, and the groups that they name."""

    products: dict[str, PresentProduct]  # by id
    by_external_id: dict[str, str]  # to the product's id
    by_slug: dict[str, str]  # to the product's id
    named_variants: list[Row]  # who has a SKU or external id that some document wants
    brands: dict[str, str]  # id or slug, to id
    categories: dict[str, str]
    labels: dict[str, str]


def hold(session: Session, documents: Sequence[ProductDocument], *, slugs: Iterable[str] = ()) -> list[Row]:
    """Lock the products that documents may mean, in the order of their ids, and return their rows. One statement.

    Among them are those that have a slug which a document wants for another product; `slugs` are further ones.
    """
    found: list[Row] = session.execute(
        _HOLD,
        {
            "store_id": tenancy.require_store(session),
            "ids": [one.id for one in documents if one.id is not None],
            "external_ids": [one.external_id for one in documents if one.external_id is not None],
            "slugs": [*{one.slug for one in documents if one.slug is not None}, *slugs],
        },
    ).scalar_one()
    return found


def read(session: Session, documents: Sequence[ProductDocument], held: Sequence[Row]) -> Present:
    """Return all that documents speak of, given the products that are held. One statement."""
    values: dict[str, Any] = {
        "store_id": tenancy.require_store(session),
        "product_ids": [row["id"] for row in held],
        "skus": [variant.sku for one in documents for variant in one.variants if variant.sku],
        "variant_external_ids": [
            variant.external_id for one in documents for variant in one.variants if variant.external_id is not None
        ],
    }
    groups = (
        ("brand", {one.brand for one in documents if one.brand}),
        ("category", {name for one in documents for name in one.categories}),
        ("label", {name for one in documents for name in one.labels}),
    )
    spellings: dict[str, dict[str, str]] = {}  # of ids, as the documents have them
    for kind, names in groups:
        spellings[kind] = {name: str(found) for name in names if (found := _id_of(kind, name)) is not None}
        values[f"{kind}_ids"] = list(spellings[kind].values())
        values[f"{kind}_slugs"] = [name for name in names if name not in spellings[kind]]
    found = session.execute(_READ, values).scalar_one()
    products = {row["id"]: PresentProduct(row) for row in held}
    _hang_on(products, found)
    return Present(
        products=products,
        by_external_id={row["external_id"]: row["id"] for row in held if row["external_id"] is not None},
        by_slug={row["slug"]: row["id"] for row in held},
        named_variants=found["named_variants"] or [],
        brands=_named(found["named_brands"], spellings["brand"]),
        categories=_named(found["named_categories"], spellings["category"]),
        labels=_named(found["named_labels"], spellings["label"]),
    )


def pictures(documents: Iterable[ProductDocument]) -> list[Picture]:
    """Return every picture that documents name, in their order."""
    named: list[Picture] = []
    for one in documents:
        named += one.images
        named += [variant.image for variant in one.variants if variant.image is not None]
    return named


def addresses(documents: Iterable[ProductDocument]) -> list[str]:
    """Return the addresses of pictures that documents name, each once, in their order."""
    return list(dict.fromkeys(picture.url for picture in pictures(documents) if picture.url is not None))


_PREFIXES = {"brand": "brand", "category": "cat", "label": "label"}


def _id_of(kind: str, name: str) -> UUID | None:
    prefix = _PREFIXES[kind]
    if not name.startswith(f"{prefix}_"):  # an underscore is in no slug
        return None
    try:
        return ids.decode(prefix, name)
    except ValueError:
        return None


def _named(found: list[tuple[str, str]] | None, spelled: dict[str, str]) -> dict[str, str]:
    by_slug = {slug: identifier for identifier, slug in found or ()}
    there = {identifier for identifier, _ in found or ()}
    return by_slug | {name: identifier for name, identifier in spelled.items() if identifier in there}


def _hang_on(products: dict[str, PresentProduct], found: dict[str, Any]) -> None:
    for row in found["variants"] or ():
        products[row["product_id"]].variants.append(row)
    for row in found["images"] or ():
        products[row["product_id"]].images.append(row)
    for product_id, category_id in found["categories"] or ():
        products[product_id].categories.add(category_id)
    for product_id, label_id in found["labels"] or ():
        products[product_id].labels.add(label_id)
    values: defaultdict[str, list[Row]] = defaultdict(list)
    for row in found["attributes"] or ():
        values[row["product_id"]].append(row)
    for product_id, rows in values.items():
        products[product_id].attributes = rows
