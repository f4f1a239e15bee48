"""What goes with every commit: domain events, audit entries, and what relay and sealer are to do, in one statement."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Result, TextClause, event, text
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction

from shared.core import audit, clock, context, encryption, found, ids, outbox, queues, tenancy

_CHANGED = "changed"  # the key in Session.info
# Statements that begin with WITH are not judged by their text: what they return tells nothing of what they changed.
_WRITES = re.compile(r"\s*(insert|update|delete)\b", re.IGNORECASE)

_WRITE = text("""
with event as (
    select * from jsonb_to_recordset(cast(:events as jsonb)) as e(
        id uuid, type text, entity text, entity_id uuid, entity_version bigint, payload jsonb)
), told as (
    insert into domain_events (store_id, id, type, entity, entity_id, entity_version, payload,
                               correlation_id, actor_kind, actor_id, occurred_at)
    select :store_id, id, type, entity, entity_id, entity_version, payload,
           :correlation_id, :actor_kind, :actor_id, :at from event
), queued as (
    insert into outbox (store_id, id, recorded_at) select :store_id, id, :at from event
), entry as (
    select * from jsonb_to_recordset(cast(:entries as jsonb)) as a(
        id uuid, action text, entity text, entity_id uuid, before jsonb, after jsonb, severity text, row_hash text)
), unsealed as (
    insert into unsealed_entries (store_id, id) select :store_id, id from entry
)
insert into audit_entries (store_id, id, at, actor_kind, actor_id, action, entity, entity_id, before, after,
                           severity, correlation_id, request_id, ip, user_agent, row_hash)
select :store_id, id, :at, :actor_kind, :actor_id, action, entity, entity_id, before, after,
       severity, :correlation_id, :request_id, cast(:ip as bytea), :user_agent, decode(row_hash, 'hex')
from entry
""")


def write(session: Session) -> frozenset[UUID]:
    """Flush the session and write what it recorded; return the stores that have news for their relay.

    One statement, however many events and entries; none when there is nothing to write. It travels with the commit,
    which comes right after it: everything that the capabilities did is done.
    """
    session.flush()
    events, changes = outbox.pending(session), audit.pending(session)
    if not events and not changes:
        return frozenset()
    store_id = tenancy.require_store(session)
    scope = context.current()
    principal = scope.principal
    shared: dict[str, Any] = {
        "store_id": store_id,
        "at": clock.now(),
        "correlation_id": scope.correlation_id,
        "request_id": scope.request_id,
        "actor_kind": principal.kind if principal else "system",
        "actor_id": str(principal.id) if principal and principal.id else None,
        "ip": encryption.encrypt(store_id, "audit_entries.ip", scope.ip.encode()) if scope.ip and changes else None,
        "user_agent": scope.user_agent,
    }
    rows = [_event_row(told) for told in events]
    entries = [_audit_row(change, shared) for change in changes]
    tenancy.tell(session, _WRITE, {**shared, "events": json.dumps(rows), "entries": json.dumps(entries)})
    if any(change.severity == "critical" for change in changes):
        queues.send_after_commit(session, audit.QUEUE, {"store_id": str(store_id)})
    told = frozenset({store_id}) if events else frozenset[UUID]()
    events.clear()
    changes.clear()
    return told


@dataclass(frozen=True)
class Mark:
    """A point of the transaction that it may be taken back to, with what was recorded until then."""

    savepoint: str
    events: tuple[outbox.DomainEvent, ...]
    changes: tuple[audit.Change, ...]
    changed: bool


def mark(session: Session, savepoint: str) -> Mark:
    """Set a savepoint, after a flush; its name is a constant of the caller's. Costs no round trip."""
    session.flush()
    tenancy.prelude(session, f"savepoint {savepoint}")
    events, changes = outbox.pending(session), audit.pending(session)
    return Mark(savepoint, tuple(events), tuple(changes), bool(session.info.get(_CHANGED)))


def undo(session: Session, to: Mark) -> None:
    """Take the transaction back to `to`, with the next statement; what was recorded since is forgotten."""
    tenancy.prelude(session, f"rollback to savepoint {to.savepoint}")
    forget_since(session, to)


def forget_since(session: Session, to: Mark) -> None:
    """Forget what was recorded since `to`, in a session whose rows went back by themselves."""
    outbox.pending(session)[:] = to.events
    audit.pending(session)[:] = to.changes
    session.info[_CHANGED] = to.changed


def run(session: Session, statement: TextClause, values: Mapping[str, Any]) -> found.Found:
    """Run a statement of a hot path, and note whether it changed rows; see `tenancy.run`."""
    result = tenancy.run(session, statement, values)
    if _WRITES.match(statement.text) and result.rowcount != 0:
        session.info[_CHANGED] = True
    return result


def change(session: Session, statement: TextClause, values: Mapping[str, Any]) -> None:
    """Run a statement that changes rows and returns nothing along with the session's next one; see `tenancy.tell`."""
    tenancy.tell(session, statement, values)
    session.info[_CHANGED] = True


def has_changes(session: Session) -> bool:
    """Tell whether this transaction is known to have changed rows, or is about to."""
    return bool(session.info.get(_CHANGED) or session.new or session.dirty or session.deleted)


@event.listens_for(tenancy.TenantSession, "after_flush")
def _note_flush(session: Session, _flush: UOWTransaction) -> None:
    session.info[_CHANGED] = True


@event.listens_for(tenancy.TenantSession, "do_orm_execute")
def _note_write(state: ORMExecuteState) -> Result[Any] | None:
    """Note a statement that changed rows. A conditional update that found none is no change."""
    written = state.is_insert or state.is_update or state.is_delete
    if not written and not (isinstance(state.statement, TextClause) and _WRITES.match(state.statement.text)):
        return None
    result = state.invoke_statement()
    if getattr(getattr(result, "raw", result), "rowcount", 1) != 0:
        state.session.info[_CHANGED] = True
    return result


def _event_row(told: outbox.DomainEvent) -> dict[str, Any]:
    entity_id, version = told.subject()
    return {
        "id": str(ids.new_id()),
        "type": told.type,
        "entity": told.entity,
        "entity_id": str(entity_id),
        "entity_version": version,
        "payload": told.model_dump(mode="json"),
    }


def _audit_row(change: audit.Change, shared: dict[str, Any]) -> dict[str, Any]:
    row = {
        "id": str(ids.new_id()),
        "action": change.action,
        "entity": change.entity,
        "entity_id": str(change.entity_id),
        "before": change.before,
        "after": change.after,
        "severity": change.severity,
    }
    at, ip = shared["at"].isoformat(), shared["ip"]
    whole = {**shared, **row, "store_id": str(shared["store_id"]), "at": at, "ip": ip.hex() if ip else None}
    return {**row, "row_hash": audit.row_hash(whole).hex()}
