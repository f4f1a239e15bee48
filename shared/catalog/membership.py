"""Putting many products into a category, or labelling them, at once; and taking them out again.

A product's own document says the same of one product. Both hold the products' rows first, in the order of their ids.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from shared.catalog.events import ProductUpdated
from shared.catalog.fields import MAX_GROUPS
from shared.catalog.group_schemas import ChangeMembers
from shared.catalog.models import ProductStatus
from shared.core import audit, clock, errors, ids, outbox, tenancy
from shared.core.errors import FieldError, NotFound, ValidationFailed

_HOLD = text("""
select id from products
where store_id = :store_id and id = any (cast(:product_ids as uuid[])) and deleted_at is null
order by id for no key update
""")

_TOUCH = text("""
update products set version = version + 1, updated_at = :now
where store_id = :store_id and id = any (cast(:product_ids as uuid[]))
returning id, version, status
""")


@dataclass(frozen=True)
class _Kind:
    """One kind of group: how it is found, and the statements on the table that says who is in it."""

    field: str  # of a product
    name: str
    hold: TextClause  # so that it is not removed for good meanwhile
    present: TextClause
    join: TextClause
    leave: TextClause


_CATEGORY = _Kind(
    "categories",
    "category",
    text("""
    select id from categories where store_id = :store_id and id = :group_id and deleted_at is null for key share
    """),
    text("""
    select product_id, category_id as group_id from product_categories
    where store_id = :store_id and product_id = any (cast(:product_ids as uuid[]))
    """),
    text("""
    insert into product_categories (store_id, id, product_id, category_id)
    select :store_id, id, product_id, :group_id
    from unnest(cast(:ids as uuid[]), cast(:product_ids as uuid[])) as new(id, product_id)
    """),
    text("""
    delete from product_categories
    where store_id = :store_id and category_id = :group_id and product_id = any (cast(:product_ids as uuid[]))
    """),
)
_LABEL = _Kind(
    "labels",
    "label",
    text("select id from labels where store_id = :store_id and id = :group_id for key share"),
    text("""
    select product_id, label_id as group_id from product_labels
    where store_id = :store_id and product_id = any (cast(:product_ids as uuid[]))
    """),
    text("""
    insert into product_labels (store_id, id, product_id, label_id)
    select :store_id, id, product_id, :group_id
    from unnest(cast(:ids as uuid[]), cast(:product_ids as uuid[])) as new(id, product_id)
    """),
    text("""
    delete from product_labels
    where store_id = :store_id and label_id = :group_id and product_id = any (cast(:product_ids as uuid[]))
    """),
)


def change_category(session: Session, category_id: UUID, wanted: ChangeMembers) -> tuple[int, int]:
    """Put products into a category and take others out; return how many were added and removed. Seven statements.

    Each product that changes gets a new version, an event and an audit entry; who is in already, or out, stays as it
    is.

    Raises:
        NotFound: there is no such category, or it was deleted.
        ValidationFailed: some products are not there, or in too many of them already.
    """
    return _change(session, _CATEGORY, category_id, wanted)


def change_label(session: Session, label_id: UUID, wanted: ChangeMembers) -> tuple[int, int]:
    """Give products a label and take it from others; otherwise as `change_category`.

    Raises:
        NotFound: there is no such label.
        ValidationFailed: some products are not there, or in too many of them already.
    """
    return _change(session, _LABEL, label_id, wanted)


def _change(session: Session, kind: _Kind, group_id: UUID, wanted: ChangeMembers) -> tuple[int, int]:
    of_store = {"store_id": tenancy.require_store(session)}
    which: dict[str, Any] = of_store | {"group_id": group_id}
    if session.execute(kind.hold, which).one_or_none() is None:
        raise NotFound(f"There is no such {kind.name}.")
    named = {"product_ids": [*wanted.add, *wanted.remove]}
    _refuse_unknown(wanted, set(session.scalars(_HOLD, of_store | named)))
    groups: dict[UUID, set[UUID]] = {product_id: set() for product_id in named["product_ids"]}
    for row in session.execute(kind.present, of_store | named):
        groups[row.product_id].add(row.group_id)
    joining = [one for one in dict.fromkeys(wanted.add) if group_id not in groups[one]]
    _refuse_full(wanted, kind, [one for one in joining if len(groups[one]) >= MAX_GROUPS])
    leaving = [one for one in dict.fromkeys(wanted.remove) if group_id in groups[one]]
    if joining:
        session.execute(kind.join, which | {"ids": [ids.new_id() for _ in joining], "product_ids": joining})
    if leaving:
        session.execute(kind.leave, which | {"product_ids": leaving})
    if joining or leaving:
        touched = session.execute(_TOUCH, of_store | {"now": clock.now(), "product_ids": joining + leaving}).all()
        for row in touched:
            after = groups[row.id] ^ {group_id}
            _tell(session, kind, row, groups[row.id], after)
    return len(joining), len(leaving)


def _refuse_unknown(wanted: ChangeMembers, present: Collection[UUID]) -> None:
    detail = "There is no such product."
    unknown = [
        FieldError(errors.pointer(field, place), "unknown_product", detail)
        for field, named in (("add", wanted.add), ("remove", wanted.remove))
        for place, product_id in enumerate(named)
        if product_id not in present
    ]
    if unknown:
        raise ValidationFailed("Some of these products are not there; nothing was changed.", errors=unknown)


def _refuse_full(wanted: ChangeMembers, kind: _Kind, full: Collection[UUID]) -> None:
    detail = f"A product has at most {MAX_GROUPS} {kind.field}."
    if full:
        at = [
            FieldError(errors.pointer("add", wanted.add.index(product_id)), "too_many", detail) for product_id in full
        ]
        raise ValidationFailed("Some of these products are in too many already; nothing was changed.", errors=at)


def _tell(session: Session, kind: _Kind, row: Any, before: set[UUID], after: set[UUID]) -> None:  # noqa: ANN401 -- of `_TOUCH`
    audit.record(
        session,
        action="product.updated",
        entity="product",
        entity_id=row.id,
        before={kind.field: sorted(map(str, before))},
        after={kind.field: sorted(map(str, after))},
    )
    outbox.record(
        session,
        ProductUpdated(
            product_id=row.id,
            version=row.version,
            status=ProductStatus(row.status),
            changed=(kind.field,),
        ),
    )
