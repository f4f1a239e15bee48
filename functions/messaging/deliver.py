"""Delivers a message as soon as it was queued."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.orm import Session

from shared.core.functions import consumer_in_steps
from shared.messaging import delivery
from shared.messaging.channel import Answer
from shared.messaging.delivery import Claimed
from shared.messaging.events import MessageQueued


def claim(event: MessageQueued, session: Session) -> Claimed | None:
    """Take the message, unless it was sent or somebody has it: an event that comes again finds that in the row."""
    return delivery.claim(session, event.message_id)


def settle(claimed: Claimed, answers: Mapping[UUID, Answer], session: Session) -> None:
    """Record what the provider said."""
    delivery.settle(session, claimed, answers)


deliver = consumer_in_steps(
    "outgoing-messages",
    claim=claim,
    work=delivery.send,
    settle=settle,
    events=(MessageQueued,),
    batch=10,
    timeout=120,  # seconds: ten messages of at most seven each, and the rest for the database
    receives=3,  # a message that fails here is found again by the sweep
    uses=("messages",),
)
handler = deliver.handler
