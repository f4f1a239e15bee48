"""What products are filtered by, as shoppers name it: categories, brands, labels, attributes, by slug, code or id."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import ids, tenancy

_MOST_DEEP = 100  # levels of categories; beyond it something is wrong with the tree

_ALL = "true"
_NAMED = "(t.slug = any (cast(:{kind} as text[])) or t.id = any (cast(:{kind}_ids as uuid[])))"


def _statement(*, all_of_it: bool) -> str:
    categories = """
        select id, slug, name, parent_id, position from categories where store_id = :store_id and deleted_at is null
    """
    below = f"""
        select t.id, t.slug, t.name, t.parent_id, t.position, 1 as depth from categories t
        where t.store_id = :store_id and t.deleted_at is null and {_NAMED.format(kind="categories")}
        union
        select t.id, t.slug, t.name, t.parent_id, t.position, b.depth + 1 from below b
        join categories t on t.store_id = :store_id and t.parent_id = b.id and t.deleted_at is null
        where b.depth < {_MOST_DEEP}
    """  # noqa: S608 -- made of our own names alone
    brands, labels = (_ALL if all_of_it else _NAMED.format(kind=kind) for kind in ("brands", "labels"))
    attributes = _ALL if all_of_it else "t.code = any (cast(:attributes as text[]))"
    chosen = "select distinct id, slug, name, parent_id, position from below"
    return f"""
    with recursive below as ({"select cast(null as uuid) as id" if all_of_it else below})
    select cast(jsonb_build_object(
        'categories', coalesce((
            select jsonb_agg(jsonb_build_array(c.id, c.slug, c.name, c.parent_id) order by c.position, c.id)
            from ({categories if all_of_it else chosen}) c), '[]'),
        'brands', coalesce((
            select jsonb_agg(jsonb_build_array(t.id, t.slug, t.name) order by t.name, t.id)
            from brands t where t.store_id = :store_id and t.deleted_at is null and {brands}), '[]'),
        'labels', coalesce((
            select jsonb_agg(jsonb_build_array(t.id, t.slug, t.name) order by t.position, t.id)
            from labels t where t.store_id = :store_id and {labels}), '[]'),
        'attributes', coalesce((
            select jsonb_agg(jsonb_build_array(t.id, t.code, t.name, t.kind, coalesce((
                select jsonb_agg(jsonb_build_array(o.id, o.slug, o.name) order by o.position, o.id)
                from attribute_choices o where o.store_id = t.store_id and o.attribute_id = t.id), '[]'))
                order by t.position, t.id)
            from attributes t where t.store_id = :store_id and t.filterable and {attributes}), '[]')
    ) as text)
    """  # noqa: S608 -- made of our own names alone


_EVERYTHING = text(_statement(all_of_it=True))
_WHAT_IS_NAMED = text(_statement(all_of_it=False))

_TREE = text("""
select id, parent_id, slug, name from categories where store_id = :store_id and deleted_at is null
order by position, id
""")
# The category itself is at distance 0, those above it count upwards, those right below are at -1.
_SURROUNDINGS = text(f"""
with recursive up as (
    select c.id, c.parent_id, 0 as distance from categories c
    where c.store_id = :store_id and c.slug = :slug and c.deleted_at is null
    union all
    select c.id, c.parent_id, up.distance + 1 from up
    join categories c on c.store_id = :store_id and c.id = up.parent_id and c.deleted_at is null
    where up.distance < {_MOST_DEEP}
), around as (
    select id, distance from up
    union all
    select c.id, -1 from up
    join categories c on c.store_id = :store_id and c.parent_id = up.id and c.deleted_at is null
    where up.distance = 0
)
select c.id, c.slug, c.name, c.description, c.seo_title, c.seo_description, around.distance
from around join categories c on c.store_id = :store_id and c.id = around.id
order by around.distance desc, c.position, c.id
""")  # noqa: S608 -- a number of our own
_BRANDS = text("""
select id, slug, name from brands where store_id = :store_id and deleted_at is null order by name, id
""")
_LABELS = text("""
select id, slug, name, color from labels where store_id = :store_id order by position, id
""")


@dataclass(frozen=True)
class Word:
    """Something with a slug that products bear: a brand, a label, a choice."""

    id: UUID
    slug: str
    name: str
    parent_id: UUID | None = None  # of a category
    color: str = ""  # of a label


@dataclass(frozen=True)
class AttributeWord:
    """An attribute that products are filtered by, with its choices."""

    id: UUID
    code: str
    name: str
    kind: str  # as `models.AttributeKind` has it, which this module leaves alone: who only reads needs no tables
    choices: tuple[Word, ...] = ()

    @property
    def has_choices(self) -> bool:
        """Whether products have one of its choices, or several."""
        return self.kind in ("choice", "choices")

    @property
    def is_flag(self) -> bool:
        """Whether it is true or false."""
        return self.kind == "boolean"

    @property
    def is_number(self) -> bool:
        """Whether products are filtered by ranges of it."""
        return self.kind == "number"


@dataclass(frozen=True)
class CategoryFacts:
    """A category, as shoppers read of it."""

    id: UUID
    slug: str
    name: str
    description: str
    seo_title: str
    seo_description: str
    distance: int  # 0: the one that was asked for; 1: its parent, and so on upwards; -1: right below it


@dataclass(frozen=True)
class Named:
    """What a shopper named: slugs or ids of each kind, and codes of attributes."""

    categories: Sequence[str] = ()
    brands: Sequence[str] = ()
    labels: Sequence[str] = ()
    attributes: Sequence[str] = ()


@dataclass(frozen=True)
class Vocabulary:
    """Words of one store, each kind in its order. Of categories that were named, those below them are there, too."""

    categories: tuple[Word, ...] = ()
    brands: tuple[Word, ...] = ()
    labels: tuple[Word, ...] = ()
    attributes: tuple[AttributeWord, ...] = ()
    _above: dict[UUID, tuple[UUID, ...]] = field(default_factory=dict, compare=False)

    def above(self) -> dict[UUID, tuple[UUID, ...]]:
        """Return each category's ancestors and itself, itself first, as far as they are here."""
        if not self._above:
            parents = {one.id: one.parent_id for one in self.categories}
            for one in parents:
                way: list[UUID] = []
                present: UUID | None = one
                while present in parents and present not in way:
                    way.append(present)
                    present = parents[present]
                self._above[one] = tuple(way)
        return self._above

    def at_or_below(self, categories: Iterable[UUID]) -> set[UUID]:
        """Return these categories and all below them."""
        roots = set(categories)
        return {one for one, way in self.above().items() if not roots.isdisjoint(way)}


