"""What comes in and goes out about payments."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from shared.core.money import Money
from shared.core.schemas import Input, Schema
from shared.core.typeids import OrderId, PaymentAttemptId
from shared.payments.models import PaymentAttempt
from shared.payments.states import AttemptStatus

Reference = Annotated[
    str,
    StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]{1,100}$"),
    Field(description="The courier's receipt or remittance number."),
]


class CollectCash(Input):
    """That the cash for an order was collected, all of it."""

    reference: Reference | None = None


class PaymentAttemptOut(Schema):
    """One try to pay for an order."""

    id: PaymentAttemptId
    order_id: OrderId
    method: str
    status: AttemptStatus
    amount: Money
    captured: Money
    provider_reference: str | None
    reason: str | None
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, attempt: PaymentAttempt) -> Self:
        """Present an attempt."""
        return cls(
            id=attempt.id,
            order_id=attempt.order_id,
            method=attempt.method,
            status=attempt.status,
            amount=Money(attempt.amount, attempt.currency),
            captured=Money(attempt.captured, attempt.currency),
            provider_reference=attempt.provider_reference,
            reason=attempt.reason,
            version=attempt.version,
            created_at=attempt.created_at,
            updated_at=attempt.updated_at,
        )


class PaymentAttemptsOut(Schema):
    """All tries to pay for an order, the oldest first."""

    data: list[PaymentAttemptOut]
