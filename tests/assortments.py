"""Whole assortments for tests and measurements: thousands of products in seconds, in Bengali and English.

Written straight into the tables, as superuser and by sets, past the capabilities: no event, audit entry or job comes of
it. The same seed gives the same products in the same store, ids included. Two thirds are English, a third is Bengali;
one to three variants each; a tree of 200 categories, 100 brands, 3 labels, 4 attributes; a fifth is sold out.

`seed` fills the catalog and the stock. `summarize` writes the read model of what `seed` made without the refresh, for
plans at sizes that nobody would wait for otherwise: its rows are found, filtered and sorted as real ones, and their
cards and pages say nothing.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from shared.search import dictionary, selling, terms, words
from tests import vocabularies as names

BRANDS = len(names.BRAND_BEGINNINGS) * len(names.BRAND_ENDINGS)
ROOTS, BRANCHES, LEAVES = 8, 48, 144  # categories of the three levels
CATEGORIES = ROOTS + BRANCHES + LEAVES

type Run = Callable[..., list[Any]]


@dataclass(frozen=True)
class Assortment:
    """What a store was filled with. Categories come with roots first and leaves last."""

    store_id: UUID
    products: int
    seed: int
    brands: list[UUID]
    categories: list[UUID]
    labels: list[UUID]
    attributes: dict[str, UUID]  # by code: `colour` and `material` are choices, `waterproof` a flag, `weight` a number
    choices: dict[str, list[UUID]]  # by the attribute's code


def seed(
    superuser_url: str, store_id: UUID, *, products: int, seed: int = 1, with_attributes: bool = True
) -> Assortment:
    """Fill an open store's catalog and stock. A product's slug is `product-` and its number, from 0.

    Products may go without their attributes, which are four rows of ten a product, where nobody reads them.
    """
    with _prepared(superuser_url, store_id, products=products, seed=seed) as run:
        for statement in (*_GROUPS, *_GOODS, *((_ATTRIBUTES,) if with_attributes else ())):
            run(statement)
        ids = {
            kind: [row[0] for row in run(f"select id from {table} where store_id = :store order by id")]
            for kind, table in (("brands", "brands"), ("categories", "categories"), ("labels", "labels"))
        }
        attributes = {row.code: row.id for row in run("select code, id from attributes where store_id = :store")}
        choices = {code: [row[0] for row in run(_CHOICES_OF, code=code)] for code in ("colour", "material")}
        for table in ("products", "variants", "stock_levels", "product_categories", "product_attributes"):
            run(f"analyze {table}")
    return Assortment(store_id, products, seed, ids["brands"], ids["categories"], ids["labels"], attributes, choices)


def summarize(superuser_url: str, assortment: Assortment) -> None:
    """Write the read model of an assortment."""
    with _prepared(superuser_url, assortment.store_id, products=assortment.products, seed=assortment.seed) as run:
        run(_SUMMARIES, in_stock=terms.IN_STOCK, sold_out=terms.SOLD_OUT, **_flag_terms(run))
        learnt = sorted({word for row in run("select words from made") for word in row.words.split()})
        run(_WORDS, entries=json.dumps(dictionary.entries(learnt)))
        for statement in _NAMES:
            run(statement)
        for table in ("product_summaries", "search_words", "search_groups"):
            run(f"analyze {table}")


@contextmanager
def _prepared(superuser_url: str, store_id: UUID, *, products: int, seed: int) -> Iterator[Run]:
    """Open a transaction in which `made` says of each product what was chosen for it, and `called` what things are."""
    engine = create_engine(superuser_url.replace("postgresql://", "postgresql+pg8000://", 1), poolclass=NullPool)
    facts = {"store": store_id, "most": products, "seed": seed}

    with engine.begin() as connection:

        def run(statement: str, **more: object) -> list[Any]:
            result = connection.execute(text(statement), {**facts, **more})
            return list(result.all()) if result.returns_rows else []

        run("set local session_replication_role = replica")  # no trigger looks at what is right by its making
        run("set local work_mem = '64MB'")
        for statement in _TOOLS:
            connection.exec_driver_sql(statement)
        run(_CALLED, called=json.dumps(_called()))
        run("analyze called")
        run(_MADE)
        run("analyze made")
        yield run
    engine.dispose()


def _flag_terms(run: Run) -> dict[str, UUID]:
    attribute = run(f"select pg_temp.made_id(:store, {_ATTRIBUTE}, 3)")[0][0]
    return {str(flag).lower(): terms.flag_term(attribute, flag) for flag in (True, False)}


def _called() -> list[dict[str, Any]]:
    """Return what things are called, with what they are found by: of a title, of another name, of a description."""
    lists = {
        "good": names.GOODS,
        "quality": names.QUALITIES,
        "colour": names.COLOURS,
        "material": names.MATERIALS,
        "story": names.STORIES,
        "brand": [(first + last, "") for first in names.BRAND_BEGINNINGS for last in names.BRAND_ENDINGS],
        "label": [(label, "") for label in names.LABELS],
    }
    return [
        {
            "kind": kind,
            "place": place,
            "bengali": bengali,
            "name": name,
            "normal": words.normalized(name),
            "in_title": words.found_by(title=name).search,
            "as_name": words.found_by(title="", names=[name]).search,
            "told": words.found_by(title="", description=name).search,
            "learnt": words.found_by(title=name).words,
        }
        for kind, pairs in lists.items()
        for place, pair in enumerate(pairs)
        for bengali, name in ((False, pair[0]), (True, pair[1] or pair[0]))
    ]


# Rows of one kind have ids in the order of their numbers, as time-ordered ids are; no two stores share one.
_TOOLS = (
    """
