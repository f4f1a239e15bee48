"""How a row of what groups or describes products is edited: held, compared with what is wanted, given a new version."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.catalog.models.definitions import Attribute, CustomFieldDefinition
from shared.catalog.models.groups import Brand, Category, Label
from shared.core import clock
from shared.core.errors import NotFound, StaleVersion
from shared.core.schemas import Schema

type Kept = Brand | Category | Label | Attribute | CustomFieldDefinition


@dataclass(frozen=True)
class Edit:
    """What an edit changed: the fields that differ, before and after, as an audit entry has them."""

    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def changed(self) -> tuple[str, ...]:
        """The names of the fields."""
        return tuple(self.after)


def held[R: Kept](  # noqa: PLR0913 -- which row, what it is called, and how it is held
    session: Session,
    kind: type[R],
    row_id: UUID,
    *,
    name: str,
    expected_version: int | None = None,
    from_references: bool = False,
) -> R:
    """Return a row that is not deleted, locked until the commit. One statement.

    `from_references`: whoever is about to point at the row waits, too.

    Raises:
        NotFound: there is no such row, or it was deleted.
        StaleVersion: it has another version than the expected one.
    """
    wanted = select(kind).where(kind.id == row_id).with_for_update(key_share=not from_references)
    if "deleted_at" in kind.__table__.columns:
        wanted = wanted.where(kind.__table__.columns.deleted_at.is_(None))
    row = session.scalars(wanted, execution_options={"populate_existing": True}).one_or_none()
    if row is None:
        raise NotFound(f"There is no such {name}.")
    if expected_version is not None and row.version != expected_version:
        raise StaleVersion(row.version)
    return row


def apply(row: Kept, wanted: Mapping[str, Any]) -> Edit | None:
    """Set the fields that differ and give the row its next version; None, and no new version, if none does."""
    before = {field: getattr(row, field) for field in wanted}
    changed = {field: value for field, value in wanted.items() if value != before[field]}
    if not changed:
        return None
    for field, value in changed.items():
        setattr(row, field, value)
    touch(row)
    return Edit({field: told(before[field]) for field in changed}, {field: told(changed[field]) for field in changed})


def named(wanted: Schema, *, may_be_empty: Collection[str] = ()) -> dict[str, Any]:
    """Return the fields that an edit names. Null means absent, but for those that may be empty."""
    fields = wanted.model_dump(exclude_unset=True)
    return {field: value for field, value in fields.items() if value is not None or field in may_be_empty}


def touch(row: Kept) -> None:
    """Give a row its next version."""
    row.version += 1
    row.updated_at = clock.now()


def told(value: Any) -> Any:  # noqa: ANN401 -- any column's value, as JSON has it
    """Return a value as an audit entry has it."""
    return str(value) if isinstance(value, UUID) else value


def count(session: Session, kind: type[Kept]) -> int:
    """Return how many rows of a kind the store has, deleted ones included."""
    return session.execute(select(func.count()).select_from(kind)).scalar_one()
