"""Relays a store's events from the outbox to the queues that subscribe, when a commit tells that there are some."""

from sqlalchemy.orm import Session

from shared.core import queues, relay
from shared.core.batches import KickedConsumer
from shared.core.functions import Message, consumer_in_steps
from shared.core.outbox import QUEUE
from shared.core.settings import settings


class EventsRecorded(Message):
    """A store has events in its outbox."""


def claim(message: EventsRecorded, session: Session) -> relay.Claimed | None:
    """Lease and number the store's next events; None when another had them all."""
    claimed = relay.claim(session, message.store_id)
    return claimed if claimed.envelopes else None


def publish(claimed: relay.Claimed) -> None:
    """Send them to their queues."""
    relay.publish(claimed, settings().subscriptions)


def settle(claimed: relay.Claimed, _sent: None, session: Session) -> None:
    """Forget those that were sent, and go on where there may be more."""
    relay.settle(session, claimed)
    if claimed.full:
        queues.send_after_commit(session, QUEUE, {"store_id": str(claimed.store_id)})


events = consumer_in_steps(
    QUEUE,
    claim=claim,
    work=publish,
    settle=settle,
    kind=KickedConsumer,  # a burst of commits is relayed as one
    batch=10,
    timeout=30,
    uses=("queues", "subscriptions"),
)
handler = events.handler
