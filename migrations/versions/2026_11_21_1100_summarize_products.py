"""Summarize products: one row a product that is on sale, as shoppers see, filter, sort and find it.

Why: a list of twenty products reads twenty rows of one table, in the order of one index, and passes their JSON on as
PostgreSQL holds it. The row is made of products, variants, stock and pictures whenever one of them changes, by the
events that tell so, and once a night all of it is compared with what it was made of.
`terms` holds the ids of what a product can be filtered by: its categories, brand, labels and attribute choices. Only a
function that steps outside row-level security can use its index, since array operators are not leakproof: see the
functions in schema `lookup`, which take the store from the transaction and return ids of that store.
Considered instead: a materialized view (refreshed whole, for all stores at once); joins at each request (twenty
products with variants, prices, stock and pictures are a hundred rows of six tables); a search engine beside the
database (a second truth, which has to be secured, run and kept).
Going back: drops the table; a backfill makes it again.
Locks: none; the table is new.
"""

from alembic import op

from migrations import tenancy

revision = "2026_11_21_1100"
down_revision = "2026_11_21_1050"
branch_labels = None
depends_on = None

# What is wanted comes as JSON: {"terms": [[id, ...], ...], "price": [from, to], "numbers": [[code, from, to], ...]}.
# Of each group of terms a product has one at least. Values are quoted one by one, since the planner estimates by them.
_CONDITIONS = (
    "product_conditions(store uuid, wanted jsonb)",
    f"""
declare
    said text := format('store_id = %L::uuid', store);
    one jsonb;
begin
    {tenancy.require_bound_store("store")}
    for one in select jsonb_array_elements(wanted -> 'terms') loop
        said := said || format(' and terms && %L::uuid[]', array(select jsonb_array_elements_text(one)));
    end loop;
    if wanted -> 'price' ->> 0 is not null then
        said := said || format(' and price >= %L::bigint', wanted -> 'price' ->> 0);
    end if;
    if wanted -> 'price' ->> 1 is not null then
        said := said || format(' and price <= %L::bigint', wanted -> 'price' ->> 1);
    end if;
    for one in select jsonb_array_elements(wanted -> 'numbers') loop
        if one ->> 1 is not null then
            said := said || format(' and (numbers ->> %L)::numeric >= %L::numeric', one ->> 0, one ->> 1);
        end if;
        if one ->> 2 is not null then
            said := said || format(' and (numbers ->> %L)::numeric <= %L::numeric', one ->> 0, one ->> 2);
        end if;
    end loop;
    return said;
end
""",
)

# First along the index of the order, for as many rows as a page may cost: where what is wanted is common, that is all.
# Where it is rare, so that those rows held no page of it, the index of the terms finds few, and they are sorted.
_LISTED = (
    "list_products(store uuid, wanted jsonb, sort_by text, descending boolean, after text[], most integer)",
    f"""
declare
    looked_at constant integer := 1500;
    conditions text;
    beyond text := '';
    ordering text;
    found uuid[];
begin
    {tenancy.require_bound_store("store")}
    if sort_by not in ('published_at', 'price', 'sort_name', 'sold') then
        raise invalid_parameter_value using message = 'no such order';
    end if;
    conditions := lookup.product_conditions(store, wanted);
    ordering := format('%I %s, id %s', sort_by, case when descending then 'desc' else 'asc' end,
                       case when descending then 'desc' else 'asc' end);
    if after is not null then
        beyond := format(' and (%I, id) %s (%L, %L::uuid)', sort_by, case when descending then '<' else '>' end,
                         after[1], after[2]);
    end if;
    -- Bounds of what it is ordered by lie in the index of the order: begin and end there.
    if sort_by = 'price' and wanted -> 'price' ->> 0 is not null then
        beyond := beyond || format(' and price >= %L::bigint', wanted -> 'price' ->> 0);
    end if;
    if sort_by = 'price' and wanted -> 'price' ->> 1 is not null then
        beyond := beyond || format(' and price <= %L::bigint', wanted -> 'price' ->> 1);
    end if;
    execute format(
        'select array(select id from (select id, store_id, terms, numbers, price from product_summaries '
        'where store_id = %L::uuid%s order by %s limit %s) near where %s limit %s)',
        store, beyond, ordering, looked_at, conditions, most
    ) into found;
    if cardinality(found) < most then
        execute format(
            'select array(with fitting as materialized (select id, %I from product_summaries where %s%s) '
            'select id from fitting order by %s limit %s)',
            sort_by, conditions, beyond, ordering, most
        ) into found;
    end if;
    return query select f.place, f.id from unnest(found) with ordinality f (id, place);
end
""",
)

