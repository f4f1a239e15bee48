"""The read model: one row a product that is on sale, made of the catalog, the stock and the pictures.

Whoever makes a row holds its product's lock until the commit and reads after it was had. So of two that make one row at
once, the second reads what the first could not have missed and the other way round: an older row never replaces a newer
one, whatever order events come in. A row whose making comes to what it is already is left alone.
"""

import dataclasses
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from shared.catalog import summarizing
from shared.core import clock, tenancy
from shared.inventory import remaining
from shared.media import queries as media
from shared.search import dictionary, documents, invalidation, surrogates, words
from shared.search.documents import Document, Shelf
from shared.search.terms import IN_STOCK, SOLD_OUT, flag_term

CHUNK = 100  # products at a time: some milliseconds of locks, and bounded memory where each has 2,000 variants

# A lock of the transaction's, not of a row: most of what is asked for needs no write, and there may be no row yet.
_LOCK = text("""
select count(pg_advisory_xact_lock(hashtextextended(:store || id, 1)))
from (select id from unnest(cast(:ids as text[])) as i(id) order by id) wanted
""")

_PRESENT = text("""
select id, encode(source, 'hex') as source, encode(listed_as, 'hex') as listed_as, price, in_stock
from product_summaries where store_id = :store_id and id = any (cast(:ids as uuid[]))
""")

_AFTER = text("""
select id from product_summaries where store_id = :store_id and id > :after order by id limit :most
""")

_WRITE = text("""
with made as (
    select * from jsonb_to_recordset(cast(:rows as jsonb)) as m(
        id uuid, slug text, title text, sort_name text, currency text, price bigint, highest_price bigint,
        in_stock boolean, published_at timestamptz, terms uuid[], categories uuid[], numbers jsonb, words text,
        search text, card text, page text, source text, listed_as text)
), gone as (
    delete from product_summaries where store_id = :store_id and id = any (cast(:gone as uuid[]))
)
insert into product_summaries as s (
    store_id, id, slug, title, sort_name, currency, price, highest_price, in_stock, published_at, terms, categories,
    numbers, words, search, card, page, source, listed_as, refreshed_at)
select :store_id, id, slug, title, sort_name, currency, price, highest_price, in_stock, published_at, terms, categories,
       numbers, words, cast(search as tsvector), card, page, decode(source, 'hex'), decode(listed_as, 'hex'), :now
from made order by id
on conflict (store_id, id) do update set
    slug = excluded.slug, title = excluded.title, sort_name = excluded.sort_name, currency = excluded.currency,
    price = excluded.price, highest_price = excluded.highest_price, in_stock = excluded.in_stock,
    published_at = excluded.published_at, terms = excluded.terms, categories = excluded.categories,
    numbers = excluded.numbers, words = excluded.words, search = excluded.search, card = excluded.card,
    page = excluded.page, source = excluded.source, listed_as = excluded.listed_as, refreshed_at = excluded.refreshed_at
returning old.search is distinct from new.search as found_otherwise
""")


@dataclass(frozen=True)
class Summary:
    """A row as it is written; its digests in hexadecimal.

    `source` is that of all else. `listed_as` is that of what decides where the product is listed: after a change of it,
    lists may have to show it in which it does not stand yet.
    """

    id: str
    slug: str
    title: str
    sort_name: str
    currency: str
    price: int
    highest_price: int
    in_stock: bool
    published_at: str
    terms: list[str]
    categories: list[str]
    numbers: dict[str, str]  # by attribute's code, in decimal digits
    words: str
    search: str
    card: str
    page: str
    source: str = ""
    listed_as: str = ""


def refresh(session: Session, product_ids: Collection[UUID]) -> int:
    """Make the rows of these products what they should be, and drop those of what is not on sale.

    Returns how many changed. Eight statements a hundred products, whatever hangs on them; six where nothing changed.
    Holds each product's lock to the end of the transaction, taken in the order of ids within a call: who has more than
    `CHUNK` of them calls it in several transactions.
    """
    changed = 0
    ordered = sorted(set(product_ids))
    for start in range(0, len(ordered), CHUNK):
        changed += _refresh(session, ordered[start : start + CHUNK])
    return changed


def make(session: Session, product_ids: Sequence[UUID]) -> dict[UUID, Summary]:
    """Return the rows that these products should have; what is not on sale has none. Four statements."""
    shown = {one: told for one, told in summarizing.shown(session, product_ids).items() if told["variants"]}
    if not shown:
        return {}
    counted = [UUID(v["id"]) for told in shown.values() for v in told["variants"] if v["tracks_stock"]]
    media_ids = {UUID(image["media_id"]) for told in shown.values() for image in told["images"]}
    shelf = Shelf(
        left=remaining.left(session, counted) if counted else {},
        pictures=_pictures(session, media_ids) if media_ids else {},
        fields=summarizing.shown_fields(session),
    )
    return {product_id: _summary(product_id, told, shelf) for product_id, told in shown.items()}


def all_after(session: Session, after: UUID, most: int) -> list[UUID]:
    """Return the next products that have a row or should have one, in the order of their ids. Two statements."""
    on_sale = summarizing.on_sale_after(session, after, most)
    values = {"store_id": tenancy.require_store(session), "after": after, "most": most}
    return sorted({*on_sale, *session.scalars(_AFTER, values)})[:most]


