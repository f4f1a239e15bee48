"""The life of a cart. The migration that makes the table holds the same steps in a trigger."""

from enum import StrEnum

from shared.core.states import StateMachine


class CartState(StrEnum):
    """Where a cart is in its life."""

    ACTIVE = "active"
    ABANDONED = "abandoned"  # idle for hours; the shopper may come back to it
    CONVERTED = "converted"  # became an order
    EXPIRED = "expired"  # idle for weeks


CART = StateMachine(
    "cart",
    initial=frozenset({"active"}),
    steps={
        "active": frozenset({"abandoned", "converted", "expired"}),
        "abandoned": frozenset({"active", "converted", "expired"}),
        "converted": frozenset(),
        "expired": frozenset(),
    },
)

OPEN = (CartState.ACTIVE, CartState.ABANDONED)
"""The states in which a cart can be filled and bought."""
