"""What is said when there is not enough."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.core import errors, ids
from shared.core.errors import FieldError, Problem


@dataclass(frozen=True)
class Shortage:
    """One variant that there is not enough of."""

    variant_id: UUID
    wanted: int
    available: int  # what the same caller could have had at that moment; never below zero


class OutOfStock(Problem):
    """Fewer units are left than asked for; nothing was taken of anything."""

    status = 409
    code = "out_of_stock"
    title = "Out of stock"

    def __init__(self, shortages: Sequence[Shortage]) -> None:
        """Tell which variants are short, and how many of each there are. Callers point at their own lines by it."""
        self.shortages = tuple(shortages)
        super().__init__(
            "Not enough is left of some items; take fewer or leave them out.",
            errors=[
                FieldError(
                    errors.pointer("variants", ids.encode("var", short.variant_id)),
                    "out_of_stock",
                    f"{short.available} left, {short.wanted} wanted.",
                )
                for short in shortages
            ],
            shortages=[
                {
                    "variant_id": ids.encode("var", short.variant_id),
                    "requested": short.wanted,
                    "available": short.available,
                }
                for short in shortages
            ],
        )
