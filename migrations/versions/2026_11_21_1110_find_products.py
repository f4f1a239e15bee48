"""Find products: by words, by how they sound, by words that were meant; and what shoppers searched in vain.

Why: a shopper types two words, one of them wrong, in one of two scripts. Products are found by lexemes that the
application makes (PostgreSQL's parser knows no Bengali), under the index of the read model. A word that no product has
is looked up in the store's dictionary, which holds each word once: by its neighbours at one letter's distance, by
trigrams, by its consonants. So a misspelling costs what a dictionary costs, which grows far slower than products do.
Text operators are not leakproof, so they run where row-level security does not stand between them and the index: in
functions of schema `lookup` that take the store, refuse every other than the bound one, and return ids of it.
Considered instead: trigrams over the products' own text (40 ms and more at 100,000 products of one store, against 1 ms
over its dictionary); text search configurations (their parser splits Bengali by the server's locale); `ts_rank` (reads
the same rows and knows nothing of sales and stock); a search engine beside the database.
Going back: drops the functions and the tables; dictionary and groups are made again by a backfill, misses are gone.
Locks: none; the tables are new.
"""

from alembic import op

from migrations import tenancy

revision = "2026_11_21_1110"
down_revision = "2026_11_21_1100"
branch_labels = None
depends_on = None

# A word as it is asked for: {"said", "sound", "near": [...], and as tsqueries "plain", "named", "title", "exact",
# "exact_title", "exact_named"}. A word that some product has stays; one that none has becomes what it may have meant:
# up to three words of the dictionary, the nearest; one that is like none goes.
_MEANT = (
    "meant_words(store uuid, words jsonb)",
    f"""
declare
    one jsonb;
    known boolean;
    meant jsonb;
    answer jsonb := '[]';
begin
    {tenancy.require_bound_store("store")}
    for one in select jsonb_array_elements(words) loop
        with bearing as materialized (
            select from product_summaries s where s.store_id = store and s.search @@ (one ->> 'plain')::tsquery
        )
        select true into known from bearing limit 1;
        if known then
            answer := answer || jsonb_build_array(one);
            continue;
        end if;
        with alike as (
            select w.word, w.root, w.sound, w.products,
                   similarity(w.sound, one ->> 'sound')
                   + case when w.near && edits.all then 0.5
                          when not w.near && bones.all then 0 when length(bones.all[1]) > 4 then 0.4 else 0.3 end
                   + case when (octet_length(w.word) = length(w.word)) = (octet_length(one ->> 'said')
                          = length(one ->> 'said')) then 0.02 else 0 end as score
            from (select array(select jsonb_array_elements_text(one -> 'near')) as all) edits,
                 (select array(select jsonb_array_elements_text(one -> 'bones')) as all) bones,
                 search_words w
            where w.store_id = store and (w.near && (edits.all || bones.all) or w.sound % (one ->> 'sound'))
        ), nearest as (
            select * from alike where score >= 0.4 order by score desc, products desc, word limit 3
        ), chosen as (
            select * from nearest where score >= (select max(score) - 0.15 from nearest)
        )
        select jsonb_build_object(
                   'said', (array_agg(word order by score desc, products desc, word))[1],
                   'plain', string_agg(format('%L | %L', root, '~' || sound), ' | '),
                   'named', string_agg(format('%L:AB | %L:AB', root, '~' || sound), ' | '),
                   'title', string_agg(quote_literal('^' || sound), ' | '),
                   'exact', string_agg(quote_literal(root), ' | '),
                   'exact_title', string_agg(format('%L:A', root), ' | '),
                   'exact_named', string_agg(format('%L:AB', root), ' | '))
        into meant from chosen having count(*) > 0;
        if meant is not null then
            answer := answer || jsonb_build_array(meant);
        end if;
    end loop;
    return answer;
end
""",
)

