"""A store's credentials, and platform operators' tokens."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, CIDR
from sqlalchemy.orm import Mapped, mapped_column

from shared.core import credentials, ids
from shared.core.tenancy import Base, StoreOwned


class CredentialKind(StrEnum):
    """What a credential is for; the value is its prefix."""

    PUBLISHABLE = credentials.PUBLISHABLE
    SECRET = credentials.SECRET


class Credential(StoreOwned, Base):
    """A key to one store. Of a secret, only its SHA-256 and last four characters are kept. A handful a store."""

    __tablename__ = "credentials"
    __table_args__ = (
        CheckConstraint("kind in ('pk', 'sk')", name="kind_check"),
        CheckConstraint("(publishable_key is not null) = (kind = 'pk')", name="check"),
    )

    kind: Mapped[CredentialKind]
    name: Mapped[str]
    digest: Mapped[bytes] = mapped_column(unique=True)  # of the platform: it decides the store
    publishable_key: Mapped[str | None]  # in clear: it is public, and shown again
    last_four: Mapped[str]
    scopes: Mapped[list[str]]
    created_by: Mapped[UUID | None]  # the user whose permissions bound it; none for the platform's
    allowed_addresses: Mapped[list[str] | None] = mapped_column(ARRAY(CIDR))  # none: it may be used from anywhere
    last_used_at: Mapped[datetime | None]  # within five minutes
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class PlatformToken(Base):
    """An operator's token for the platform's own API. Belongs to no store; made on the command line."""

    __tablename__ = "platform_tokens"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new_id)
    name: Mapped[str]
    digest: Mapped[bytes] = mapped_column(unique=True)
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
