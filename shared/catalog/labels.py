"""Labels: badges on products, such as NEW, SALE and HOT. A handful a store, made by its merchant."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete as sql_delete
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.catalog import edits, slugs
from shared.catalog.group_events import LabelCreated, LabelDeleted, LabelUpdated
from shared.catalog.group_schemas import EditLabel, NewLabel
from shared.catalog.models.groups import Label
from shared.core import audit, clock, ids, outbox
from shared.core.errors import NotFound, Problem

MAX_LABELS = 100
_SPACING = 100  # between the positions of labels that are made one after the other


class TooManyLabels(Problem):
    """A store has at most 100 labels; delete one that is no longer needed."""

    status = 409
    code = "too_many_labels"
    title = "Too many labels"


def list_labels(session: Session) -> Sequence[Label]:
    """Return the store's labels in their order. One statement."""
    return session.scalars(select(Label).order_by(Label.position, Label.name, Label.id)).all()


def get(session: Session, label_id: UUID) -> Label:
    """Return a label.

    Raises:
        NotFound: there is none.
    """
    label = session.scalars(select(Label).where(Label.id == label_id)).one_or_none()
    if label is None:
        raise NotFound("There is no such label.")
    return label


def create(session: Session, new: NewLabel) -> Label:
    """Make a label.

    Raises:
        TooManyLabels: the store has as many as it may; of those who make one at the same moment, all may.
        SlugTaken: another label has the slug.
    """
    made, highest = session.execute(select(func.count(), func.max(Label.position)).select_from(Label)).one()
    if made >= MAX_LABELS:
        raise TooManyLabels(f"A store has at most {MAX_LABELS} labels; delete another one first.")
    now = clock.now()
    label = Label(
        id=ids.new_id(),
        name=new.name,
        slug=new.slug or slugs.free(session, Label, new.name),
        color=new.color,
        position=(highest or 0) + _SPACING if new.position is None else new.position,
        version=1,
        created_at=now,
        updated_at=now,
    )
    with slugs.refusing_taken(session, label):
        session.add(label)
    audit.record(session, action="label.created", entity="label", entity_id=label.id, after=_facts(label))
    outbox.record(session, LabelCreated(label_id=label.id, version=1))
    return label


def edit(session: Session, label_id: UUID, wanted: EditLabel, *, expected_version: int | None) -> Label:
    """Change what `wanted` names. An edit that changes nothing leaves version, history and events as they are.

    Raises:
        NotFound: there is no such label.
        StaleVersion: it has another version than the expected one.
        SlugTaken: another label has the slug.
    """
    label = edits.held(session, Label, label_id, name="label", expected_version=expected_version)
    changes = edits.apply(label, edits.named(wanted))
    if changes is None:
        return label
    with slugs.refusing_taken(session, label):
        pass
    audit.record(
        session,
        action="label.updated",
        entity="label",
        entity_id=label.id,
        before=changes.before,
        after=changes.after,
    )
    outbox.record(session, LabelUpdated(label_id=label.id, version=label.version, changed=changes.changed))
    return label


def delete(session: Session, label_id: UUID, *, expected_version: int | None) -> Label:
    """Remove a label for good, from all products that have it; no product gets a new version by that.

    Raises:
        NotFound: there is no such label.
        StaleVersion: it has another version than the expected one.
    """
    label = edits.held(session, Label, label_id, name="label", expected_version=expected_version, from_references=True)
    session.execute(sql_delete(Label).where(Label.id == label_id))
    session.expunge(label)
    label.version += 1
    audit.record(session, action="label.deleted", entity="label", entity_id=label_id, before=_facts(label), after={})
    outbox.record(session, LabelDeleted(label_id=label_id, version=label.version))
    return label


def _facts(label: Label) -> dict[str, object]:
    return {"name": label.name, "slug": label.slug, "color": label.color}
