"""What a person proves by besides a password; each person is the tenant of these rows."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.encryption import EncryptedText
from shared.core.tenancy import Base, PersonOwned


class Authenticator(PersonOwned, Base):
    """An app that shows a new code every thirty seconds (RFC 6238). A few a person.

    `last_step` is the latest time step whose code was taken: neither it nor an earlier one is taken again.
    """

    __tablename__ = "authenticators"
    __table_args__ = (CheckConstraint("name <> ''", name="name_check"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True, sort_order=-2)
    name: Mapped[str]
    secret: Mapped[str] = mapped_column(EncryptedText("authenticators.secret"))
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]  # until then it proves nothing
    last_step: Mapped[int | None]  # in steps of 30 seconds since 1970


class RecoveryCode(PersonOwned, Base):
    """A code for who has lost their app, good for one use. Ten a person."""

    __tablename__ = "recovery_codes"
    __table_args__ = (UniqueConstraint("user_id", "digest"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True, sort_order=-2)
    digest: Mapped[bytes]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Account(PersonOwned, Base):
    """An account at an OpenID Connect issuer by which a person signs in. One or two a person.

    Known by `subject_index`, a blind index over issuer and subject under the platform's key.
    """

    __tablename__ = "accounts"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True, sort_order=-2)
    issuer: Mapped[str]  # its name in our configuration
    subject: Mapped[str] = mapped_column(EncryptedText("accounts.subject"))
    subject_index: Mapped[bytes] = mapped_column(unique=True)  # of the platform: it decides the person
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime]
