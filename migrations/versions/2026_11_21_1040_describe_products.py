"""Describe products: options, brands, categories, labels, attributes, custom fields, pictures, former slugs.

Why: a catalog of more than a handful of products is found by what products have in common, and shown by what tells
variants apart. What a filter uses is a row or an id; what only describes is a column.
A category knows its parent and nothing else, so that moving a subtree of any size changes one row. A SKU may be empty:
half of the shops that come from elsewhere have none. A former slug keeps leading to its product.
Considered instead: materialised paths (a move rewrites the subtree, and its locks with it); nested sets (every insert
rewrites half the tree); one JSON of everything (nothing could refer to a brand, and no filter could use an index);
options as tables of their own (three short texts a variant, read with it and never alone).
Going back: drops the tables and columns; what they held with them.
Locks: `products` and `variants` briefly, for columns with constant defaults, which rewrite nothing, and for an index
that is made anew: on a large table that one is to be made CONCURRENTLY before.
"""

from alembic import op

from migrations import tenancy

revision = "2026_11_21_1040"
down_revision = "2026_11_21_1030"
branch_labels = None
depends_on = None

_SPEAKABLE = "'^[a-z0-9]+(-[a-z0-9]+)*$'"

_TABLES = (
    "product_images",
    "custom_field_definitions",
    "product_attributes",
    "attribute_choices",
    "attributes",
    "product_labels",
    "labels",
    "product_categories",
    "categories",
    "former_slugs",
)


def upgrade() -> None:
    """Apply."""
    _name_what_groups()
    _describe_products()
    _describe_variants()
    _relate_products()
    _define_attributes()
    _define_custom_fields()
    _show_pictures()


def _name_what_groups() -> None:
    op.execute(f"""
        create table brands (
            store_id uuid not null,
            id uuid not null,
            name text not null,
            slug text not null,
            description text not null default '',
            media_id uuid,
            version bigint not null default 1,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            deleted_at timestamptz,
            primary key (store_id, id),
            foreign key (store_id, media_id) references media_assets (store_id, id) on delete set null (media_id),
            constraint brands_name_is_not_empty check (name <> ''),
            constraint brands_slug_is_speakable check (slug ~ {_SPEAKABLE})
        )
    """)
    op.execute("create unique index brands_by_slug on brands (store_id, slug) where deleted_at is null")
    op.execute("create index brands_by_name on brands (store_id, name, id)")
    op.execute("create index brands_by_media on brands (store_id, media_id) where media_id is not null")
    op.execute(f"""
        create table categories (
            store_id uuid not null,
            id uuid not null,
            parent_id uuid,
            name text not null,
            slug text not null,
            description text not null default '',
            seo_title text not null default '',
            seo_description text not null default '',
            media_id uuid,
            position bigint not null default 1,
            version bigint not null default 1,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            deleted_at timestamptz,
            primary key (store_id, id),
            foreign key (store_id, parent_id) references categories (store_id, id) on delete set null (parent_id),
            foreign key (store_id, media_id) references media_assets (store_id, id) on delete set null (media_id),
            constraint categories_name_is_not_empty check (name <> ''),
            constraint categories_slug_is_speakable check (slug ~ {_SPEAKABLE}),
            constraint categories_parent_is_another check (parent_id <> id)
        )
    """)
    op.execute("create unique index categories_by_slug on categories (store_id, slug) where deleted_at is null")
    op.execute("create index categories_by_parent on categories (store_id, parent_id, position, id)")
    op.execute("create index categories_by_media on categories (store_id, media_id) where media_id is not null")
    op.execute(f"""
        create table labels (
            store_id uuid not null,
            id uuid not null,
            name text not null,
            slug text not null,
            color text not null default '',
            position bigint not null default 1,
            version bigint not null default 1,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            primary key (store_id, id),
            unique (store_id, slug),
            constraint labels_name_is_not_empty check (name <> ''),
            constraint labels_slug_is_speakable check (slug ~ {_SPEAKABLE}),
            constraint labels_color_is_rgb check (color = '' or color ~ '^#[0-9a-f]{{6}}$')
        )
    """)
    for table in ("brands", "categories"):
        op.execute(f"create index {table}_by_deletion on {table} (store_id, deleted_at) where deleted_at is not null")
    for table in ("brands", "categories", "labels"):
        tenancy.protect(table)


