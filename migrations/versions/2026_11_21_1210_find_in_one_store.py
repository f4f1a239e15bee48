"""Find in one store: each store has posting lists of its own, and what sells stands in front.

Why: under an index of (store_id, search), a word's posting list holds the products of all stores, and the store's own
holds all of its products. Each search read both: in a store of 1,000 products beside one of 100,000, "cotton" took
3.6 ms of CPU, most of it for the neighbour's products, and a beginning (`red:*`) gathers every product of every store
before it looks at the store. Now the index is of lexemes that carry their store (`search_keys`), so that a search reads
what is the store's alone. A lexeme also says whether its product stands in front: among the store's `FRONT`
bestsellers, as the last night counted them. 150 candidates of a common word are found there, and its thousands of
others are not read; a rarer word is looked for in both. A product that is new stands in front until the night.
The key is the store's last 32 bits: two stores that share them read each other's lists, and still find their own alone,
since store and words are compared with the row, too.
No statistics of lexemes are kept: each search plans anew with its words, and half of its CPU went into looking them up
in the statistics, while an index scan is the right plan for all of them.
Considered instead: a list of the best products of each lexeme (a table to keep by every order and edit);
`gin_fuzzy_search_limit` (another choice at each page); a partial index of what stands in front (the rest would need its
own, and one with the store in its lexemes serves both).
Going back: makes index and functions as they were.
Locks: `product_summaries` against writing while the new index is made, a minute for each two million products; past
that, make it CONCURRENTLY before. What the code of before finds, it finds by the functions as they are now.
"""

from importlib import import_module

from alembic import op

from migrations import tenancy

revision = "2026_11_21_1210"
down_revision = "2026_11_21_1205"
branch_labels = None
depends_on = None

# The functions as they were, and what is the same in them now.
_FOUND = import_module("migrations.versions.2026_11_21_1110_find_products")
_KNOWN = import_module("migrations.versions.2026_11_21_1140_know_words_sooner")

# What a product is found by, under the index: its lexemes, each behind its place and its store. Dear, so that no row is
# asked for it that the index can answer for; and parallel unsafe, since dear conditions tempt the planner to start
# workers, who take longer than a whole search.
_KEYS = """
create function search_keys(store uuid, front boolean, search tsvector) returns tsvector
language sql immutable strict parallel unsafe cost 1000
return array_to_tsvector(array(
    select case when front then '+' else '-' end || right(store::text, 8) || lexeme from unnest(search)
))
"""

# The same of a question. The index knows no weights: these are left to the row.
_QUESTION = """
create function search_question(store uuid, place text, question text) returns text
language sql immutable strict parallel safe
return regexp_replace(
    regexp_replace(regexp_replace(question, ''':\\*[ABD]+', ''':*', 'g'), ''':[ABD]+', '''', 'g'),
    '''([^'']+)''', '''' || place || right(store::text, 8) || '\\1''', 'g'
)
"""

_BY_KEYS = """with bearing as materialized (
            select from product_summaries s
            where s.store_id = store and s.search @@ (one ->> 'plain')::tsquery
              and search_keys(s.store_id, s.front, s.search)
                  @@ ('(' || search_question(store, '+', one ->> 'plain') || ') | ('
                      || search_question(store, '-', one ->> 'plain') || ')')::tsquery
        )
        select true into known from bearing limit 1;"""

