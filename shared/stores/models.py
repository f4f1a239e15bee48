"""The tenants: an organization owns stores, a store owns everything else."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core import ids
from shared.core.encryption import EncryptedText
from shared.core.tenancy import Base


class StoreStatus(StrEnum):
    """Whether a store is open to its shoppers and staff."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class Organization(Base):
    """A merchant's company: a tenant of its own, to which stores belong. A row a merchant.

    Its row-level policy compares `id` itself with the bound tenant.
    """

    __tablename__ = "organizations"
    __table_args__ = (CheckConstraint("name <> ''", name="name_check"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new_id)
    name: Mapped[str]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime | None]


class Store(Base):
    """A tenant. Its row-level policy compares `id` itself with the bound store. A row a store."""

    __tablename__ = "stores"
    __table_args__ = (
        CheckConstraint("slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'", name="slug_check"),
        CheckConstraint("name <> ''", name="name_check"),
        CheckConstraint("status in ('active', 'suspended', 'closed')", name="status_check"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_check"),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country_check"),
        Index("stores_by_organization", "organization_id"),
        Index("stores_by_origin", "allowed_origins", postgresql_using="gin"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"))
    slug: Mapped[str] = mapped_column(unique=True)  # of the platform: it is the store's host name
    name: Mapped[str]
    owner_email: Mapped[str | None] = mapped_column(EncryptedText("stores.owner_email"))
    status: Mapped[StoreStatus] = mapped_column(server_default=text("'active'"))
    currency: Mapped[str] = mapped_column(server_default=text("'BDT'"))  # ISO 4217
    locale: Mapped[str] = mapped_column(server_default=text("'bn-BD'"))  # BCP 47
    time_zone: Mapped[str] = mapped_column(server_default=text("'Asia/Dhaka'"))  # IANA
    country: Mapped[str] = mapped_column(server_default=text("'BD'"))  # ISO 3166: whose phone numbers need no prefix
    allowed_origins: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    settings: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))  # `settings.CommerceSettings`
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class StoreSequence(Base):
    """A running number of a store, such as its orders'. One a store and name, locked until the commit: take it last."""

    __tablename__ = "store_sequences"

    store_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int]