def _describe_products() -> None:
    op.execute("""
        alter table products
            add column vendor text not null default '',
            add column product_type text not null default '',
            add column tags text[] not null default '{}',
            add column option_names text[] not null default '{}',
            add column brand_id uuid,
            add column seo_title text not null default '',
            add column seo_description text not null default '',
            add column custom_fields jsonb not null default '{}',
            add column external_id text,
            add foreign key (store_id, brand_id) references brands (store_id, id) on delete set null (brand_id),
            add constraint products_options_are_three_at_most check (cardinality(option_names) <= 3)
    """)
    op.execute("create index products_by_brand on products (store_id, brand_id) where brand_id is not null")
    op.execute(
        "create unique index products_by_external_id on products (store_id, external_id) "
        "where external_id is not null and deleted_at is null"
    )
    op.execute(f"""
        create table former_slugs (
            store_id uuid not null,
            id uuid not null,
            slug text not null,
            product_id uuid not null,
            retired_at timestamptz not null,
            primary key (store_id, id),
            unique (store_id, slug),
            foreign key (store_id, product_id) references products (store_id, id) on delete cascade,
            constraint former_slugs_slug_is_speakable check (slug ~ {_SPEAKABLE})
        )
    """)
    op.execute("create index former_slugs_by_product on former_slugs (store_id, product_id)")
    tenancy.protect("former_slugs")


def _describe_variants() -> None:
    op.execute("""
        alter table variants
            add column option_values text[] not null default '{}',
            add column barcode text not null default '',
            add column cost bigint,
            add column weight_grams bigint,
            add column weight_unit text not null default 'g',
            add column tax_code text not null default '',
            add column image_id uuid,
            add column custom_fields jsonb not null default '{}',
            add column external_id text,
            drop constraint variants_sku_is_not_empty,
            add constraint variants_options_are_three_at_most check (cardinality(option_values) <= 3),
            add constraint variants_cost_is_an_amount check (cost between 0 and 1000000000000),
            add constraint variants_weight_is_an_amount check (weight_grams between 0 and 1000000000),
            add constraint variants_weight_unit_is_known check (weight_unit in ('g', 'kg', 'oz', 'lb'))
    """)
    op.execute("drop index variants_by_sku")
    op.execute("create unique index variants_by_sku on variants (store_id, sku) where deleted_at is null and sku <> ''")
    op.execute(
        "create unique index variants_by_options on variants (store_id, product_id, option_values) "
        "where deleted_at is null and option_values <> '{}'"
    )
    op.execute(
        "create unique index variants_by_external_id on variants (store_id, external_id) "
        "where external_id is not null and deleted_at is null"
    )


def _relate_products() -> None:
    for table, one, many in (
        ("product_categories", "category_id", "categories"),
        ("product_labels", "label_id", "labels"),
    ):
        op.execute(f"""
            create table {table} (
                store_id uuid not null,
                id uuid not null,
                product_id uuid not null,
                {one} uuid not null,
                primary key (store_id, id),
                unique (store_id, product_id, {one}),
                foreign key (store_id, product_id) references products (store_id, id) on delete cascade,
                foreign key (store_id, {one}) references {many} (store_id, id) on delete cascade
            )
        """)
        op.execute(f"create index {table}_by_{one.removesuffix('_id')} on {table} (store_id, {one}, product_id)")
        tenancy.protect(table)


