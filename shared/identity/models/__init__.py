"""A store's credentials, and platform operators' tokens."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Dialect, ForeignKeyConstraint, TypeDecorator, text
from sqlalchemy.dialects.postgresql import ARRAY, CIDR
from sqlalchemy.orm import Mapped, mapped_column

from shared.core import credentials, ids
from shared.core.encryption import EncryptedText
from shared.core.lives import Purge, TenantLife
from shared.core.tenancy import Base, StoreOwned


class CredentialKind(StrEnum):
    """What a credential is for; the value is its prefix."""

    PUBLISHABLE = credentials.PUBLISHABLE
    SECRET = credentials.SECRET


class Networks(TypeDecorator[list[str]]):
    """Networks as their texts (`203.0.113.0/24`), which the driver would read into objects."""

    impl = ARRAY(CIDR)
    cache_ok = True

    def process_result_value(self, value: list[Any] | None, _dialect: Dialect) -> list[str] | None:
        """Write each as it was given."""
        return None if value is None else [str(network) for network in value]


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
    allowed_addresses: Mapped[list[str] | None] = mapped_column(Networks)  # none: it may be used from anywhere
    last_used_at: Mapped[datetime | None]  # within five minutes
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    replaced_by: Mapped[UUID | None]  # the token that took over from it, in a rotation


class TokenUse(Base):
    """What a secret token was used for on one day, written down every few minutes (see `core.token_uses`).

    A row a token and day; gone after thirteen months.
    """

    __tablename__ = "token_uses"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "credential_id"], ["credentials.store_id", "credentials.id"]),
        CheckConstraint("requests > 0", name="requests_check"),
    )
    __tenant_life__: ClassVar[TenantLife] = TenantLife(purge=Purge("last_used_at", timedelta(days=400)))

    store_id: Mapped[UUID] = mapped_column(primary_key=True)
    credential_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)  # of UTC
    requests: Mapped[int]
    last_route: Mapped[str]
    last_address: Mapped[str | None] = mapped_column(EncryptedText("token_uses.last_address"))
    last_used_at: Mapped[datetime]


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
