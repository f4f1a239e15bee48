"""The list of what is on sale: filtered, sorted, page by page, with what it can be narrowed by. At most two statements.

What was named is looked up in the store's vocabulary; all else is one statement, in which PostgreSQL puts the answer's
JSON together. Without filters it reads one index in its order; with some, `lookup.list_products` chooses between that
and the index of terms, since row-level security keeps the latter from the application's own statements.
"""

import json
from functools import cache
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from shared.catalog import vocabulary
from shared.catalog.vocabulary import Vocabulary
from shared.core import tenancy
from shared.core.errors import FieldError, pointer
from shared.core.paging import DEFAULT_LIMIT
from shared.core.prepared import Prepared
from shared.search import asking, facets
from shared.search.asking import Asked
from shared.search.narrowing import Wanted
from shared.search.schemas import ProductList


def list_products(session: Session, asked: Asked) -> Prepared[ProductList]:
    """Return one page of what is on sale, as JSON. One statement; two where names have to be looked up, or for facets.

    Raises:
        InvalidListing: it names an attribute that the store's products are not filtered by, or not so.
    """
    words = Vocabulary()
    if asked.with_facets:
        words = vocabulary.read(session)
    elif asked.names_words:
        words = vocabulary.read(session, asked.named)
    wanted = Wanted.of(asked, words)
    if wanted.errors:
        raise asking.refuse([FieldError(pointer("query", name), code, told) for name, code, told in wanted.errors])
    return Prepared(_answer(session, asked, wanted, words))


def _answer(session: Session, asked: Asked, wanted: Wanted, words: Vocabulary) -> str:
    values: dict[str, Any] = {"store_id": tenancy.require_store(session)}
    order = asked.keyset
    usual = asked.limit == DEFAULT_LIMIT
    if not usual:
        values["limit"] = asked.limit
    if asked.position is not None:
        key, last = asked.position
        values |= {"key": key, "last": last}
    if asked.narrows:
        after = None if asked.position is None else [str(key) for key in asked.position]
        values |= {"wanted": wanted.as_json(), "after": after}
    if asked.with_facets:
        values |= facets.values(wanted, words)
    statement = _statement(
        asked.column,
        descending=order.descending,
        narrowed=asked.narrows,
        beyond=asked.position is not None,
        total=asked.with_total and not asked.with_facets,
        counted=asked.with_facets,
        # Told in the statement, so that PostgreSQL plans it once where it keeps statements by name: of a limit that it
        # does not know it expects a tenth of the store, and plans anew each time.
        limit=str(DEFAULT_LIMIT) if usual else ":limit",
    )
    (row,) = tenancy.read(session, statement, values)
    cursor, has_more = None, row.found > asked.limit
    if has_more:
        cursor = order.cursor(asked.fingerprint, (row.last_key, row.last_id))
    rest = f'"page":{{"next_cursor":{json.dumps(cursor)},"has_more":{json.dumps(has_more)}}}'
    counts = facets.Counts.of(row.counts) if asked.with_facets else None
    if asked.with_total:
        rest += f',"total":{row.total if counts is None else counts.total}'
    if counts is not None:
        told = facets.present(counts, wanted, words)
        rest += f',"facets":{json.dumps(told, ensure_ascii=False, separators=(",", ":"))}'
    return f'{{"data":[{row.cards or ""}],{rest}}}'


@cache  # a few dozen shapes
def _statement(  # noqa: PLR0913 -- each is a part that the statement has or has not
    column: str,
    *,
    descending: bool,
    narrowed: bool,
    beyond: bool,
    total: bool,
    counted: bool,
    limit: str,
) -> TextClause:
    direction, sign = ("desc", "<") if descending else ("asc", ">")
    order = f"s.{column} {direction}, s.id {direction}"
    if narrowed:
        listed = f"""
            select s.card, s.{column} as key, s.id, l.place
            from lookup.list_products(
                :store_id, cast(:wanted as jsonb), '{column}', {descending}, cast(:after as text[]), {limit} + 1) l
            join product_summaries s on s.store_id = :store_id and s.id = l.id
        """  # noqa: S608 -- made of our own names alone
    else:
        here = f"and (s.{column}, s.id) {sign} (:key, :last)" if beyond else ""
        listed = f"""
            select s.card, s.{column} as key, s.id, row_number() over (order by {order}) as place
            from product_summaries s where s.store_id = :store_id {here} order by {order} limit {limit} + 1
        """  # noqa: S608 -- made of our own names alone
    further = ""
    if counted:
        further = """, (
            select cast(jsonb_agg(jsonb_build_array(facet, value, n)) as text)
            from lookup.count_products(:store_id, cast(:counted as jsonb), cast(:facets as jsonb),
                                       cast(:price as jsonb), cast(:steps as bigint[]))
        ) as counts"""
    elif total:
        further += f", ({_TOTAL_WANTED if narrowed else _TOTAL}) as total"
    return text(f"""
        with listed as ({listed})
        select string_agg(card, ',' order by place) filter (where place <= {limit}) as cards, count(*) as found,
               max(key) filter (where place = {limit}) as last_key,
               (array_agg(id) filter (where place = {limit}))[1] as last_id{further}
        from listed
    """)  # noqa: S608 -- made of our own names alone


_TOTAL = "select count(*) from product_summaries s where s.store_id = :store_id"
_TOTAL_WANTED = (
    "select n from lookup.count_products(:store_id, cast(:wanted as jsonb), '{}', null, '{}') where facet = 'total'"
)
