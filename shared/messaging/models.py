"""The table of outgoing messages."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.encryption import EncryptedJSON, EncryptedText
from shared.core.tenancy import Base, StoreOwned
from shared.messaging.states import MessageStatus


class ChannelKind(StrEnum):
    """By which way a message reaches its person."""

    EMAIL = "email"
    SMS = "sms"


class QueuedMessage(StoreOwned, Base):
    """One message to one person, from the wish to send it to what the provider said.

    `due_at` is when somebody may take it next: while it is being sent, the end of the lease. `answers` grows by
    one for each attempt, by code: a provider's sentences repeat addresses. `dedupe_key` refuses a second message
    for the same occasion, for ever, so the table is not partitioned by time. One to five rows an order, 2 KB each.
    """

    __tablename__ = "outgoing_messages"
    __table_args__ = (
        UniqueConstraint("store_id", "dedupe_key", name="outgoing_messages_dedupe_key"),
        CheckConstraint("channel in ('email', 'sms')", name="channel_check"),
        CheckConstraint("(status in ('queued', 'sending')) = (due_at is not null)", name="due_check"),
        CheckConstraint("(status = 'sent') = (sent_at is not null)", name="sent_check"),
        Index(
            "outgoing_messages_due",
            "due_at",
            "store_id",
            postgresql_where=text("due_at is not null"),
        ),
    )

    channel: Mapped[ChannelKind]
    purpose: Mapped[str]  # "order_confirmation"
    dedupe_key: Mapped[str]
    recipient: Mapped[str | None] = mapped_column(EncryptedText("outgoing_messages.recipient"))  # None: erased
    content: Mapped[dict[str, Any] | None] = mapped_column(EncryptedJSON("outgoing_messages.content"))
    status: Mapped[MessageStatus]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    due_at: Mapped[datetime | None]
    provider_reference: Mapped[str | None]
    answers: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'"))
    correlation_id: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
