"""Where categories stand in their tree, and how one is moved with all that is below it: one row changes.

What must hold is that a category has a way up to the top, without a circle, at most `MAX_DEPTH` long. Each change that
could break it locks what it relies on, and nothing else of the store: the row that changes its place, and in share
mode the new parent and all above it, in the order of their ids, so that no two wait for each other. Under the locks
the way up is read again. Whoever makes, moves or restores something below the moved category holds that one in share
mode, too, so the depth that is counted below it stays what it was. Two moves wait for each other only where one moves
what the other's new place stands on.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from shared.catalog import edits
from shared.catalog.group_events import CategoryMoved
from shared.catalog.group_schemas import MoveCategory
from shared.catalog.models.groups import Category
from shared.core import audit, errors, outbox, tenancy
from shared.core.errors import FieldError, Problem, Unavailable, ValidationFailed

MAX_DEPTH = 12  # categories from the top down to the deepest, both counted
SPACING = 100  # between the positions of siblings that are put last one after the other

_ATTEMPTS = 20  # each fails only if somebody moved what is above in the moment between two statements
_LAST_POSITION = 10**9

_CHAIN = """
chain as (
    select id, parent_id, 1 as distance from categories where store_id = :store_id and id = :parent_id
    union all
    select c.id, c.parent_id, chain.distance + 1 from chain
        join categories c on c.store_id = :store_id and c.id = chain.parent_id
    where chain.distance < 100
)
"""  # ends at a distance that no tree has, so that even a circle would be read to an end

_WAY_UP = text(f"with recursive {_CHAIN} select id from chain order by distance")  # noqa: S608 -- of constants

# Branches of a UNION ALL are carried out one after the other, and each sorts before it locks: so the ids' order holds.
_LOCK = text("""
with before as materialized (
    select id from categories where store_id = :store_id and id = any (cast(:before as uuid[])) order by id for share
), moved as materialized (
    select id from categories where store_id = :store_id and id = :moved for no key update
), after as materialized (
    select id from categories where store_id = :store_id and id = any (cast(:after as uuid[])) order by id for share
)
select id from before union all select id from moved union all select id from after
""")

# How high the moved subtree is, read only if it goes deeper than it stood, and no further than it may reach.
_FACTS = text(f"""
with recursive {_CHAIN}, old as (
    select id, parent_id, 1 as distance from categories where store_id = :store_id and id = :moved
    union all
    select c.id, c.parent_id, old.distance + 1 from old
        join categories c on c.store_id = :store_id and c.id = old.parent_id
    where old.distance < 100
), below as (
    select id, 1 as height from old
    where distance = 1 and (select count(*) from chain) + 1 > (select count(*) from old)
    union all
    select c.id, below.height + 1 from below
        join categories c on c.store_id = :store_id and c.parent_id = below.id and c.deleted_at is null
    where below.height <= :most - (select count(*) from chain)
)
select array(select id from chain order by distance) as chain,
       coalesce((select max(height) from below), 1) as height,
       exists (select from categories where store_id = :store_id and id = :parent_id and deleted_at is null) as present
""")  # noqa: S608 -- of constants


class TooDeep(Problem):
    """The tree is at most 12 categories deep, and this would stand, or reach, deeper."""

    status = 409
    code = "category_too_deep"
    title = "Tree too deep"


class CircularMove(Problem):
    """A category can't be moved below itself."""

    status = 409
    code = "category_circle"
    title = "Circle of categories"


@dataclass(frozen=True)
class _Facts:
    chain: list[UUID]  # the parent's ids up to the top, its own first
    height: int  # of what is moved; 1 where it has nothing below it, or goes no deeper
    present: bool  # whether the parent is there and not deleted


