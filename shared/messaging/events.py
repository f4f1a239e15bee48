"""What messaging tells the world: which message, never to whom or what it says."""

from typing import Any, ClassVar, Self
from uuid import UUID

from shared.core import ids
from shared.core.outbox import DomainEvent
from shared.core.typeids import MessageId


class _MessageEvent(DomainEvent):
    """What every event of a message carries. `attempts`: how often it was tried until then."""

    entity: ClassVar[str] = "message"

    message_id: MessageId
    channel: str
    purpose: str
    attempts: int

    def subject(self) -> tuple[UUID, int]:
        """Return the message; each attempt makes a new version of it."""
        return self.message_id, self.attempts + 1


class MessageQueued(_MessageEvent):
    """A message waits to be sent."""

    type: ClassVar[str] = "message.queued"

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(**_example(0))


class MessageSent(_MessageEvent):
    """A provider took a message."""

    type: ClassVar[str] = "message.sent"

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(**_example(1))


class MessageFailed(_MessageEvent):
    """A message was given up: the provider refused it, or never answered. `reason` is the last answer's code."""

    type: ClassVar[str] = "message.failed"

    reason: str

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(**_example(1), reason="MessageRejected")


def _example(attempts: int) -> dict[str, Any]:
    return {
        "message_id": ids.decode("msg", "msg_01h455vb4pex5vsknk084sn02q"),
        "channel": "email",
        "purpose": "order_confirmation",
        "attempts": attempts,
    }