create function pg_temp.made_id(store uuid, kind int, number bigint) returns uuid immutable language sql return (
    lpad(to_hex(1764000000000 + number), 12, '0') || '7' || lpad(to_hex(kind), 3, '0') || '8'
    || substr(md5(store::text), 1, 3) || substr(md5(store::text || number), 1, 12)
)::uuid
""",
    """
create function pg_temp.dice(seed bigint, kind int, number bigint, sides bigint) returns int immutable language sql
return ((hashint8extended(number * 64 + kind, seed) & 9007199254740991) % sides)::int
""",
)
_BRAND, _CATEGORY, _LABEL, _ATTRIBUTE, _COLOUR, _MATERIAL, _PRODUCT, _VARIANT, _LEVEL, _LINK, _VALUE = range(1, 12)

_CALLED = """
create temporary table called on commit drop as
select * from json_to_recordset(cast(:called as json)) as t (
    kind text, place int, bengali boolean, name text, normal text, in_title text, as_name text, told text, learnt text
)
"""
_MADE = f"""
create temporary table made on commit drop as
with chosen as (
    select number, mod(number, 3) = 1 as bengali,
           pg_temp.dice(:seed, 1, number, {len(names.GOODS)}) as good,
           pg_temp.dice(:seed, 2, number, {len(names.QUALITIES)}) as quality,
           pg_temp.dice(:seed, 3, number, {len(names.COLOURS)}) as colour,
           pg_temp.dice(:seed, 4, number, {len(names.MATERIALS)}) as material,
           least(pg_temp.dice(:seed, 5, number, {BRANDS}), pg_temp.dice(:seed, 6, number, {BRANDS})) as brand,
           pg_temp.dice(:seed, 7, number, {len(names.STORIES)}) as story,
           pg_temp.dice(:seed, 8, number, {len(names.STORIES)}) as story_too,
           1 + pg_temp.dice(:seed, 9, number, 3) as variants,
           9900 + pg_temp.dice(:seed, 10, number, 5000) * 100 as price,
           pg_temp.dice(:seed, 11, number, 5) > 0 as in_stock,
           pg_temp.dice(:seed, 12, number, 20) as label,
           2000 / (1 + pg_temp.dice(:seed, 13, number, 2000)) as sold,
           100 + pg_temp.dice(:seed, 14, number, 9900) as weight,
           pg_temp.dice(:seed, 15, number, 2) = 0 as waterproof
    from generate_series(0, cast(:most as bigint) - 1) as number
)
select chosen.*, pg_temp.made_id(:store, {_PRODUCT}, number) as id,
       {ROOTS + BRANCHES} + mod(good * 5, {LEAVES}) as leaf,
       timestamptz '2026-01-01T00:00:00Z' + number * interval '100 seconds' as at,
       concat_ws(' ', colours.name, qualities.name, materials.name, goods.name, 1000 + number) as title,
       concat_ws(' ', colours.normal, qualities.normal, materials.normal, goods.normal, 1000 + number) as sort_name,
       '<p>' || stories.name || '</p><p>' || others.name || '</p>' as description,
       concat_ws(' ', colours.in_title, qualities.in_title, materials.in_title, goods.in_title,
                 quote_literal(1000 + number) || '\\:1A', quote_literal('^' || (1000 + number)) || '\\:1A',
                 brands.as_name, stories.told, others.told,
                 quote_literal('#sku' || number || '1') || '\\:1B') as search,
       concat_ws(' ', colours.learnt, qualities.learnt, materials.learnt, goods.learnt, brands.learnt) as words
