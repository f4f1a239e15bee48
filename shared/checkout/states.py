"""The states of a checkout. The migration that makes the table holds the same steps in a trigger."""

from enum import StrEnum

from shared.core.states import StateMachine


class CheckoutState(StrEnum):
    """Where a checkout stands. One whose reservation has expired stays open: it holds nothing, and can be completed."""

    OPEN = "open"
    COMPLETED = "completed"
    CANCELED = "canceled"


CHECKOUT = StateMachine(
    "checkout",
    initial=frozenset({"open"}),
    steps={
        "open": frozenset({"completed", "canceled"}),
        "completed": frozenset(),
        "canceled": frozenset(),
    },
)
