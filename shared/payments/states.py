"""The state machine of a payment attempt. The migration that makes the table holds the same steps in a trigger."""

from enum import StrEnum

from shared.core.states import StateMachine


class AttemptStatus(StrEnum):
    """How an attempt to pay stands."""

    PENDING = "pending"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    VOIDED = "voided"
    FAILED = "failed"


ATTEMPT = StateMachine(
    "payment attempt",
    initial=frozenset({"pending", "authorized"}),
    steps={
        "pending": frozenset({"authorized", "captured", "voided", "failed"}),
        "authorized": frozenset({"captured", "voided", "failed"}),
        "captured": frozenset(),
        "voided": frozenset(),
        "failed": frozenset(),
    },
)

OPEN = (AttemptStatus.PENDING, AttemptStatus.AUTHORIZED)
"""The states in which an attempt can still become a payment; an order has at most one such attempt."""
