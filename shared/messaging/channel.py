"""The interface between a message and the way by which it goes.

A channel says what became of a message in one of three words, and raises nothing that it could have expected: taken,
refused for good, or worth another try later. `code` is the provider's own word, without its sentences, which repeat
addresses.
"""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from shared.messaging.models import ChannelKind


@dataclass(frozen=True)
class OutgoingMessage:
    """A message as a channel sees it. `sender` is the name that the store signs with."""

    id: UUID
    store_id: UUID
    channel: ChannelKind
    purpose: str
    to: str
    sender: str
    subject: str
    text: str
    html: str | None = None


@dataclass(frozen=True)
class Sent:
    """The provider took it."""

    reference: str


@dataclass(frozen=True)
class Refused:
    """The provider will never take it."""

    code: str


@dataclass(frozen=True)
class TryLater:
    """The provider did not take it now."""

    code: str


type Answer = Sent | Refused | TryLater


class Channel(Protocol):
    """A way by which messages go."""

    def send(self, message: OutgoingMessage) -> Answer:
        """Hand a message over to whoever delivers it. Talks to the outside: never within a transaction."""
