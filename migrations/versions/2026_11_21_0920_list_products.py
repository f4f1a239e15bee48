"""List products: products and their variants, enough to sell.

Why: what a shopper sees is a product, what a shopper buys is a variant of it, with a SKU and a price. Both carry a
version for edits, and a time of deletion instead of being deleted, so that a merchant has 90 days to think again; then
they are purged, store by store.
Considered instead: the price on the product (two sizes at two prices would be two products); one row of JSON a product
(a SKU could not be unique, nor a price be read without its product); the currency on the store alone (a price would
need a second look-up to be money, and a copy of the row would not say what its number means).
A slug and a SKU are unique among what is not deleted: a deleted product must not keep its name from the next one.
Going back: drops both tables; every product with them.
Locks: none; both tables are new.
"""

from alembic import op

from migrations import tenancy

revision = "2026_11_21_0920"
down_revision = "2026_11_21_0910"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("""
        create table products (
            store_id uuid not null,
            id uuid not null,
            title text not null,
            slug text not null,
            description text not null default '',
            status text not null default 'draft',
            version bigint not null default 1,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            deleted_at timestamptz,
            primary key (store_id, id),
            constraint products_title_is_not_empty check (title <> ''),
            constraint products_slug_is_speakable check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
            constraint products_status_is_known check (status in ('draft', 'active', 'archived'))
        )
    """)
    op.execute("create unique index products_by_slug on products (store_id, slug) where deleted_at is null")
    op.execute("create index products_by_status on products (store_id, status, id) where deleted_at is null")
    op.execute("create index products_by_change on products (store_id, updated_at, id)")
    op.execute("create index products_by_birth on products (store_id, created_at, id)")
    op.execute("create index products_by_title on products (store_id, title, id)")
    tenancy.protect("products")
    op.execute("""
        create table variants (
            store_id uuid not null,
            id uuid not null,
            product_id uuid not null,
            sku text not null,
            title text not null default '',
            price bigint not null,
            compare_at bigint,
            currency text not null,
            taxable boolean not null default true,
            requires_shipping boolean not null default true,
            tracks_stock boolean not null default true,
            position bigint not null default 1,
            version bigint not null default 1,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            deleted_at timestamptz,
            primary key (store_id, id),
            foreign key (store_id, product_id) references products (store_id, id) on delete cascade,
            constraint variants_sku_is_not_empty check (sku <> ''),
            constraint variants_price_is_an_amount check (price between 0 and 1000000000000),
            constraint variants_compare_at_is_above_the_price
                check (compare_at > price and compare_at <= 1000000000000),
            constraint variants_currency_is_iso check (currency ~ '^[A-Z]{3}$')
        )
    """)
    op.execute("create unique index variants_by_sku on variants (store_id, sku) where deleted_at is null")
    op.execute("create index variants_by_product on variants (store_id, product_id, position, id)")
    tenancy.protect("variants")
    for table in ("products", "variants"):
        op.execute(f"create index {table}_by_deletion on {table} (store_id, deleted_at) where deleted_at is not null")


def downgrade() -> None:
    """Take back."""
    op.execute("drop table variants")
    op.execute("drop table products")
