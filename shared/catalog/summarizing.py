"""What is shown of products, read whole for what is made of it. Of drafts and deleted ones: nothing."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import tenancy

_SHOWN = text("""
select p.id, cast(jsonb_build_object(
    'slug', p.slug, 'title', p.title, 'description', p.description, 'vendor', p.vendor,
    'product_type', p.product_type, 'tags', to_jsonb(p.tags), 'option_names', to_jsonb(p.option_names),
    'seo_title', p.seo_title, 'seo_description', p.seo_description, 'custom_fields', p.custom_fields,
    'created_at', p.created_at,
    'brand', (
        select jsonb_build_object('id', b.id, 'name', b.name, 'slug', b.slug) from brands b
        where b.store_id = p.store_id and b.id = p.brand_id and b.deleted_at is null),
    'variants', coalesce((
        select jsonb_agg(jsonb_build_object(
            'id', v.id, 'sku', v.sku, 'title', v.title, 'option_values', to_jsonb(v.option_values),
            'barcode', v.barcode, 'price', v.price, 'compare_at', v.compare_at, 'currency', v.currency,
            'weight_grams', v.weight_grams, 'requires_shipping', v.requires_shipping,
            'tracks_stock', v.tracks_stock, 'image_id', v.image_id, 'custom_fields', v.custom_fields
        ) order by v.position, v.id)
        from variants v where v.store_id = p.store_id and v.product_id = p.id and v.deleted_at is null), '[]'),
    'images', coalesce((
        select jsonb_agg(jsonb_build_object('id', i.id, 'media_id', i.media_id, 'alt', i.alt)
                         order by i.position, i.id)
        from product_images i where i.store_id = p.store_id and i.product_id = p.id), '[]'),
    'labels', coalesce((
        select jsonb_agg(jsonb_build_object('id', l.id, 'name', l.name, 'slug', l.slug, 'color', l.color)
                         order by l.position, l.id)
        from product_labels pl join labels l on l.store_id = pl.store_id and l.id = pl.label_id
        where pl.store_id = p.store_id and pl.product_id = p.id), '[]'),
    'categories', coalesce((
        select jsonb_agg(jsonb_build_object('id', c.id, 'name', c.name, 'slug', c.slug)
                         order by c.position, c.id)
        from product_categories pc join categories c on c.store_id = pc.store_id and c.id = pc.category_id
        where pc.store_id = p.store_id and pc.product_id = p.id and c.deleted_at is null), '[]'),
    'attributes', coalesce((
        select jsonb_agg(jsonb_build_object(
            'attribute_id', a.id, 'code', a.code, 'name', a.name, 'kind', a.kind, 'unit', a.unit,
            'filterable', a.filterable, 'choice_id', o.id, 'choice', o.name, 'choice_slug', o.slug,
            'number', cast(trim_scale(pa.number) as text), 'flag', pa.flag, 'words', pa.words
        ) order by a.position, a.id, o.position, o.id)
        from product_attributes pa join attributes a on a.store_id = pa.store_id and a.id = pa.attribute_id
        left join attribute_choices o on o.store_id = pa.store_id and o.id = pa.choice_id
        where pa.store_id = p.store_id and pa.product_id = p.id), '[]')
) as text) as shown
from products p
where p.store_id = :store_id and p.id = any (cast(:product_ids as uuid[]))
  and p.status = 'active' and p.deleted_at is null
""")

_SHOWN_FIELDS = text("""
select entity, key, name from custom_field_definitions
where store_id = :store_id and shown_to_shoppers order by position, id
""")

_OF_VARIANTS = text("""
select distinct product_id from variants
where store_id = :store_id and id = any (cast(:variant_ids as uuid[]))
""")

_OF_MEDIA = text("""
select distinct product_id from product_images
where store_id = :store_id and media_id = any (cast(:media_ids as uuid[]))
""")

# Each by an index that is led by the store and what is asked for; the page after a product, in the order of ids.
_GROUPED = {
    "brand": "select p.id from products p where p.store_id = :store_id and p.brand_id = :subject and p.id > :after",
    "category": (
        "select c.product_id as id from product_categories c "
        "where c.store_id = :store_id and c.category_id = :subject and c.product_id > :after"
    ),
    "label": (
        "select l.product_id as id from product_labels l "
        "where l.store_id = :store_id and l.label_id = :subject and l.product_id > :after"
    ),
    "attribute": (
        "select distinct a.product_id as id from product_attributes a "
        "where a.store_id = :store_id and a.attribute_id = :subject and a.product_id > :after"
    ),
}
_AFTER = {kind: text(f"{select} order by id limit :most") for kind, select in _GROUPED.items()}
_ON_SALE_AFTER = text("""
select id from products
where store_id = :store_id and status = 'active' and deleted_at is null and id > :after order by id limit :most
""")

_SLUG_NOW = text("""
select p.slug from former_slugs f join products p on p.store_id = f.store_id and p.id = f.product_id
where f.store_id = :store_id and f.slug = :slug and p.status = 'active' and p.deleted_at is null
""")


@dataclass(frozen=True)
class ShownField:
    """A merchant's own field that shoppers see."""

    entity: str  # product or variant
    key: str
    name: str


def shown(session: Session, product_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return what is shown of each of these products that is active: ids as text, prices in minor units. One statement.

    Variants, pictures, labels, categories and attributes come in their order; what was deleted is left out.
    """
    values = {"store_id": tenancy.require_store(session), "product_ids": list(product_ids)}
    return {row.id: json.loads(row.shown) for row in session.execute(_SHOWN, values)}


def shown_fields(session: Session) -> list[ShownField]:
    """Return the merchant's own fields that shoppers see, in their order. One statement."""
    rows = session.execute(_SHOWN_FIELDS, {"store_id": tenancy.require_store(session)})
    return [ShownField(row.entity, row.key, row.name) for row in rows]


def products_of_variants(session: Session, variant_ids: Collection[UUID]) -> set[UUID]:
    """Return whose variants these are. Unknown ones are nobody's. One statement."""
    values = {"store_id": tenancy.require_store(session), "variant_ids": list(variant_ids)}
    return set(session.scalars(_OF_VARIANTS, values))


def products_of_media(session: Session, media_ids: Collection[UUID]) -> set[UUID]:
    """Return the products that show these pictures. One statement."""
    values = {"store_id": tenancy.require_store(session), "media_ids": list(media_ids)}
    return set(session.scalars(_OF_MEDIA, values))


def products_with(session: Session, kind: str, subject: UUID, *, after: UUID, most: int) -> list[UUID]:
    """Return the next products that have a brand, category, label or attribute.

    In the order of their ids, up to `most` that follow `after`. One statement.
    """
    values = {"store_id": tenancy.require_store(session), "subject": subject, "after": after, "most": most}
    return list(session.scalars(_AFTER[kind], values))


def on_sale_after(session: Session, after: UUID, most: int) -> list[UUID]:
    """Return the next products that shoppers may see, in the order of their ids. One statement."""
    values = {"store_id": tenancy.require_store(session), "after": after, "most": most}
    return list(session.scalars(_ON_SALE_AFTER, values))


def slug_now(session: Session, former: str) -> str | None:
    """Return the present slug of the product that once had this one; None: no product on sale had. One statement."""
    slug: str | None = session.scalar(_SLUG_NOW, {"store_id": tenancy.require_store(session), "slug": former})
    return slug