# How many products each choice would show. A facet leaves its own filter out: a product that one filter alone keeps
# away counts for that filter's facet. `facets`: {"of": {term: facet}, "filtered": {facet: [term, ...]}, "above":
# {category: [category above, ...]}}; the filters besides are `wanted`. Prices are counted in `steps`, by their bounds.
_COUNTED = (
    "count_products(store uuid, wanted jsonb, facets jsonb, price jsonb, steps bigint[])",
    f"""
begin
    {tenancy.require_bound_store("store")}
    return query execute format($statement$
        with filtered as materialized (
            select f.key as facet, array(select jsonb_array_elements_text(f.value))::uuid[] as terms
            from jsonb_each($1 -> 'filtered') f
        ), named as materialized (
            select o.key::uuid as term, o.value as facet from jsonb_each_text($1 -> 'of') o
        ), above as materialized (
            select a.key::uuid as category, u.value::uuid as term
            from jsonb_each($1 -> 'above') a, jsonb_array_elements_text(a.value) u
        ), judged as (
            select s.terms, s.categories, s.price,
                   array(select f.facet from filtered f where not s.terms && f.terms)
                   || case when s.price < ($2 ->> 0)::bigint or s.price > ($2 ->> 1)::bigint
                      then array['price'] else '{{}}' end as missed
            from product_summaries s where %s
        ), near as materialized (
            select terms, categories, price, missed[1] as missed from judged where cardinality(missed) <= 1
        ), borne as (
            select n.missed, t.term, count(*) as n from near n, unnest(n.terms) t (term) group by 1, 2
        ), stood as (
            select row_number() over () as place, categories, missed, count(*) as n
            from near where missed is null or missed = 'category' group by categories, missed
        ), below as (
            select distinct s.place, s.n, a.term
            from stood s, unnest(s.categories) c (id) join above a on a.category = c.id
        )
        select m.facet, b.term::text, sum(b.n)::bigint from borne b join named m on m.term = b.term
        where b.missed is null or b.missed = m.facet group by m.facet, b.term
        union all
        select 'category', term::text, sum(n)::bigint from below group by term
        union all
        select 'total', '', count(*) from near where missed is null
        union all
        select 'price', width_bucket(price, $3)::text, count(*) from near
        where missed is null or missed = 'price' group by 2
    $statement$, lookup.product_conditions(store, wanted)) using facets, price, steps;
end
""",
)


def upgrade() -> None:
    """Apply."""
    op.execute("create extension if not exists pg_trgm")
    op.execute("create extension if not exists btree_gin")
    op.execute("""
        create table product_summaries (
            store_id uuid not null,
            id uuid not null,
            slug text not null,
            title text not null,
            sort_name text not null,
            currency text not null,
            price bigint not null,
            highest_price bigint not null,
            in_stock boolean not null,
            sold bigint not null default 0,
            published_at timestamptz not null,
            terms uuid[] not null default '{}',
            categories uuid[] not null default '{}',
            numbers jsonb not null default '{}',
            words text not null,
            search tsvector not null,
            card text not null,
            page text not null,
            source bytea not null,
            listed_as bytea not null,
            refreshed_at timestamptz not null,
            primary key (store_id, id),
            foreign key (store_id, id) references products (store_id, id) on delete cascade
        )
    """)
    op.execute("create index product_summaries_by_slug on product_summaries (store_id, slug)")
    op.execute("create index product_summaries_by_age on product_summaries (store_id, published_at, id)")
    op.execute("create index product_summaries_by_price on product_summaries (store_id, price, id)")
    op.execute("create index product_summaries_by_name on product_summaries (store_id, sort_name, id)")
    op.execute("create index product_summaries_by_sales on product_summaries (store_id, sold, id)")
    op.execute("create index product_summaries_by_terms on product_summaries using gin (store_id, terms)")
    op.execute("create index product_summaries_by_search on product_summaries using gin (store_id, search)")
    # A product's card stays in its row, where a list finds it; the page, which a list does not need, goes elsewhere.
    op.execute("alter table product_summaries alter column page set storage external")
    tenancy.protect("product_summaries")
    _list_them()


def _list_them() -> None:
    columns = (
        "store_id",
        "id",
        "terms",
        "categories",
        "numbers",
        "in_stock",
        "price",
        "published_at",
        "sort_name",
        "sold",
    )
    tenancy.let_look_up("product_summaries", columns)
    tenancy.look_up_function(_CONDITIONS[0], "text", _CONDITIONS[1], language="plpgsql")
    tenancy.look_up_function(_LISTED[0], "table (place bigint, id uuid)", _LISTED[1], language="plpgsql")
    # A page of them: of the thousand that PostgreSQL expects of a function, it would rather read the whole table.
    op.execute("alter function lookup.list_products rows 20")
    tenancy.look_up_function(_COUNTED[0], "table (facet text, value text, n bigint)", _COUNTED[1], language="plpgsql")


def downgrade() -> None:
    """Take back."""
    for name in ("count_products", "list_products", "product_conditions"):
        tenancy.drop_look_up_function(name)
    op.execute("drop table product_summaries")
    op.execute("drop extension btree_gin")
    op.execute("drop extension pg_trgm")