# Candidates come from three places, each bounded, so that a word that half of the products have costs about what one
# does that a thousand have: those that have it in the title; where they are few, all others that have it; where they
# are many, those of the store's bestsellers that have it. They are ranked by where the words stand; then what is in
# stock comes first, then what sells. First all words as they were said; then as they were meant; then some of them.
# `materialized`: the planner is not to take the limit for a reason to read the store's rows one by one.
_FIND = (
    "find_products(store uuid, asked jsonb, wanted jsonb, skipped integer, most integer)",
    f"""
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
                select id, search, in_stock, sold from product_summaries where %1$s and search @@ %3$L
            ), likely as materialized (
                select * from titled limit %5$s
            ), bearing as materialized (
                select id, search, in_stock, sold from product_summaries
                where %1$s and search @@ %2$L and not search @@ %3$L
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
        $statement$, conditions, query, titles, rank, candidates, store) into found;
        exit when found is not null;
    end loop;
    return query
        select f.place, f.id, cardinality(found), query,
               array(select w ->> 'said' from jsonb_array_elements(words) w),
               glue = ' & ' and jsonb_array_length(words) = asked_for
        from unnest(found[skipped + 1 : skipped + most]) with ordinality f (id, place);
end
""",
)

_GROUPS = (
    "find_groups(store uuid, query text, kind_of text, most integer)",
    f"""
begin
    {tenancy.require_bound_store("store")}
    return query
        select row_number() over (order by g.name, g.id), g.id from search_groups g
        where g.store_id = store and g.search @@ query::tsquery and g.kind = kind_of
          and exists (select from product_summaries s where s.store_id = store and s.terms && array[g.id])
        order by g.name, g.id limit most;
end
""",
)


def upgrade() -> None:
    """Apply."""
    # Searched at once after an import, too, and not only when the pending entries were worked in.
    op.execute("alter index product_summaries_by_search set (gin_pending_list_limit = 256)")
    op.execute("""
        create table search_words (
            store_id uuid not null,
            word text not null,
            root text not null,
            sound text not null,
            near text[] not null,
            products bigint not null default 0,
            primary key (store_id, word)
        )
    """)
    op.execute("create index search_words_by_likeness on search_words using gin (store_id, sound gin_trgm_ops)")
    op.execute("create index search_words_by_nearness on search_words using gin (store_id, near)")
    op.execute("""
        create table search_groups (
            store_id uuid not null,
            id uuid not null,
            kind text not null,
            name text not null,
            slug text not null,
            search tsvector not null,
            primary key (store_id, id),
            constraint search_groups_kind_is_known check (kind in ('brand', 'category'))
        )
    """)
    op.execute("create index search_groups_by_search on search_groups using gin (store_id, search)")
    op.execute("""
        create table search_misses (
            store_id uuid not null,
            day date not null,
            text text not null,
            times bigint not null,
            last_at timestamptz not null,
            primary key (store_id, day, text),
            constraint search_misses_text_is_short check (length(text) between 1 and 100)
        )
    """)
    for table in ("search_words", "search_groups", "search_misses"):
        tenancy.protect(table)
    op.execute(f"grant select (search) on product_summaries to {tenancy.LOOKUP}")
    tenancy.let_look_up("search_words", ("store_id", "word", "root", "sound", "near", "products"))
    tenancy.let_look_up("search_groups", ("store_id", "id", "kind", "name", "search"))
    tenancy.look_up_function(_MEANT[0], "jsonb", _MEANT[1], language="plpgsql")
    tenancy.look_up_function(
        _FIND[0],
        "table (place bigint, id uuid, total integer, query text, meant text[], whole boolean)",
        _FIND[1],
        language="plpgsql",
    )
    tenancy.look_up_function(_GROUPS[0], "table (place bigint, id uuid)", _GROUPS[1], language="plpgsql")
    # A page of them: of the thousand that PostgreSQL expects of a function, it would rather read the whole table.
    for name in ("find_products", "find_groups"):
        op.execute(f"alter function lookup.{name} rows 20")


def downgrade() -> None:
    """Take back."""
    for name in ("find_groups", "find_products", "meant_words"):
        tenancy.drop_look_up_function(name)
    op.execute(f"revoke select (search) on product_summaries from {tenancy.LOOKUP}")
    for table in ("search_misses", "search_groups", "search_words"):
        op.execute(f"drop table {table}")
    op.execute("alter index product_summaries_by_search reset (gin_pending_list_limit)")