def _define_attributes() -> None:
    op.execute("""
        create table attributes (
            store_id uuid not null,
            id uuid not null,
            code text not null,
            name text not null,
            kind text not null,
            unit text not null default '',
            filterable boolean not null default true,
            position bigint not null default 1,
            version bigint not null default 1,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            primary key (store_id, id),
            unique (store_id, code),
            constraint attributes_code_is_speakable check (code ~ '^[a-z][a-z0-9_]*$'),
            constraint attributes_name_is_not_empty check (name <> ''),
            constraint attributes_kind_is_known check (kind in ('choice', 'choices', 'number', 'boolean', 'text'))
        )
    """)
    op.execute(f"""
        create table attribute_choices (
            store_id uuid not null,
            id uuid not null,
            attribute_id uuid not null,
            name text not null,
            slug text not null,
            position bigint not null default 1,
            primary key (store_id, id),
            unique (store_id, attribute_id, slug),
            unique (store_id, attribute_id, id),
            foreign key (store_id, attribute_id) references attributes (store_id, id) on delete cascade,
            constraint attribute_choices_name_is_not_empty check (name <> ''),
            constraint attribute_choices_slug_is_speakable check (slug ~ {_SPEAKABLE})
        )
    """)
    op.execute("""
        create table product_attributes (
            store_id uuid not null,
            id uuid not null,
            product_id uuid not null,
            attribute_id uuid not null,
            choice_id uuid,
            number numeric(20, 6),
            flag boolean,
            words text,
            primary key (store_id, id),
            constraint product_attributes_once
                unique nulls not distinct (store_id, product_id, attribute_id, choice_id),
            foreign key (store_id, product_id) references products (store_id, id) on delete cascade,
            foreign key (store_id, attribute_id) references attributes (store_id, id) on delete cascade,
            foreign key (store_id, attribute_id, choice_id)
                references attribute_choices (store_id, attribute_id, id) on delete cascade,
            constraint product_attributes_has_one_value check (num_nonnulls(choice_id, number, flag, words) = 1)
        )
    """)
    op.execute("create index product_attributes_by_attribute on product_attributes (store_id, attribute_id, choice_id)")
    for table in ("attributes", "attribute_choices", "product_attributes"):
        tenancy.protect(table)


def _define_custom_fields() -> None:
    op.execute("""
        create table custom_field_definitions (
            store_id uuid not null,
            id uuid not null,
            entity text not null,
            key text not null,
            name text not null,
            kind text not null,
            rules jsonb not null default '{}',
            required boolean not null default false,
            shown_to_shoppers boolean not null default false,
            position bigint not null default 1,
            version bigint not null default 1,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            primary key (store_id, id),
            unique (store_id, entity, key),
            constraint custom_field_definitions_entity_is_known check (entity in ('product', 'variant')),
            constraint custom_field_definitions_key_is_speakable check (key ~ '^[a-z][a-z0-9_]*$'),
            constraint custom_field_definitions_kind_is_known
                check (kind in ('text', 'integer', 'decimal', 'boolean', 'date', 'url', 'choice'))
        )
    """)
    tenancy.protect("custom_field_definitions")


def _show_pictures() -> None:
    op.execute("""
        create table product_images (
            store_id uuid not null,
            id uuid not null,
            product_id uuid not null,
            media_id uuid not null,
            position bigint not null default 1,
            alt text not null default '',
            primary key (store_id, id),
            unique (store_id, product_id, id),
            foreign key (store_id, product_id) references products (store_id, id) on delete cascade,
            foreign key (store_id, media_id) references media_assets (store_id, id)
        )
    """)
    op.execute("create index product_images_by_product on product_images (store_id, product_id, position, id)")
    op.execute("create index product_images_by_media on product_images (store_id, media_id)")
    tenancy.protect("product_images")
    # Of the same product: a variant shows no other product's picture.
    op.execute("""
        alter table variants add foreign key (store_id, product_id, image_id)
            references product_images (store_id, product_id, id) on delete set null (image_id)
    """)
    op.execute("create index variants_by_image on variants (store_id, image_id) where image_id is not null")


def downgrade() -> None:
    """Take back."""
    op.execute("drop index variants_by_sku")
    op.execute("drop index variants_by_options")
    op.execute("update variants set sku = 'without-' || id where sku = ''")
    op.execute("create unique index variants_by_sku on variants (store_id, sku) where deleted_at is null")
    op.execute("""
        alter table variants
            drop column option_values, drop column barcode, drop column cost, drop column weight_grams,
            drop column weight_unit, drop column tax_code, drop column image_id, drop column custom_fields,
            drop column external_id, add constraint variants_sku_is_not_empty check (sku <> '')
    """)
    for table in _TABLES:
        op.execute(f"drop table {table}")
    op.execute("""
        alter table products
            drop column vendor, drop column product_type, drop column tags, drop column option_names,
            drop column brand_id, drop column seo_title, drop column seo_description, drop column custom_fields,
            drop column external_id
    """)
    op.execute("drop table brands")
