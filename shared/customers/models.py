"""The tables of customers: accounts, addresses, sessions with their tokens, and the codes that prove a contact."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.encryption import EncryptedJSON, EncryptedText
from shared.core.lives import Purge, TenantLife
from shared.core.tenancy import Base, StoreOwned

MOST_TRIES = 5  # of one code
WISH = "customer_codes.personal"  # the encrypted column's name, which its values are bound to


class CustomerStatus(StrEnum):
    """Whether a customer may sign in; that one is deleted stands in `deleted_at`."""

    ACTIVE = "active"
    DISABLED = "disabled"


class Proof(StrEnum):
    """How a customer has shown who they are."""

    CODE = "code"
    PASSWORD = "password"  # noqa: S105 -- the name of a way, not a secret


class CodePurpose(StrEnum):
    """What a code is good for: to sign in, which makes the account where there is none, or to add a contact to one."""

    SIGN_IN = "sign_in"
    CONTACT = "contact"


class Customer(StoreOwned, Base):
    """A shopper's account in one store. A contact is theirs alone once they have proven it, among those not deleted.

    Grows with the store's buyers: 700 bytes a row.
    """

    __tablename__ = "customers"
    __tenant_life__: ClassVar = TenantLife(
        personal=("name", "email", "email_index", "phone", "phone_index", "password_digest")
    )
    __table_args__ = (
        CheckConstraint("status in ('active', 'disabled')", name="status_check"),
        Index(
            "customers_by_email",
            "store_id",
            "email_index",
            unique=True,
            postgresql_where=text("email_verified_at is not null and deleted_at is null"),
        ),
        Index(
            "customers_by_phone",
            "store_id",
            "phone_index",
            unique=True,
            postgresql_where=text("phone_verified_at is not null and deleted_at is null"),
        ),
        Index("customers_by_creation", "store_id", "created_at", "id"),
    )

    name: Mapped[str | None] = mapped_column(EncryptedText("customers.name"))
    email: Mapped[str | None] = mapped_column(EncryptedText("customers.email"))
    email_index: Mapped[bytes | None]  # blind indexes of the contacts
    email_verified_at: Mapped[datetime | None]
    phone: Mapped[str | None] = mapped_column(EncryptedText("customers.phone"))  # E.164
    phone_index: Mapped[bytes | None]
    phone_verified_at: Mapped[datetime | None]
    locale: Mapped[str | None]  # BCP 47; the store's own where there is none
    password_digest: Mapped[bytes | None]  # argon2id; none for who signs in by code alone
    password_changed_at: Mapped[datetime | None]
    status: Mapped[CustomerStatus] = mapped_column(server_default=text("'active'"))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class CustomerAddress(StoreOwned, Base):
    """An entry of a customer's address book; 50 at most. 400 bytes a row."""

    __tablename__ = "customer_addresses"
    __table_args__ = (
        ForeignKeyConstraint(
            ["store_id", "customer_id"], ["customers.store_id", "customers.id"], name="customer_addresses_customer_fkey"
        ),
        Index("customer_addresses_by_customer", "store_id", "customer_id", "id"),
        Index(
            "customer_addresses_one_default",
            "store_id",
            "customer_id",
            unique=True,
            postgresql_where=text("is_default"),
        ),
    )

    customer_id: Mapped[UUID]
    personal: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON("customer_addresses.personal"))  # `AddressIn`
    is_default: Mapped[bool]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class CustomerSession(StoreOwned, Base):
    """A device in which a customer is signed in: a family of tokens, each made from the one before.

    `expires_at` moves with each renewal, up to a year from the sign-in. A few a customer; 300 bytes a row.
    """

    __tablename__ = "customer_sessions"
    __tenant_life__: ClassVar = TenantLife(exported=False, purge=Purge("expires_at", timedelta(days=30)))
    __table_args__ = (
        ForeignKeyConstraint(
            ["store_id", "customer_id"], ["customers.store_id", "customers.id"], name="customer_sessions_customer_fkey"
        ),
        CheckConstraint("proven_by in ('code', 'password')", name="proven_by_check"),
        CheckConstraint("(ended_at is null) = (ended_because is null)", name="ended_check"),
        Index("customer_sessions_by_customer", "store_id", "customer_id", "id"),
    )

    customer_id: Mapped[UUID]
    proven_by: Mapped[Proof]
    proven_at: Mapped[datetime]
    created_at: Mapped[datetime]
    refreshed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_because: Mapped[str | None]
    address: Mapped[str | None] = mapped_column(EncryptedText("customer_sessions.address"))  # of the network
    user_agent: Mapped[str | None]


class CustomerToken(StoreOwned, Base):
    """One pair of tokens: for access, and for the next pair. Of both only the SHA-256 is kept.

    A used one is kept as long as its successors can live, since its second use tells of a thief. A row a renewal: four
    an hour of shopping; 200 bytes.
    """

    __tablename__ = "customer_tokens"
    __tenant_life__: ClassVar = TenantLife(exported=False, purge=Purge("created_at", timedelta(days=60)))
    __table_args__ = (
        ForeignKeyConstraint(
            ["store_id", "session_id"],
            ["customer_sessions.store_id", "customer_sessions.id"],
            name="customer_tokens_session_fkey",
        ),
        UniqueConstraint("access_digest", name="customer_tokens_access_key"),  # of the platform: it decides the store
        UniqueConstraint("store_id", "refresh_digest", name="customer_tokens_refresh_key"),
        Index("customer_tokens_by_session", "store_id", "session_id"),
    )

    session_id: Mapped[UUID]
    access_digest: Mapped[bytes]
    access_expires_at: Mapped[datetime]
    refresh_digest: Mapped[bytes]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class CustomerCode(StoreOwned, Base):
    """A code of six digits that was sent to a contact, and what its proof leads to. Ten minutes, one use, five tries.

    Nobody looks here by contact: whoever has the code names the row, too, so another's code is in nobody's way.
    """

    __tablename__ = "customer_codes"
    __tenant_life__: ClassVar = TenantLife(exported=False, purge=Purge("expires_at", timedelta(days=1)))
    __table_args__ = (
        CheckConstraint("purpose in ('sign_in', 'contact')", name="purpose_check"),
        CheckConstraint("(purpose = 'contact') = (customer_id is not null)", name="customer_check"),
        CheckConstraint(f"tries between 0 and {MOST_TRIES}", name="tries_check"),
    )

    purpose: Mapped[CodePurpose]
    customer_id: Mapped[UUID | None]  # whose contact it is to become
    personal: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON(WISH))  # `codes.Wish`
    digest: Mapped[bytes]  # HMAC of the code, under the store's key: six digits alone would be guessed
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
