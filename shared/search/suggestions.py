"""Suggestions while somebody types: products, categories and brands that the words may be the beginning of.

The products are what a search would find first; categories and brands are those whose names have the words and of which
something is on sale. Misspelt words are taken for the nearest, as in a search. One statement.
"""

import json
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import ids, tenancy
from shared.core.prepared import Prepared
from shared.search import finding
from shared.search.finding_schemas import Suggestions

MOST = 10

_NOTHING_WANTED = '{"terms": [], "price": [null, null], "numbers": []}'

_SUGGEST = text("""
with found as materialized (
    select * from lookup.find_products(
        :store_id, cast(:asked as jsonb), cast(:wanted as jsonb), 0, cast(:limit as integer))
), named as materialized (
    select g.id, g.kind, g.name, g.slug
    from unnest(array['brand', 'category']) as kind,
         lateral lookup.find_groups(
             :store_id, (select query from found limit 1), kind, cast(:limit as integer)) f
         join search_groups g on g.store_id = :store_id and g.id = f.id
)
select string_agg(s.card, ',' order by f.place) as cards, max(f.meant) as meant, (
           select cast(jsonb_agg(jsonb_build_array(kind, id, name, slug) order by name, id) as text) from named
       ) as named
from found f join product_summaries s on s.store_id = :store_id and s.id = f.id
""")


def suggest(session: Session, typed: str, *, limit: int) -> Prepared[Suggestions]:
    """Return up to `limit` products, categories and brands each. One statement; none where no word was typed."""
    asked = finding.read(typed)
    if asked is None:
        return Prepared(_answer("", [], None))
    values = {"asked": json.dumps(asked), "wanted": _NOTHING_WANTED, "limit": limit}
    (row,) = tenancy.read(session, _SUGGEST, {**values, "store_id": tenancy.require_store(session)})
    return Prepared(_answer(row.cards or "", json.loads(row.named or "[]"), finding.meant(asked, row.meant)))


def _answer(cards: str, named: list[list[str]], meant: str | None) -> str:
    rest = {
        "categories": [_shown("cat", one) for one in named if one[0] == "category"],
        "brands": [_shown("brand", one) for one in named if one[0] == "brand"],
        "did_you_mean": meant,
    }
    told = json.dumps(rest, ensure_ascii=False, separators=(",", ":"))
    return f'{{"products":[{cards}],{told[1:]}'


def _shown(prefix: str, one: list[str]) -> dict[str, str]:
    _kind, group_id, name, slug = one
    return {"id": ids.encode(prefix, UUID(group_id)), "name": name, "slug": slug}