def lock(session: Session, product_ids: Sequence[UUID]) -> None:
    """Keep everybody else from making these rows until the commit. One statement."""
    store = str(tenancy.require_store(session))
    session.execute(_LOCK, {"store": store, "ids": [str(one) for one in product_ids]})


def replace(
    session: Session,
    rows: Sequence[Summary],
    gone: Sequence[UUID],
    *,
    elsewhere: bool = True,
    repriced: bool = True,
) -> None:
    """Write rows, delete others, and have the edge forget them; under their lock.

    `elsewhere`, `repriced`: which lists beside those that show them change; see `surrogates.changed_products`. Whether
    they are found by other words, the rows themselves say. No statement where there is nothing to do.
    """
    if not rows and not gone:
        return
    store_id = tenancy.require_store(session)
    values = {"rows": json.dumps([asdict(row) for row in rows]), "gone": list(gone)}
    found_otherwise = session.scalars(_WRITE, {**values, "store_id": store_id, "now": clock.now()}).all()
    suggested_otherwise = dictionary.learn(session, rows)
    changed = [*(UUID(row.id) for row in rows), *gone]
    choosy = repriced or suggested_otherwise or any(found_otherwise)
    tags = surrogates.changed_products(store_id, changed, elsewhere=elsewhere, repriced=choosy)
    invalidation.outdate(session, tags)


def _refresh(session: Session, product_ids: list[UUID]) -> int:
    lock(session, product_ids)
    store_id = tenancy.require_store(session)
    found = session.execute(_PRESENT, {"store_id": store_id, "ids": product_ids})
    present = {row.id: row for row in found}
    made = make(session, product_ids)
    before = {product_id: present.get(product_id) for product_id in made}
    rows = [row for product_id, row in made.items() if _differs(before[product_id], row, "source", "listed_as")]
    gone = [product_id for product_id in present if product_id not in made]
    # What is gone is missed by lists that do not show it, too: the page before it says that there are more.
    elsewhere = bool(gone) or any(_differs(before[UUID(row.id)], row, "listed_as") for row in rows)
    repriced = any(_differs(before[UUID(row.id)], row, "price", "in_stock") for row in rows)
    replace(session, rows, gone, elsewhere=elsewhere, repriced=repriced)
    return len(rows) + len(gone)


def _differs(before: Row[Any] | None, now: Summary, *fields: str) -> bool:
    return before is None or any(getattr(before, field) != getattr(now, field) for field in fields)


def _pictures(session: Session, media_ids: Collection[UUID]) -> dict[UUID, Document]:
    found = media.pictures(session, media_ids)
    shown = {media_id: picture.on_the_wire() for media_id, picture in found.items()}
    return {media_id: picture for media_id, picture in shown.items() if picture is not None}


def _summary(product_id: UUID, shown: Mapping[str, Any], shelf: Shelf) -> Summary:
    card, page = documents.card_and_page(product_id, shown, shelf)
    found_by = words.found_by(
        title=shown["title"],
        names=_names(shown),
        codes=[code for one in shown["variants"] for code in (one["sku"], one["barcode"]) if code],
        description=shown["description"],
    )
    row = Summary(
        id=str(product_id),
        slug=shown["slug"],
        title=shown["title"],
        sort_name=words.normalized(shown["title"]),
        currency=card["price"]["currency"],
        price=card["price"]["amount"],
        highest_price=card["highest_price"]["amount"],
        in_stock=card["in_stock"],
        published_at=shown["created_at"],
        terms=_terms(shown, card),
        categories=sorted(one["id"] for one in shown["categories"]),
        numbers={a["code"]: a["number"] for a in shown["attributes"] if a["filterable"] and a["number"] is not None},
        words=found_by.words,
        search=found_by.search,
        card=_json(card),
        page=_json(page),
    )
    of_stock = {str(IN_STOCK), str(SOLD_OUT)}
    listed_as = [row.sort_name, row.published_at, sorted(set(row.terms) - of_stock), row.numbers]
    return dataclasses.replace(row, source=_digest(asdict(row)), listed_as=_digest(listed_as))


def _names(shown: Mapping[str, Any]) -> list[str]:
    named = [shown["brand"]] if shown["brand"] else []
    named += [*shown["categories"], *shown["labels"]]
    choices = [a["choice"] for a in shown["attributes"] if a["choice"]]
    options = {value for one in shown["variants"] for value in one["option_values"]}
    plain = [shown["vendor"], shown["product_type"], *shown["tags"], *choices, *sorted(options)]
    return [*(one["name"] for one in named), *(name for name in plain if name)]


def _terms(shown: Mapping[str, Any], card: Document) -> list[str]:
    terms = [IN_STOCK if card["in_stock"] else SOLD_OUT]
    named = [shown["brand"]] if shown["brand"] else []
    terms += [UUID(one["id"]) for one in (*named, *shown["categories"], *shown["labels"])]
    for one in shown["attributes"]:
        if not one["filterable"]:
            continue
        if one["choice_id"] is not None:
            terms.append(UUID(one["choice_id"]))
        elif one["flag"] is not None:
            terms.append(flag_term(UUID(one["attribute_id"]), one["flag"]))
        elif one["number"] is not None:
            terms.append(UUID(one["attribute_id"]))
    return [str(term) for term in dict.fromkeys(terms)]


def _digest(whole: object) -> str:
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _json(document: Document) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
