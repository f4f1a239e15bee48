"""What payments tell the world: attempts, orders and amounts."""

from typing import Any, ClassVar, Self
from uuid import UUID

from shared.core import ids
from shared.core.money import Money
from shared.core.outbox import DomainEvent
from shared.core.typeids import OrderId, PaymentAttemptId


class _PaymentEvent(DomainEvent):
    """What every event of a payment attempt carries."""

    entity: ClassVar[str] = "payment_attempt"

    payment_attempt_id: PaymentAttemptId
    order_id: OrderId
    method: str
    amount: Money
    version: int

    def subject(self) -> tuple[UUID, int]:
        """Return the attempt and its version."""
        return self.payment_attempt_id, self.version


class PaymentStarted(_PaymentEvent):
    """Somebody began to pay."""

    type: ClassVar[str] = "payment.started"

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(**_example(1))


class PaymentAuthorized(_PaymentEvent):
    """A provider holds the amount for the store."""

    type: ClassVar[str] = "payment.authorized"

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(**_example(2))


class PaymentCaptured(_PaymentEvent):
    """The amount was received."""

    type: ClassVar[str] = "payment.captured"

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(**_example(2))


class PaymentVoided(_PaymentEvent):
    """The attempt was given up before money was received."""

    type: ClassVar[str] = "payment.voided"

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(**_example(2))


class PaymentFailed(_PaymentEvent):
    """The provider refused."""

    type: ClassVar[str] = "payment.failed"

    reason: str

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(**_example(2), reason="declined")


def _example(version: int) -> dict[str, Any]:
    return {
        "payment_attempt_id": ids.decode("pay", "pay_01h455vb4pex5vsknk084sn02q"),
        "order_id": ids.decode("ord", "ord_01h455vb4pex5vsknk084sn02q"),
        "method": "cash_on_delivery",
        "amount": Money(265800, "BDT"),
        "version": version,
    }
