"""Delivers a store's messages that are due: those to be tried again, and those that a crash left behind."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.orm import Session

from shared.core.functions import Message, consumer_in_steps
from shared.messaging import delivery
from shared.messaging.channel import Answer
from shared.messaging.delivery import Claimed


class MessagesDue(Message):
    """A store has messages whose time has come; which ones, its rows say."""


def claim(_due: MessagesDue, session: Session) -> Claimed | None:
    """Take what is due, up to fifty at once; more of it is found by the next sweep."""
    return delivery.claim_due(session)


def settle(claimed: Claimed, answers: Mapping[UUID, Answer], session: Session) -> None:
    """Record what the provider said."""
    delivery.settle(session, claimed, answers)


deliver_due = consumer_in_steps(
    "due-messages",
    claim=claim,
    work=delivery.send,
    settle=settle,
    batch=1,  # a store's fifty messages may take a minute
    timeout=120,
    receives=3,
    uses=("messages",),
)
handler = deliver_due.handler
