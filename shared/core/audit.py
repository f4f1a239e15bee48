"""Who changed what: an append-only entry for every change, written in the transaction of the change.

The route class and the consumers open the context (actor, correlation id, address); a capability hands over what was
before and what is after. Personal data stands in an entry only masked, secrets never. Each row carries the hash of its
own content; the row in `unsealed_entries` beside it is what the sealer claims, links into the tenant's chain and
deletes (see `shared.audit`). A commit with something critical tells the sealer at once, any other waits for its minute.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.core.encryption import EncryptedText
from shared.core.lives import TenantLife
from shared.core.tenancy import Base, StoreOwned

Severity = Literal["info", "notice", "critical"]

QUEUE = "audit-seals"  # the sealer's

_PENDING = "pending_audit"  # the key in Session.info
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


class AuditEntry(StoreOwned, Base):
    """One change, by whom, from what to what; append-only.

    `before` and `after` hold the fields that differ, and no others. Grows with every change of every store: 500 bytes
    a row; partitioned by month of its id, archived and dropped as `upkeep.retention` says.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("audit_entries_by_entity", "store_id", "entity", "entity_id", "id"),
        Index("audit_entries_by_actor", "store_id", "actor_id", "id"),
        Index("audit_entries_by_action", "store_id", "action", "id"),
        Index("audit_entries_marked", "store_id", "severity", "id", postgresql_where=text("severity <> 'info'")),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    at: Mapped[datetime]
    actor_kind: Mapped[str]
    actor_id: Mapped[str | None]
    action: Mapped[str]
    entity: Mapped[str]
    entity_id: Mapped[UUID]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    severity: Mapped[str]
    correlation_id: Mapped[str]
    request_id: Mapped[str | None]
    ip: Mapped[str | None] = mapped_column(EncryptedText("audit_entries.ip"))
    user_agent: Mapped[str | None]
    row_hash: Mapped[bytes]  # SHA-256 of every column above, see `row_hash`


class UnsealedEntry(StoreOwned, Base):
    """An entry that no block holds yet; `id` is the entry's. Empty but for the last minute."""

    __tablename__ = "unsealed_entries"
    __tenant_life__: ClassVar[TenantLife] = TenantLife(exported=False)


@dataclass(frozen=True)
class Change:
    """What a capability says about a change; the rest comes from the context."""

    action: str
    entity: str
    entity_id: UUID
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    severity: Severity


def record(  # noqa: PLR0913 -- each is a column of the entry, by keyword
    session: Session,
    *,
    action: str,
    entity: str,
    entity_id: UUID,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    severity: Severity = "info",
) -> None:
    """Note a change; it is written with the commit, in the statement that writes all records of the transaction.

    `before` and `after` are plain JSON values by field (Money as {"amount", "currency"}); of fields present in both,
    those that are equal are left out. Personal data: hand over `masked(value)`; secrets: nothing.
    """
    old, new = dict(before or {}), dict(after or {})
    same = {field for field in old.keys() & new.keys() if old[field] == new[field]}
    change = Change(
        action=action,
        entity=entity,
        entity_id=entity_id,
        before={field: value for field, value in old.items() if field not in same} if before is not None else None,
        after={field: value for field, value in new.items() if field not in same} if after is not None else None,
        severity=severity,
    )
    pending(session).append(change)


def masked(value: str | None) -> str | None:
    """Show that there is a value, and not which: its first character and its length."""
    return None if value is None else f"{value[:1]}***({len(value)})"


def pending(session: Session) -> list[Change]:
    """Return the changes that wait for this transaction's commit; the list itself, to be changed by `records` alone."""
    waiting: list[Change] = session.info.setdefault(_PENDING, [])
    return waiting


def row_hash(row: Mapping[str, Any]) -> bytes:
    """Return the SHA-256 of an entry's canonical JSON: every column but `row_hash`, keys sorted, no spaces.

    Values as JSON has them: UUIDs and times as text, bytes as hexadecimal. A verifier computes the same from the row.
    """
    told = {key: _as_kept(row[key]) for key in row if key != "row_hash"}
    return hashlib.sha256(_CANONICAL.encode(told).encode()).digest()


def _as_kept(value: Any) -> Any:  # noqa: ANN401 -- any JSON value
    """Return a value as PostgreSQL gives it back: 1e16 comes as an integer."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {name: _as_kept(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_as_kept(inner) for inner in value]
        case _:
            return value
