"""Keeps one store up: removes for good what it no longer keeps."""

from uuid import UUID

from sqlalchemy.orm import Session

from shared.core import audit, clock, queues, tenant_life
from shared.core.functions import Message, consumer_in_steps
from shared.stores import upkeep


class UpkeepDue(Message):
    """A store's daily upkeep is due, or the rest of it."""


def purge(message: UpkeepDue, session: Session) -> UUID | None:
    """Remove as much as one transaction should; return the store if there may be more."""
    removed = tenant_life.purge(session, clock.now(), most=tenant_life.MOST)
    if removed:
        audit.record(
            session,
            action="store.purged",
            entity="store",
            entity_id=message.store_id,
            after={"rows": removed},
            severity="notice",
        )
    return message.store_id if sum(removed.values()) >= tenant_life.MOST else None


def ask_for_the_rest(store_id: UUID) -> None:
    """Send the store round again."""
    queues.send(upkeep.QUEUE, [{"store_id": str(store_id)}])


def leave(store_id: UUID, _sent: None, session: Session) -> None:
    """Settle nothing: what was removed is gone, and a second round finds only what is left."""


upkeep_of_a_store = consumer_in_steps(
    upkeep.QUEUE,
    claim=purge,
    work=ask_for_the_rest,
    settle=leave,
    batch=1,  # a store that has much to remove keeps no other waiting
    timeout=60,
    concurrency=2,  # it has the whole night, and shoppers the rest of the database
    uses=("queues",),
)
handler = upkeep_of_a_store.handler
