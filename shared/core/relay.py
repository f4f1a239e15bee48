"""From the outbox to the queues: every event at least once, in a store-wide order without gaps.

Rows are claimed, never read by "id greater than the last": commits do not come in the order of ids. A claim gives its
events their sequence numbers and a lease; what a crash leaves behind is claimed again when the lease is over, and keeps
its numbers. Consumers drop what they have had.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from shared.core import clock, queues

BATCH = 200  # events a claim
LEASE = timedelta(seconds=30)  # far longer than sending a batch takes
SWEPT_AFTER = timedelta(seconds=5)  # younger rows have a kick on its way

_COUNTER = text("insert into event_sequences (store_id, last) values (:store_id, 0) on conflict do nothing")

# The store's one row in event_sequences is locked first: it queues the relays of a store, so numbers follow claims.
_CLAIM = text("""
with counter as materialized (
    select last from event_sequences where store_id = :store_id for update
), due as materialized (
    select o.id, o.sequence from outbox o, counter
    where o.store_id = :store_id and (o.claimed_until is null or o.claimed_until < :now)
    order by o.sequence nulls last, o.id limit :batch for update of o skip locked
), numbered as (
    select due.id, coalesce(due.sequence, counter.last + row_number() over (
        partition by due.sequence is null order by due.id)) as sequence, due.sequence is null as fresh
    from due, counter
), claimed as (
    update outbox o set claimed_until = :until, sequence = n.sequence
    from numbered n where o.store_id = :store_id and o.id = n.id
), published as (
    insert into published_events (store_id, sequence, event_id)
    select :store_id, sequence, id from numbered where fresh
), counted as (
    update event_sequences set last = last + (select count(*) from numbered where fresh)
    where store_id = :store_id and exists (select 1 from numbered where fresh)
)
select n.sequence, e.* from numbered n join domain_events e on e.store_id = :store_id and e.id = n.id
order by n.sequence
""")

_SETTLE = text("delete from outbox where store_id = :store_id and id = any(cast(:ids as uuid[]))")

_OLDEST = text("select lookup.oldest_waiting_event()")

_STORES = text("select * from lookup.stores_with_events(:before, :now, :most)")


@dataclass(frozen=True)
class Claimed:
    """The events of one claim, as they go to the queues."""

    store_id: UUID
    envelopes: tuple[dict[str, Any], ...]
    full: bool  # there may be more


def claim(session: Session, store_id: UUID) -> Claimed:
    """Claim the store's next events: lease, number and return them. Two statements."""
    now = clock.now()
    values = {"store_id": store_id, "now": now, "until": now + LEASE, "batch": BATCH}
    session.execute(_COUNTER, {"store_id": store_id})
    rows = session.execute(_CLAIM, values).mappings().all()
    return Claimed(store_id, tuple(_envelope(row) for row in rows), full=len(rows) == BATCH)


def publish(claimed: Claimed, subscriptions: Mapping[str, Sequence[str]]) -> None:
    """Send each event to the queues that subscribe to its type. Outside any transaction."""
    by_queue: dict[str, list[dict[str, Any]]] = {}
    for envelope in claimed.envelopes:
        for queue in subscriptions.get(envelope["event"]["type"], ()):
            by_queue.setdefault(queue, []).append(envelope)
    for queue, envelopes in by_queue.items():
        queues.send(queue, envelopes)


def settle(session: Session, claimed: Claimed) -> None:
    """Forget the events that were sent. One statement."""
    sent = [UUID(envelope["event"]["id"]) for envelope in claimed.envelopes]
    if sent:
        session.execute(_SETTLE, {"store_id": claimed.store_id, "ids": sent})


def stores_left_behind(session: Session, most: int) -> list[UUID]:
    """Return up to `most` stores whose events nobody relays: the kick was lost, or a relay died. A look-up function."""
    now = clock.now()
    return list(session.scalars(_STORES, {"before": now - SWEPT_AFTER, "now": now, "most": most}))


def longest_wait(session: Session) -> timedelta:
    """Return for how long the oldest event of the whole system waits for its relay; zero when none waits."""
    oldest: datetime | None = session.scalar(_OLDEST)
    return timedelta(0) if oldest is None else max(timedelta(0), clock.now() - oldest)


def _envelope(row: RowMapping) -> dict[str, Any]:
    return {
        "store_id": str(row["store_id"]),
        "correlation_id": row["correlation_id"],
        "event": {
            "id": str(row["id"]),
            "type": row["type"],
            "entity": row["entity"],
            "entity_id": str(row["entity_id"]),
            "entity_version": row["entity_version"],
            "sequence": row["sequence"],
            "occurred_at": row["occurred_at"].isoformat().replace("+00:00", "Z"),
            "payload": row["payload"],
        },
    }