def read(session: Session, named: Named | None = None) -> Vocabulary:
    """Return what was named, with all that lies below its categories; without `named` everything. One statement.

    What is not there is absent. Named by slug or by id; an attribute by its code, if it may be filtered by.
    """
    values: dict[str, Any] = {"store_id": tenancy.require_store(session)}
    if named is None:
        found = session.execute(_EVERYTHING, values).scalar_one()
    else:
        for kind, prefix in (("categories", "cat"), ("brands", "brand"), ("labels", "label")):
            values[kind], values[f"{kind}_ids"] = _slugs_and_ids(prefix, getattr(named, kind))
        found = session.execute(_WHAT_IS_NAMED, {**values, "attributes": list(named.attributes)}).scalar_one()
    told = json.loads(found)
    return Vocabulary(
        categories=tuple(Word(UUID(i), slug, name, p and UUID(p)) for i, slug, name, p in told["categories"]),
        brands=_words(told["brands"]),
        labels=_words(told["labels"]),
        attributes=tuple(
            AttributeWord(UUID(i), code, name, kind, _words(choices))
            for i, code, name, kind, choices in told["attributes"]
        ),
    )


def categories(session: Session) -> list[Word]:
    """Return every category, siblings in their order. One statement."""
    return [Word(**row) for row in session.execute(_TREE, {"store_id": tenancy.require_store(session)}).mappings()]


def around(session: Session, slug: str) -> list[CategoryFacts]:
    """Return a category with all above it, from the top down, and those right below it; none if it is not there.

    One statement.
    """
    values = {"store_id": tenancy.require_store(session), "slug": slug}
    return [CategoryFacts(**row) for row in session.execute(_SURROUNDINGS, values).mappings()]


def brands(session: Session) -> list[Word]:
    """Return every brand, by name. One statement."""
    return [Word(**row) for row in session.execute(_BRANDS, {"store_id": tenancy.require_store(session)}).mappings()]


def labels(session: Session) -> list[Word]:
    """Return every label, in their order. One statement."""
    return [Word(**row) for row in session.execute(_LABELS, {"store_id": tenancy.require_store(session)}).mappings()]


def _words(rows: Iterable[Sequence[str]]) -> tuple[Word, ...]:
    return tuple(Word(UUID(i), slug, name) for i, slug, name in rows)


def _slugs_and_ids(prefix: str, given: Sequence[str]) -> tuple[list[str], list[UUID]]:
    slugs, found = [], []
    for one in given:
        try:
            found.append(ids.decode(prefix, one))
        except ValueError:
            slugs.append(one)
    return slugs, found
