"""The state machine of an outgoing message. The migration that makes the table holds the same steps in a trigger."""

from enum import StrEnum

from shared.core.states import StateMachine


class MessageStatus(StrEnum):
    """How a message stands."""

    QUEUED = "queued"
    SENDING = "sending"  # somebody has it, until their lease ends
    SENT = "sent"
    FAILED = "failed"


MESSAGE = StateMachine(
    "message",
    initial=frozenset({"queued"}),
    steps={
        "queued": frozenset({"sending"}),
        "sending": frozenset({"queued", "sent", "failed"}),
        "sent": frozenset(),
        "failed": frozenset(),
    },
)
