"""Categories: making, editing, deleting and restoring one. `category_places` moves them, `category_tree` reads all.

Deletion asks for a category without children, so a deleted one never hides another, and restoring is one row as well.
Products stay on a deleted category and are there again when it comes back.
"""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.catalog import category_places, edits, pictures, slugs
from shared.catalog.group_events import CategoryCreated, CategoryDeleted, CategoryRestored, CategoryUpdated
from shared.catalog.group_schemas import EditCategory, NewCategory
from shared.catalog.models.groups import Category
from shared.core import audit, clock, ids, outbox
from shared.core.errors import NotFound, Problem, ValidationFailed
from shared.core.keysets import Operator
from shared.core.lives import RESTORABLE
from shared.core.paging import Filter, Listing, ListQuery, PageInfo
from shared.core.typeids import CategoryId

_MOMENT: tuple[Operator, ...] = ("gt", "gte", "lt", "lte")

CATEGORIES = Listing(
    Category,
    filters={
        "parent_id": Filter(Category.parent_id, ("eq", "in", "null"), accepts=CategoryId),
        "slug": Filter(Category.slug),
        "updated_at": Filter(Category.updated_at, _MOMENT),
        "deleted_at": Filter(Category.deleted_at, ("null", *_MOMENT)),
    },
    sorts={"position": (Category.position,), "name": (Category.name,), "created_at": (Category.id,)},
    default_sort="position",
    search=lambda words: Category.name.icontains(words, autoescape=True),
)


class HasChildren(Problem):
    """The category has children: move or delete them first. `children` says how many."""

    status = 409
    code = "category_has_children"
    title = "Category has children"


class ParentDeleted(Problem):
    """The category that it was below is deleted: restore that one first."""

    status = 409
    code = "parent_deleted"
    title = "Parent is deleted"


def list_categories(session: Session, query: ListQuery) -> tuple[list[Category], PageInfo, int | None]:
    """Return one page of the categories; deleted ones only when the query asks about `deleted_at`. One statement."""
    base = select(Category)
    if not any(condition.field == "deleted_at" for condition in query.conditions):
        base = base.where(Category.deleted_at.is_(None))
    return CATEGORIES.run(session, query, base)


def get(session: Session, category_id: UUID) -> Category:
    """Return a category that is not deleted.

    Raises:
        NotFound: there is none.
    """
    category = session.scalars(
        select(Category).where(Category.id == category_id, Category.deleted_at.is_(None))
    ).one_or_none()
    if category is None:
        raise NotFound("There is no such category.")
    return category


def create(session: Session, new: NewCategory) -> Category:
    """Make a category. Whoever moves or deletes one above it at this moment waits, or is waited for.

    Raises:
        ValidationFailed: there is no such parent or picture.
        TooDeep: it would stand more than `category_places.MAX_DEPTH` deep.
        SlugTaken: another category has the slug.
    """
    pictures.require(session, new.media_id)
    if new.parent_id is not None:
        category_places.hold(session, new.parent_id)
    now = clock.now()
    category = Category(
        id=ids.new_id(),
        parent_id=new.parent_id,
        name=new.name,
        slug=new.slug or slugs.free(session, Category, new.name),
        description=new.description,
        seo_title=new.seo_title,
        seo_description=new.seo_description,
        media_id=new.media_id,
        position=new.position if new.position is not None else category_places.last(session, new.parent_id),
        version=1,
        created_at=now,
        updated_at=now,
    )
    with slugs.refusing_taken(session, category):
        session.add(category)
    after = {"name": category.name, "slug": category.slug, "parent_id": edits.told(category.parent_id)}
    audit.record(session, action="category.created", entity="category", entity_id=category.id, after=after)
    outbox.record(session, CategoryCreated(category_id=category.id, version=1, parent_id=category.parent_id))
    return category


def edit(session: Session, category_id: UUID, wanted: EditCategory, *, expected_version: int | None) -> Category:
    """Change what `wanted` names. An edit that changes nothing leaves version, history and events as they are.

    Raises:
        NotFound: there is no such category, or it was deleted.
        StaleVersion: it has another version than the expected one.
        ValidationFailed: there is no such picture.
        SlugTaken: another category has the slug.
    """
    category = edits.held(session, Category, category_id, name="category", expected_version=expected_version)
    fields = edits.named(wanted, may_be_empty=("media_id",))
    if wanted.media_id != category.media_id:
        pictures.require(session, wanted.media_id)
    changes = edits.apply(category, fields)
    if changes is None:
        return category
    with slugs.refusing_taken(session, category):
        pass
    audit.record(
        session,
        action="category.updated",
        entity="category",
        entity_id=category.id,
        before=changes.before,
        after=changes.after,
    )
    outbox.record(
        session,
        CategoryUpdated(category_id=category.id, version=category.version, changed=changes.changed),
    )
    return category


def delete(session: Session, category_id: UUID, *, expected_version: int | None) -> Category:
    """Delete a category that has no children, restorable for 90 days. Its products stay on it and are not shown there.

    Raises:
        NotFound: there is no such category, or it was deleted before.
        StaleVersion: it has another version than the expected one.
        HasChildren: there are categories below it.
    """
    category = edits.held(session, Category, category_id, name="category", expected_version=expected_version)
    # Counted under the lock: who makes or moves one below it holds its parent, and so waits or was waited for.
    below = select(func.count()).where(Category.parent_id == category_id, Category.deleted_at.is_(None))
    if children := session.execute(below).scalar_one():
        detail = f"There are {children} categories below this one; move or delete them first."
        raise HasChildren(detail, children=children)
    category.deleted_at = clock.now()
    edits.touch(category)
    session.flush()
    _note(session, "category.deleted", category, deleted=True)
    outbox.record(session, CategoryDeleted(category_id=category.id, version=category.version))
    return category


def restore(session: Session, category_id: UUID) -> Category:
    """Bring a deleted category back to its place; one that is not deleted stays as it is.

    Raises:
        NotFound: there is no such category, or it was deleted more than 90 days ago.
        ParentDeleted: the one that it was below is deleted.
        TooDeep: that one was moved so deep meanwhile that nothing may stand below it.
        SlugTaken: its slug was given to another meanwhile; rename that one first.
    """
    which = select(Category).where(Category.id == category_id)
    category = session.scalars(which).one_or_none()
    if category is None or _is_gone(category):
        raise NotFound("There is no such category, or it was deleted more than 90 days ago.")
    if category.deleted_at is None:
        return category
    try:
        category_places.hold(session, category.parent_id, moved=category_id)
    except ValidationFailed:
        raise ParentDeleted("The category that this one was below is deleted; restore that one first.") from None
    session.refresh(category)
    if category.deleted_at is None:
        return category
    category.deleted_at = None
    edits.touch(category)
    with slugs.refusing_taken(session, category):
        pass
    _note(session, "category.restored", category, deleted=False)
    restored = CategoryRestored(category_id=category.id, version=category.version, parent_id=category.parent_id)
    outbox.record(session, restored)
    return category


def _is_gone(category: Category) -> bool:
    return category.deleted_at is not None and category.deleted_at <= clock.now() - RESTORABLE


def _note(session: Session, action: str, category: Category, *, deleted: bool) -> None:
    before, after = {"deleted": not deleted}, {"deleted": deleted}
    audit.record(session, action=action, entity="category", entity_id=category.id, before=before, after=after)
