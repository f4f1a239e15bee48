"""Editing a store's name, languages, origins and commerce settings."""

from sqlalchemy import update
from sqlalchemy.orm import Session

from shared.core import audit, clock, outbox
from shared.core.errors import StaleVersion
from shared.stores.events import StoreUpdated
from shared.stores.models import Store
from shared.stores.opening import require_time_zone
from shared.stores.queries import get_store
from shared.stores.schemas import EditStore


def edit_store(session: Session, edit: EditStore, *, expected_version: int | None) -> Store:
    """Change what `edit` names, if the store still has the version that the edit is based on.

    Settings are replaced as a whole. Two edits at once: the later one finds the version moved, and is refused if it
    said which version it expects. An edit that changes nothing leaves version, history and events as they are.

    Raises:
        StaleVersion: the store has another version than `expected_version`.
    """
    store = get_store(session)
    if expected_version is not None and store.version != expected_version:
        raise StaleVersion(store.version)
    if edit.time_zone is not None:
        require_time_zone(edit.time_zone)
    wanted = edit.model_dump(mode="json", exclude_none=True)
    before = {field: getattr(store, field) for field in wanted}
    if before == wanted:
        return store
    found = session.scalars(
        update(Store)
        .where(Store.id == store.id, Store.version == store.version)
        .values(**wanted, version=Store.version + 1, updated_at=clock.now())
        .returning(Store),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if found is None:
        raise StaleVersion(store.version + 1)
    audit.record(session, action="store.updated", entity="store", entity_id=store.id, before=before, after=wanted)
    outbox.record(session, StoreUpdated(store_id=store.id, version=found.version))
    return found
