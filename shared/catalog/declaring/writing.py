"""Writing changes of products, however many, in a handful of statements: each writes one kind of row from one JSON.

Rows go in sorted by the names that are unique, so that two who make the same wait for each other in one order.
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from shared.catalog.declaring.changes import ProductChange
from shared.core import clock, ids, tenancy

_PRODUCT = """id uuid, title text, slug text, description text, status text, vendor text, product_type text,
    tags text[], option_names text[], brand_id uuid, seo_title text, seo_description text, custom_fields jsonb,
    external_id text"""
_PRODUCT_COLUMNS = (
    "title, slug, description, status, vendor, product_type, tags, option_names, brand_id, seo_title, seo_description, "
    "custom_fields, external_id"
)
_VARIANT = """id uuid, product_id uuid, sku text, title text, option_values text[], barcode text, cost bigint,
    weight_grams bigint, weight_unit text, tax_code text, image_id uuid, custom_fields jsonb, external_id text,
    price bigint, compare_at bigint, currency text, taxable boolean, requires_shipping boolean, tracks_stock boolean,
    position bigint"""
_VARIANT_COLUMNS = (
    "sku, title, option_values, barcode, cost, weight_grams, weight_unit, tax_code, image_id, custom_fields, "
    "external_id, price, compare_at, taxable, requires_shipping, tracks_stock, position"
)


def _assigned(columns: str) -> str:
    return ", ".join(f"{column} = d.{column}" for column in columns.split(", "))


_INSERT_PRODUCTS = text(f"""
insert into products (store_id, id, {_PRODUCT_COLUMNS}, version, created_at, updated_at)
select :store_id, d.id, {_PRODUCT_COLUMNS}, 1, :now, :now
from jsonb_to_recordset(cast(:rows as jsonb)) as d({_PRODUCT}) order by d.slug
""")  # noqa: S608 -- of constants alone

# `ids` beside the join: without statistics of what was just written the planner might compare each row with each.
_UPDATE_PRODUCTS = text(f"""
update products p set {_assigned(_PRODUCT_COLUMNS)}, version = p.version + 1, updated_at = :now
from jsonb_to_recordset(cast(:rows as jsonb)) as d({_PRODUCT})
where p.store_id = :store_id and p.id = d.id and p.id = any (cast(:ids as uuid[]))
""")  # noqa: S608 -- of constants alone

# Names that are about to change hands are let go first: PostgreSQL looks at each row of an update by itself.
_LET_GO_OF_SLUGS = text("""
update products set slug = 'let-go-of-' || id, external_id = null
where store_id = :store_id and id = any (cast(:ids as uuid[]))
""")
_LET_GO_OF_NAMES = text("""
update variants set sku = '', option_values = '{}', external_id = null
where store_id = :store_id and id = any (cast(:ids as uuid[]))
""")

# A slug that a product has is nobody's former one; one that it had leads to it until another product takes it.
_RETIRE_SLUGS = text("""
with taken as (
    delete from former_slugs where store_id = :store_id and slug = any (cast(:taken as text[]))
)
insert into former_slugs (store_id, id, slug, product_id, retired_at)
select :store_id, d.id, d.slug, d.product_id, :now
from jsonb_to_recordset(cast(:rows as jsonb)) as d(id uuid, slug text, product_id uuid) order by d.slug
on conflict (store_id, slug) do update set product_id = excluded.product_id, retired_at = excluded.retired_at
""")

_DELETE_VARIANTS = text("""
update variants set deleted_at = :now, updated_at = :now, version = version + 1
where store_id = :store_id and id = any (cast(:ids as uuid[]))
""")
_UPDATE_VARIANTS = text(f"""
update variants v set {_assigned(_VARIANT_COLUMNS)}, version = v.version + 1, updated_at = :now
from jsonb_to_recordset(cast(:rows as jsonb)) as d({_VARIANT})
where v.store_id = :store_id and v.id = d.id and v.id = any (cast(:ids as uuid[]))
""")  # noqa: S608 -- of constants alone
_INSERT_VARIANTS = text(f"""
insert into variants (store_id, id, product_id, {_VARIANT_COLUMNS}, currency, version, created_at, updated_at)
select :store_id, d.id, d.product_id, {_VARIANT_COLUMNS}, d.currency, 1, :now, :now
from jsonb_to_recordset(cast(:rows as jsonb)) as d({_VARIANT}) order by d.sku, d.external_id, d.id
""")  # noqa: S608 -- of constants alone

_IMAGE = "id uuid, product_id uuid, media_id uuid, position bigint, alt text"
_PUT_IMAGES = text(f"""
insert into product_images (store_id, id, product_id, media_id, position, alt)
select :store_id, d.id, d.product_id, d.media_id, d.position, d.alt
from jsonb_to_recordset(cast(:rows as jsonb)) as d({_IMAGE}) order by d.id
on conflict (store_id, id) do update set position = excluded.position, alt = excluded.alt
""")  # noqa: S608 -- of constants alone
_DELETE_IMAGES = text("""
delete from product_images where store_id = :store_id and id = any (cast(:ids as uuid[]))
""")

_DELETE_TIES = text("""
with of_categories as (
    delete from product_categories t using jsonb_to_recordset(cast(:categories as jsonb)) as d(
        product_id uuid, category_id uuid)
    where t.store_id = :store_id and t.product_id = d.product_id and t.category_id = d.category_id
      and t.product_id = any (cast(:product_ids as uuid[]))
), of_attributes as (
    delete from product_attributes
    where store_id = :store_id and product_id = any (cast(:attributes_of as uuid[]))
)
delete from product_labels t using jsonb_to_recordset(cast(:labels as jsonb)) as d(product_id uuid, label_id uuid)
where t.store_id = :store_id and t.product_id = d.product_id and t.label_id = d.label_id
  and t.product_id = any (cast(:product_ids as uuid[]))
