"""Look for products: as their merchant does, by a piece of the name, the beginning of a SKU, or a tag; and by vendor.

Why: who keeps a hundred thousand products finds one by typing. Text and array operators are not leakproof, so under
row-level security they never become index conditions: the list would read every row of the store. They run where it
does not stand between them and the index, in a function of schema `lookup` that refuses every store but the bound one
and returns ids; what of these may be read, and in which order, the list's own statement decides.
Considered instead: the shoppers' search (knows what is on sale alone, and ranks); tags as rows of their own (three more
rows a product, read with it and never alone).
Going back: drops the function and the indexes.
Locks: `products` and `variants` against writing while the indexes are made; on large tables CONCURRENTLY before.
"""

from alembic import op

from migrations import tenancy

revision = "2026_11_21_1130"
down_revision = "2026_11_21_1120"
branch_labels = None
depends_on = None

# A tag is found as it is written, and in the cases that people write.
# Three letters and more are looked for anywhere, fewer at the beginnings of words: that is what trigrams can tell.
_LOOK_FOR = (
    "look_for_products(store uuid, words text, tag text)",
    f"""
declare
    pattern constant text := replace(replace(replace(words, '\\', '\\\\'), '%', '\\%'), '_', '\\_');
begin
    {tenancy.require_bound_store("store")}
    if tag is not null then
        return query
            select p.id from products p
            where p.store_id = store and p.tags && array[tag, lower(tag), upper(tag), initcap(tag)];
    elsif length(words) >= 3 or words !~ '[[:alnum:]]' then
        return query
            select p.id from products p where p.store_id = store and p.title ilike '%' || pattern || '%'
            union
            select v.product_id from variants v
            where v.store_id = store and v.deleted_at is null and v.sku <> '' and v.sku ilike pattern || '%'
            union
            select p.id from products p
            where p.store_id = store and p.tags && array[words, lower(words), upper(words), initcap(words)];
    else
        return query
            select p.id from products p
            where p.store_id = store and (p.title ilike pattern || '%' or p.title ilike '% ' || pattern || '%')
            union
            select v.product_id from variants v
            where v.store_id = store and v.deleted_at is null and v.sku <> '' and v.sku ilike pattern || '%'
            union
            select p.id from products p
            where p.store_id = store and p.tags && array[words, lower(words), upper(words), initcap(words)];
    end if;
end
""",
)


def upgrade() -> None:
    """Apply."""
    op.execute("create index products_by_likeness on products using gin (store_id, title gin_trgm_ops)")
    op.execute("create index products_by_tags on products using gin (store_id, tags)")
    op.execute(
        "create index variants_by_likeness on variants using gin (store_id, sku gin_trgm_ops) "
        "where deleted_at is null and sku <> ''"
    )
    op.execute("create index products_by_vendor on products (store_id, vendor, created_at, id)")
    op.execute("create index products_by_type on products (store_id, product_type, created_at, id)")
    tenancy.let_look_up("products", ("store_id", "id", "title", "tags"))
    tenancy.let_look_up("variants", ("store_id", "product_id", "sku", "deleted_at"))
    tenancy.look_up_function(_LOOK_FOR[0], "setof uuid", _LOOK_FOR[1], language="plpgsql")


def downgrade() -> None:
    """Take back."""
    tenancy.drop_look_up_function("look_for_products")
    for table in ("variants", "products"):
        op.execute(f"drop policy lookup on {table}")
        op.execute(f"revoke select on {table} from {tenancy.LOOKUP}")
    for index in (
        "products_by_type",
        "products_by_vendor",
        "variants_by_likeness",
        "products_by_tags",
        "products_by_likeness",
    ):
        op.execute(f"drop index {index}")