from chosen
join called goods on (goods.kind, goods.place, goods.bengali) = ('good', good, chosen.bengali)
join called qualities on (qualities.kind, qualities.place, qualities.bengali) = ('quality', quality, chosen.bengali)
join called colours on (colours.kind, colours.place, colours.bengali) = ('colour', colour, chosen.bengali)
join called materials on (materials.kind, materials.place, materials.bengali) = ('material', material, chosen.bengali)
join called brands on (brands.kind, brands.place, brands.bengali) = ('brand', brand, false)
join called stories on (stories.kind, stories.place, stories.bengali) = ('story', story, chosen.bengali)
join called others on (others.kind, others.place, others.bengali) = ('story', story_too, chosen.bengali)
order by number
"""

_NOW = "timestamptz '2026-01-01T00:00:00Z', timestamptz '2026-01-01T00:00:00Z'"
_GROUPS = (
    f"""
insert into brands (store_id, id, name, slug, created_at, updated_at)
select :store, pg_temp.made_id(:store, {_BRAND}, place), name, 'brand-' || place, {_NOW}
from called where kind = 'brand' and not bengali
""",
    f"""
insert into categories (store_id, id, parent_id, name, slug, position, created_at, updated_at)
select :store, pg_temp.made_id(:store, {_CATEGORY}, n),
       case when n >= {ROOTS + BRANCHES} then pg_temp.made_id(:store, {_CATEGORY}, {ROOTS} + mod(n, {BRANCHES}))
            when n >= {ROOTS} then pg_temp.made_id(:store, {_CATEGORY}, mod(n, {ROOTS})) end,
       name || ' ' || n, 'category-' || n, 1 + n / {ROOTS}, {_NOW}
from generate_series(0, {CATEGORIES} - 1) n
join called on kind = 'good' and place = mod(n, {len(names.GOODS)}) and bengali = (mod(n, 3) = 1)
""",
    f"""
insert into labels (store_id, id, name, slug, created_at, updated_at)
select :store, pg_temp.made_id(:store, {_LABEL}, place), name, lower(name), {_NOW}
from called where kind = 'label' and not bengali
""",
    f"""
insert into attributes (store_id, id, code, name, kind, unit, position, created_at, updated_at)
select :store, pg_temp.made_id(:store, {_ATTRIBUTE}, place), code, initcap(code), kind, unit, place, {_NOW}
from (values (1, 'colour', 'choice', ''), (2, 'material', 'choice', ''), (3, 'waterproof', 'boolean', ''),
             (4, 'weight', 'number', 'g')) as t (place, code, kind, unit)
""",
    f"""
insert into attribute_choices (store_id, id, attribute_id, name, slug, position)
select :store, pg_temp.made_id(:store, case kind when 'colour' then {_COLOUR} else {_MATERIAL} end, place),
       pg_temp.made_id(:store, {_ATTRIBUTE}, case kind when 'colour' then 1 else 2 end), name, lower(name), 1 + place
from called where kind in ('colour', 'material') and not bengali
""",
)
_GOODS = (
    f"""
insert into products (store_id, id, title, slug, description, status, vendor, product_type, tags, option_names,
                      brand_id, created_at, updated_at)
select :store, id, title, 'product-' || number, description, 'active', brands.name, goods.name,
       array[lower(colours.name), lower(materials.name)],
       case when variants > 1 then array['Size'] else '{{}}' end,
       pg_temp.made_id(:store, {_BRAND}, brand), at, at
from made
join called brands on (brands.kind, brands.place, brands.bengali) = ('brand', brand, false)
join called goods on (goods.kind, goods.place, goods.bengali) = ('good', good, false)
join called colours on (colours.kind, colours.place, colours.bengali) = ('colour', colour, false)
join called materials on (materials.kind, materials.place, materials.bengali) = ('material', material, false)
order by number
""",
    f"""
insert into variants (store_id, id, product_id, sku, title, option_values, price, compare_at, currency, position,
                      barcode, created_at, updated_at)
select :store, pg_temp.made_id(:store, {_VARIANT}, number * 3 + n), made.id, 'SKU-' || number || '-' || n,
       case when variants > 1 then (array['S', 'M', 'L'])[n] else '' end,
       case when variants > 1 then array[(array['S', 'M', 'L'])[n]] else '{{}}' end,
       price + (n - 1) * 5000, case when label = 1 then price + 100000 end, stores.currency, n,
       (8800000000000 + number * 3 + n)::text, at, at
