"""Payment attempts: every try to pay for an order, the ones that failed too."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.tenancy import Base, StoreOwned
from shared.payments.states import AttemptStatus


class PaymentAttempt(StoreOwned, Base):
    """One try to pay for an order by one method. `amount` and `captured` are minor units of `currency`.

    `order_id` has no foreign key: whoever pays on a provider's page pays before the order exists. One or two rows an
    order, for ever; 300 bytes each.
    """

    __tablename__ = "payment_attempts"
    __table_args__ = (
        CheckConstraint("amount > 0 and captured between 0 and amount", name="amounts_check"),
        CheckConstraint("(status = 'captured') = (captured > 0)", name="captured_check"),
        Index("payment_attempts_by_order", "store_id", "order_id", "id"),
        Index(
            "payment_attempts_one_open",
            "store_id",
            "order_id",
            unique=True,
            postgresql_where=text("status in ('pending', 'authorized')"),
        ),
    )

    order_id: Mapped[UUID]
    method: Mapped[str]  # a gateway's word for itself
    status: Mapped[AttemptStatus]
    currency: Mapped[str]  # ISO 4217
    amount: Mapped[int]
    captured: Mapped[int] = mapped_column(server_default=text("0"))
    provider_reference: Mapped[str | None]  # the provider's own name for it; for cash, the courier's receipt
    reason: Mapped[str | None]  # why it failed
    correlation_id: Mapped[str]  # of the request that began it
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