""")
_INSERT_TIES = text("""
with of_categories as (
    insert into product_categories (store_id, id, product_id, category_id)
    select :store_id, d.id, d.product_id, d.category_id
    from jsonb_to_recordset(cast(:categories as jsonb)) as d(id uuid, product_id uuid, category_id uuid)
), of_attributes as (
    insert into product_attributes (store_id, id, product_id, attribute_id, choice_id, number, flag, words)
    select :store_id, d.id, d.product_id, d.attribute_id, d.choice_id, d.number, d.flag, d.words
    from jsonb_to_recordset(cast(:attributes as jsonb)) as d(
        id uuid, product_id uuid, attribute_id uuid, choice_id uuid, number numeric, flag boolean, words text)
)
insert into product_labels (store_id, id, product_id, label_id)
select :store_id, d.id, d.product_id, d.label_id
from jsonb_to_recordset(cast(:labels as jsonb)) as d(id uuid, product_id uuid, label_id uuid)
""")


def write(session: Session, changes: Sequence[ProductChange]) -> None:
    """Write sound changes. At most thirteen statements, and none for what does not change.

    Raises:
        IntegrityError: a name was taken, or something named went, at this very moment; nothing can go on before a
            rollback to a savepoint.
    """
    touched = [change for change in changes if change.is_sound and change.changes_something]
    made = [change for change in touched if change.is_new]
    kept = [change for change in touched if not change.is_new]
    _run(session, _DELETE_VARIANTS, ids=[row["id"] for change in kept for row in change.gone_variants])
    _let_go_of_names(session, kept)
    _run(session, _UPDATE_PRODUCTS, rows=[change.row for change in kept], ids=[change.row["id"] for change in kept])
    _run(session, _INSERT_PRODUCTS, rows=[change.row for change in made])
    _retire_slugs(session, touched)
    _write_ties(session, touched)
    _write_pictured_variants(session, touched)


def _run(session: Session, statement: TextClause, **given: list[Any]) -> None:
    """Run a statement unless there is nothing to do: lists of rows go as JSON, lists of ids as arrays."""
    if not any(given.values()):
        return
    values = {name: json.dumps(rows) if _are_rows(name) else rows for name, rows in given.items()}
    session.execute(statement, {"store_id": tenancy.require_store(session), "now": clock.now(), **values})


def _are_rows(name: str) -> bool:
    return name in ("rows", "categories", "labels", "attributes")


def _let_go_of_names(session: Session, kept: Sequence[ProductChange]) -> None:
    """Free what other rows of the same batch are about to have."""
    columns = ("slug", "external_id")
    names = {(column, change.before.row[column]) for change in kept if change.before for column in columns}
    movers = [change for change in kept if change.changed.keys() & {*columns}]
    if any(
        (column, change.row[column]) in names for change in movers for column in columns if column in change.changed
    ):
        _run(session, _LET_GO_OF_SLUGS, ids=[change.row["id"] for change in movers])
    unique = ("sku", "option_values", "external_id")
    _run(
        session,
        _LET_GO_OF_NAMES,
        ids=[
            one.row["id"]
            for change in kept
            for one in change.variants
            if one.before is not None
            if any(column in one.changed and one.before[column] for column in unique)
        ],
    )


def _retire_slugs(session: Session, touched: Sequence[ProductChange]) -> None:
    taken = [change.row["slug"] for change in touched if "slug" in change.changed]
    left = [
        {"id": str(ids.new_id()), "slug": change.before.row["slug"], "product_id": change.row["id"]}
        for change in touched
        if change.before is not None and "slug" in change.changed and change.before.row["slug"] not in taken
    ]
    _run(session, _RETIRE_SLUGS, taken=taken, rows=left)


def _write_ties(session: Session, touched: Sequence[ProductChange]) -> None:
    gone: dict[str, list[dict[str, Any]]] = {"categories": [], "labels": []}
    new: dict[str, list[dict[str, Any]]] = {"categories": [], "labels": [], "attributes": []}
    replaced = []
    for change in touched:
        product_id = change.row["id"]
        for kind, column in (("categories", "category_id"), ("labels", "label_id")):
            before: set[str] = getattr(change.before, kind) if change.before is not None else set()
            after: set[str] = getattr(change, kind)
            gone[kind] += [{"product_id": product_id, column: one} for one in sorted(before - after)]
            new[kind] += [_tie(product_id, {column: one}) for one in sorted(after - before)]
        if change.attributes is not None:
            replaced.append(product_id)
            new["attributes"] += [
                _tie(
                    product_id,
                    {
                        "attribute_id": str(value.attribute_id),
                        "choice_id": None if value.choice_id is None else str(value.choice_id),
                        "number": None if value.number is None else str(value.number),
                        "flag": value.flag,
                        "words": value.words,
                    },
                )
                for value in change.attributes
            ]
    losing = {row["product_id"] for rows in gone.values() for row in rows}
    _run(session, _DELETE_TIES, **gone, attributes_of=replaced, product_ids=sorted(losing))
    _run(session, _INSERT_TIES, **new)


def _tie(product_id: str, columns: dict[str, Any]) -> dict[str, Any]:
    return {"id": str(ids.new_id()), "product_id": product_id, **columns}


def _write_pictured_variants(session: Session, touched: Sequence[ProductChange]) -> None:
    """Write pictures before the variants that show them, and take pictures away after that."""
    put, gone = [], []
    for change in touched:
        before = {row["id"]: row for row in change.before.images} if change.before is not None else {}
        put += [row for row in change.images if before.get(row["id"]) != row]
        gone += sorted(before.keys() - {row["id"] for row in change.images})
    _run(session, _PUT_IMAGES, rows=put)
    variants = [one for change in touched for one in change.variants]
    changed = [one.row for one in variants if one.before is not None and one.changed]
    _run(session, _UPDATE_VARIANTS, rows=changed, ids=[row["id"] for row in changed])
    _run(session, _INSERT_VARIANTS, rows=[one.row for one in variants if one.before is None])
    _run(session, _DELETE_IMAGES, ids=gone)
