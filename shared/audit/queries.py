"""Reading the trail: a page of what changed, or one entry with the block that seals it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BeforeValidator
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.audit import reading
from shared.audit.chain import Block
from shared.core import ids
from shared.core.audit import AuditEntry, Severity
from shared.core.errors import NotFound
from shared.core.paging import Filter, Listing, ListQuery, PageInfo


def _any_id(text: object) -> object:
    """Read an id of whatever kind, with its prefix, or as a plain UUID."""
    if not isinstance(text, str):
        return text
    prefix, _, digits = text.rpartition("_")
    return ids.decode(prefix, text) if prefix and digits else text


def _first_id(at: datetime) -> UUID:
    return ids.lower_bound(at)


# An entry's id begins with its moment: so a span of time is a stretch of the primary key, and of partitions.
_Moment = Annotated[AwareDatetime, AfterValidator(_first_id)]

ENTRIES = Listing(
    AuditEntry,
    filters={
        "entity": Filter(AuditEntry.entity),
        "entity_id": Filter(AuditEntry.entity_id, accepts=Annotated[UUID, BeforeValidator(_any_id)]),
        "actor_id": Filter(AuditEntry.actor_id),
        "action": Filter(AuditEntry.action, ("eq", "in")),
        "severity": Filter(AuditEntry.severity, ("eq", "in"), accepts=Severity),
        "at": Filter(AuditEntry.id, ("gte", "lt"), accepts=_Moment),
    },
    sorts={"at": (AuditEntry.id,)},
    default_sort="-at",
)


def list_entries(session: Session, query: ListQuery) -> tuple[list[AuditEntry], PageInfo, int | None]:
    """Return one page of the tenant's entries of the last months, the newest first unless asked. One statement."""
    return ENTRIES.run(session, query, select(AuditEntry))


def get_entry(session: Session, entry_id: UUID) -> tuple[AuditEntry, Block | None]:
    """Return an entry, and the block that seals it; None while it waits. Two statements.

    Raises:
        NotFound: there is none of this tenant, or it is archived.
    """
    entry = session.scalars(select(AuditEntry).where(AuditEntry.id == entry_id)).one_or_none()
    if entry is None:
        detail = "There is no such entry."
        raise NotFound(detail)
    return entry, reading.block_holding(session, entry_id)
