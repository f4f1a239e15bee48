"""People: who they are, and where they are signed in. Each person is the tenant of their own rows."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.encryption import EncryptedText
from shared.core.tenancy import Base, PersonOwned


class LinkPurpose(StrEnum):
    """What a mailed link is for."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 -- a purpose, no password


class User(Base):
    """A person: one identity, for however many organizations and stores. Its policy compares `id` itself.

    Found by `email_index`, a blind index under the platform's key; all else of the person is encrypted under their own.
    A row a member of staff: thousands for a thousand merchants.
    """

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(EncryptedText("users.email"))
    email_index: Mapped[bytes] = mapped_column(unique=True)  # of the platform: one identity an address
    name: Mapped[str] = mapped_column(EncryptedText("users.name"))
    locale: Mapped[str] = mapped_column(server_default=text("'en'"))
    password_hash: Mapped[str | None]  # argon2id; none for who signs in by another way alone
    password_changed_at: Mapped[datetime | None]
    email_verified_at: Mapped[datetime | None]
    second_factor_since: Mapped[datetime | None]  # with it a password alone opens no session
    disabled_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class FormerPassword(PersonOwned, Base):
    """A password that the person had, or has: the newest row is today's. Five at most; see `password_choice`."""

    __tablename__ = "password_history"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True, sort_order=-2)
    password_hash: Mapped[str]
    set_at: Mapped[datetime]


class MailedLink(PersonOwned, Base):
    """A link that was mailed to a person: whoever follows it reads what comes to that address. Good for one use.

    Rows go when the person is mailed the next one after their end.
    """

    __tablename__ = "mailed_links"
    __table_args__ = (CheckConstraint("purpose in ('verify_email', 'reset_password')", name="purpose_check"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True, sort_order=-2)
    purpose: Mapped[LinkPurpose]
    digest: Mapped[bytes] = mapped_column(unique=True)  # of the platform: it decides the person
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInChallenge(PersonOwned, Base):
    """Half a sign-in: the password was right, and a second factor is to follow within minutes."""

    __tablename__ = "sign_in_challenges"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True, sort_order=-2)
    digest: Mapped[bytes] = mapped_column(unique=True)  # of the platform: it decides the person
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class StaffSession(PersonOwned, Base):
    """A browser in which a person is signed in; of its token only the SHA-256 is kept.

    Ends by being idle for 12 hours (the look-up's rule), at `expires_at`, or when somebody ends it. `entered_store_id`
    is the store that its requests go to; whether the person still may, the look-up decides at each request.
    """

    __tablename__ = "sessions"
    __table_args__ = (CheckConstraint("(ended_at is null) = (ended_because is null)", name="check"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True, sort_order=-2)
    digest: Mapped[bytes] = mapped_column(unique=True)  # of the platform: it decides the person
    organization_id: Mapped[UUID | None]
    entered_store_id: Mapped[UUID | None]
    has_second_factor: Mapped[bool] = mapped_column(server_default=text("false"))
    proven_at: Mapped[datetime]  # when the person last proved who they are
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]  # within five minutes
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_because: Mapped[str | None]
    address: Mapped[str | None] = mapped_column(EncryptedText("sessions.address"))
    user_agent: Mapped[str | None]