def move(session: Session, category_id: UUID, to: MoveCategory, *, expected_version: int | None) -> Category:
    """Move a category, with all that is below it, below another or to the top; or to another place among its siblings.

    Six or seven statements, however much is below it. A move to where it stands changes nothing.

    Raises:
        NotFound: there is no such category, or it was deleted.
        StaleVersion: it has another version than the expected one.
        ValidationFailed: there is no such parent.
        CircularMove: the parent is the category itself, or below it.
        TooDeep: what is moved would reach more than `MAX_DEPTH` deep.
    """
    hold(session, to.parent_id, moved=category_id)
    category = edits.held(session, Category, category_id, name="category", expected_version=expected_version)
    former = category.parent_id
    position = to.position
    if position is None:
        position = category.position if former == to.parent_id else last(session, to.parent_id)
    changes = edits.apply(category, {"parent_id": to.parent_id, "position": position})
    if changes is None:
        return category
    session.flush()
    audit.record(
        session,
        action="category.moved",
        entity="category",
        entity_id=category.id,
        before=changes.before,
        after=changes.after,
    )
    outbox.record(
        session,
        CategoryMoved(
            category_id=category.id,
            version=category.version,
            parent_id=category.parent_id,
            former_parent_id=former,
        ),
    )
    return category


def hold(session: Session, parent_id: UUID | None, *, moved: UUID | None = None) -> None:
    """See to it that a category may stand below the parent, or at the top, until the commit. Three statements.

    `moved`: the category that is moved or restored; it is locked, whether it is there or not. None: a new one.

    Raises:
        ValidationFailed: there is no such parent, or it was deleted.
        CircularMove: the parent is what is moved, or below it.
        TooDeep: it would reach more than `MAX_DEPTH` deep.
        Unavailable: what is above the parent was moved again and again meanwhile.
    """
    for _ in range(_ATTEMPTS):
        way_up = _way_up(session, parent_id)
        tenancy.prelude(session, "savepoint place")
        _lock(session, way_up, moved)
        facts = _facts(session, parent_id, moved)
        # One that came above the parent since is not locked: what it stands on may change. Unless all of it is refused.
        if set(facts.chain) <= set(way_up) or moved in facts.chain:
            return _judge(facts, parent_id, moved)
        tenancy.prelude(session, "rollback to savepoint place")  # which lets the locks go
    raise Unavailable("These categories are being moved by others at this moment; nothing was changed.")


def last(session: Session, parent_id: UUID | None) -> int:
    """Return the position behind the parent's last child. One statement."""
    siblings = Category.parent_id.is_(None) if parent_id is None else Category.parent_id == parent_id
    highest = session.execute(select(func.max(Category.position)).where(siblings)).scalar_one()
    return min((highest or 0) + SPACING, _LAST_POSITION)


def _way_up(session: Session, parent_id: UUID | None) -> list[UUID]:
    if parent_id is None:
        return []
    return list(session.scalars(_WAY_UP, {"store_id": tenancy.require_store(session), "parent_id": parent_id}))


def _lock(session: Session, way_up: list[UUID], moved: UUID | None) -> None:
    values = {
        "store_id": tenancy.require_store(session),
        "moved": moved,
        "before": [one for one in way_up if moved is None or one < moved],
        "after": [one for one in way_up if moved is not None and one > moved],
    }
    session.execute(_LOCK, values).all()


def _facts(session: Session, parent_id: UUID | None, moved: UUID | None) -> _Facts:
    values = {
        "store_id": tenancy.require_store(session),
        "parent_id": parent_id,
        "moved": moved,
        "most": MAX_DEPTH,
    }
    return _Facts(**session.execute(_FACTS, values).mappings().one())


def _judge(facts: _Facts, parent_id: UUID | None, moved: UUID | None) -> None:
    if parent_id is None:
        return
    if not facts.present:
        detail = "There is no such category to stand below."
        at = [FieldError(errors.pointer("parent_id"), "unknown_category", detail)]
        raise ValidationFailed(detail, errors=at)
    if moved in facts.chain:
        raise CircularMove("A category can't be moved below itself or what is below it.")
    if len(facts.chain) + facts.height > MAX_DEPTH:
        detail = (
            f"A tree has at most {MAX_DEPTH} levels; below a category at level {len(facts.chain)} is no room for it."
        )
        raise TooDeep(detail, max_depth=MAX_DEPTH)
