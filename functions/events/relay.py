"""Relays a store's events from the outbox to the queues that subscribe, when a commit tells that there are some."""

from sqlalchemy.orm import Session

from shared.core import relay
from shared.core.functions import Message, consumer_in_steps
from shared.core.outbox import QUEUE
from shared.core.settings import settings


class EventsRecorded(Message):
    """A store has events in its outbox."""


def claim(message: EventsRecorded, session: Session) -> relay.Claimed:
    """Lease and number the store's next events."""
    return relay.claim(session, message.store_id)


def publish(claimed: relay.Claimed) -> None:
    """Send them to their queues."""
    relay.publish(claimed, settings().subscriptions)


def settle(claimed: relay.Claimed, _sent: None, session: Session) -> None:
    """Forget those that were sent; the sweep takes up what a full batch left."""
    relay.settle(session, claimed)


events = consumer_in_steps(
    QUEUE,
    claim=claim,
    work=publish,
    settle=settle,
    batch=1,  # a batch of one: stores do not wait for each other, and a burst of kicks ends in empty claims
    timeout=30,
    uses=("queues", "subscriptions"),
)
handler = events.handler