# As it was; but candidates that have it in the title are those in front, and where these are few, the others, too.
_FIND = f"""
declare
    candidates constant integer := 150;
    conditions text;
    words jsonb := asked -> 'words';
    asked_for constant integer := jsonb_array_length(words);
    glue text := ' & ';
    query text;
    titles text;
    rank text;
    found uuid[];
begin
    {tenancy.require_bound_store("store")}
    conditions := lookup.product_conditions(store, wanted);
    for stage in 1 .. 3 loop
        if stage = 2 then
            words := lookup.meant_words(store, words);
            exit when jsonb_array_length(words) * 2 < asked_for or words = '[]';
            continue when words = asked -> 'words';
        elsif stage = 3 then
            exit when jsonb_array_length(words) < 2;
            glue := ' | ';
        end if;
        select string_agg('(' || (w ->> 'plain') || ')', glue), string_agg('(' || (w ->> 'title') || ')', glue),
               format('case when search @@ %L then 1 when search @@ %L then 2 when search @@ %L then 3 '
                      'when search @@ %L then 4 else 5 end',
                      string_agg('(' || (w ->> 'exact_title') || ')', glue),
                      string_agg('(' || (w ->> 'title') || ')', glue),
                      string_agg('(' || (w ->> 'exact_named') || ')', glue),
                      string_agg('(' || (w ->> 'named') || ')', glue))
        into query, titles, rank
        from jsonb_array_elements(words) w;
        if stage = 3 then
            rank := rank || (
                select string_agg(format(' - 5 * (search @@ %L)::int', w ->> 'plain'), '')
                from jsonb_array_elements(words) w
            );
        elsif stage = 1 and asked ->> 'code' is not null then
            query := query || ' | ' || (asked ->> 'code');
            titles := titles || ' | ' || (asked ->> 'code');
            rank := format('case when search @@ %L then 0 else %s end', asked ->> 'code', rank);
        end if;
        execute format($statement$
            with titled as materialized (
                select id, search, in_stock, sold from product_summaries
                where %1$s and search @@ %3$L and search_keys(store_id, front, search) @@ %7$L
            ), first as materialized (
                select * from titled limit %5$s
            ), behind as materialized (
                select id, search, in_stock, sold from product_summaries
                where %1$s and search @@ %3$L and search_keys(store_id, front, search) @@ %8$L
            ), likely as materialized (
                select * from first union all (select * from behind limit %5$s - (select count(*) from first))
            ), bearing as materialized (
                select id, search, in_stock, sold from product_summaries
                where %1$s and search @@ %2$L and not search @@ %3$L
                  and search_keys(store_id, front, search) @@ %9$L
            ), others as materialized (
                select * from bearing limit case when (select count(*) from likely) < %5$s then %5$s else 0 end
            ), sellers as materialized (
                select id, search, in_stock, sold, price, terms, numbers, store_id from product_summaries
                where store_id = %6$L order by sold desc, id desc
                limit case when (select count(*) from likely) >= %5$s or (select count(*) from others) >= %5$s
                           then %5$s else 0 end
            ), candidates as (
                select * from likely union all select * from others union all
                select id, search, in_stock, sold from sellers
                where %1$s and search @@ %2$L
                  and id not in (select id from likely union all select id from others)
            )
            select array_agg(id order by tier, in_stock desc, sold desc, id)
            from (select id, in_stock, sold, %4$s as tier from candidates) ranked
        $statement$, conditions, query, titles, rank, candidates, store,
            search_question(store, '+', titles), search_question(store, '-', titles),
            '(' || search_question(store, '+', query) || ') | (' || search_question(store, '-', query) || ')')
        into found;
        exit when found is not null;
    end loop;
    return query
        select f.place, f.id, cardinality(found), query,
               array(select w ->> 'said' from jsonb_array_elements(words) w),
               glue = ' & ' and jsonb_array_length(words) = asked_for
        from unnest(found[skipped + 1 : skipped + most]) with ordinality f (id, place);
end
"""
_ROW = "table (place bigint, id uuid, total integer, query text, meant text[], whole boolean)"


def upgrade() -> None:
    """Apply."""
    op.execute("alter table product_summaries add column front boolean not null default true")
    op.execute(f"grant select (front) on product_summaries to {tenancy.LOOKUP}")
    op.execute("alter table product_summaries alter column search set statistics 0")
    op.execute("select pg_clear_attribute_stats('public', 'product_summaries', 'search', false)")
    op.execute(_KEYS)
    op.execute(_QUESTION)
    op.execute(
        "create index product_summaries_by_key on product_summaries using gin (search_keys(store_id, front, search)) "
        "with (gin_pending_list_limit = 256)"  # as before: searched at once after an import, too
    )
    op.execute("alter index product_summaries_by_key alter column 1 set statistics 0")
    _replace(_FIND, _KNOWN._BY_BESTSELLERS_FIRST.replace(_KNOWN._BY_INDEX, _BY_KEYS))  # noqa: SLF001 -- a constant
    op.execute("drop index product_summaries_by_search")


def downgrade() -> None:
    """Take back."""
    op.execute(
        "create index product_summaries_by_search on product_summaries using gin (store_id, search) "
        "with (gin_pending_list_limit = 256)"
    )
    _replace(_FOUND._FIND[1], _KNOWN._BY_BESTSELLERS_FIRST)  # noqa: SLF001 -- a constant
    op.execute("alter table product_summaries alter column search set statistics default")
    op.execute("drop index product_summaries_by_key")
    op.execute("drop function search_question(uuid, text, text)")
    op.execute("drop function search_keys(uuid, boolean, tsvector)")
    op.execute(f"revoke select (front) on product_summaries from {tenancy.LOOKUP}")
    op.execute("alter table product_summaries drop column front")


def _replace(find: str, look: str) -> None:
    tenancy.drop_look_up_function("find_products")
    tenancy.look_up_function(
        "find_products(store uuid, asked jsonb, wanted jsonb, skipped integer, most integer)",
        _ROW,
        find,
        language="plpgsql",
    )
    op.execute("alter function lookup.find_products rows 20")
    tenancy.drop_look_up_function("meant_words")
    body = _KNOWN._meant_words(look)  # noqa: SLF001 -- text
    tenancy.look_up_function("meant_words(store uuid, words jsonb)", "jsonb", body, language="plpgsql")