from made, generate_series(1, variants) n, stores
where stores.id = :store order by number, n
""",
    f"""
insert into stock_levels (store_id, id, variant_id, on_hand, created_at, updated_at)
select :store, pg_temp.made_id(:store, {_LEVEL}, number * 3 + n), pg_temp.made_id(:store, {_VARIANT}, number * 3 + n),
       case when in_stock then 5 + n else 0 end, at, at
from made, generate_series(1, variants) n order by number, n
""",
    f"""
insert into product_categories (store_id, id, product_id, category_id)
select :store, pg_temp.made_id(:store, {_LINK}, number), id, pg_temp.made_id(:store, {_CATEGORY}, leaf)
from made order by number
""",
    f"""
insert into product_labels (store_id, id, product_id, label_id)
select :store, pg_temp.made_id(:store, {_LINK}, number), id, pg_temp.made_id(:store, {_LABEL}, label)
from made where label < {len(names.LABELS)} order by number
""",
)
_ATTRIBUTES = f"""
insert into product_attributes (store_id, id, product_id, attribute_id, choice_id, number, flag)
select :store, pg_temp.made_id(:store, {_VALUE}, made.number * 4 + n), id,
       pg_temp.made_id(:store, {_ATTRIBUTE}, n),
       case n when 1 then pg_temp.made_id(:store, {_COLOUR}, colour)
              when 2 then pg_temp.made_id(:store, {_MATERIAL}, material) end,
       case n when 4 then weight end, case n when 3 then waterproof end
from made, generate_series(1, 4) n order by made.number, n
"""
_CHOICES_OF = """
select c.id from attribute_choices c join attributes a on (a.store_id, a.id) = (c.store_id, c.attribute_id)
where c.store_id = :store and a.code = :code order by c.position
"""

_SUMMARIES = f"""
insert into product_summaries (store_id, id, slug, title, sort_name, currency, price, highest_price, in_stock, sold,
                               front, published_at, terms, categories, numbers, words, search, card, page, source,
                               listed_as, refreshed_at)
select :store, made.id, 'product-' || number, title, sort_name, stores.currency, price,
       price + (variants - 1) * 5000, in_stock, sold,
       row_number() over (order by sold desc, made.id desc) <= {selling.FRONT}, at,
       array[case when in_stock then cast(:in_stock as uuid) else cast(:sold_out as uuid) end,
             pg_temp.made_id(:store, {_BRAND}, brand),
             pg_temp.made_id(:store, {_CATEGORY}, leaf), pg_temp.made_id(:store, {_COLOUR}, colour),
             pg_temp.made_id(:store, {_MATERIAL}, material),
             case when waterproof then cast(:true as uuid) else cast(:false as uuid) end,
             pg_temp.made_id(:store, {_ATTRIBUTE}, 4)]
           || case when label < {len(names.LABELS)} then array[pg_temp.made_id(:store, {_LABEL}, label)]
                   else '{{}}' end,
       array[pg_temp.made_id(:store, {_CATEGORY}, leaf)], jsonb_build_object('weight', cast(weight as text)), words,
       cast(search as tsvector),
       json_build_object('id', made.id, 'slug', 'product-' || number, 'title', title, 'image', null,
                         'price', json_build_object('amount', price, 'currency', stores.currency),
                         'in_stock', in_stock, 'labels', json_build_array(), 'more', repeat('-', 200))::text,
       json_build_object('id', made.id, 'slug', 'product-' || number, 'title', title, 'description', description,
                         'more', repeat('-', 1000))::text,
       decode(md5(number::text), 'hex'), decode(md5(number::text), 'hex'), at
from made, stores where stores.id = :store order by number
"""
_WORDS = """
insert into search_words (store_id, word, root, sound, near)
select :store, word, root, sound, near
from json_to_recordset(cast(:entries as json)) as t (word text, root text, sound text, near text[])
on conflict do nothing
"""
_NAMES = (
    """
insert into search_groups (store_id, id, kind, name, slug, search)
select :store, id, 'brand', brands.name, slug, cast(in_title as tsvector)
from brands join called on kind = 'brand' and called.name = brands.name and not bengali where store_id = :store
on conflict do nothing
""",
    f"""
insert into search_groups (store_id, id, kind, name, slug, search)
select :store, id, 'category', categories.name, slug, cast(in_title as tsvector)
from categories join called on kind = 'good' and starts_with(categories.name, called.name || ' ')
where store_id = :store and cast(substr(slug, 10) as int) >= {ROOTS + BRANCHES}
on conflict do nothing
""",
)
