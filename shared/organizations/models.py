"""Who works for an organization, and what they may do there. Each organization is the tenant of these rows."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.encryption import EncryptedText
from shared.core.tenancy import Base, OrganizationOwned, bound_store


class Standing(StrEnum):
    """What a member is: one of four roles that every organization has, or one of its own making."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"
    CUSTOM = "custom"


class Effect(StrEnum):
    """What an exception does to a member's role."""

    GRANT = "grant"
    DENY = "deny"


class Permission(Base):
    """What may be allowed, by its code: the same for everybody, and equal to `core.permissions`."""

    __tablename__ = "permissions"

    code: Mapped[str] = mapped_column(primary_key=True)
    description: Mapped[str]


class StandardRolePermission(Base):
    """What the four roles allow that every organization has; equal to `core.permissions.STANDARD`."""

    __tablename__ = "standard_role_permissions"
    __table_args__ = (CheckConstraint("role in ('owner', 'admin', 'member', 'viewer')", name="role_check"),)

    role: Mapped[str] = mapped_column(primary_key=True)
    permission: Mapped[str] = mapped_column(ForeignKey("permissions.code"), primary_key=True)


class Role(OrganizationOwned, Base):
    """A role of the merchant's own. A handful an organization."""

    __tablename__ = "roles"
    __table_args__ = (
        CheckConstraint("name <> ''", name="name_check"),
        Index("roles_by_name", "organization_id", text("lower(name)"), unique=True),
    )

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id"), primary_key=True, default=bound_store, sort_order=-2
    )
    name: Mapped[str]
    description: Mapped[str] = mapped_column(server_default=text("''"))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class RolePermission(Base):
    """A permission of a role; `up_to` is the amount up to which it goes, in minor units of the store's currency."""

    __tablename__ = "role_permissions"
    __table_args__ = (
        ForeignKeyConstraint(["organization_id", "role_id"], ["roles.organization_id", "roles.id"], ondelete="CASCADE"),
        CheckConstraint("up_to >= 0", name="up_to_check"),
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True, default=bound_store)
    role_id: Mapped[UUID] = mapped_column(primary_key=True)
    permission: Mapped[str] = mapped_column(ForeignKey("permissions.code"), primary_key=True)
    up_to: Mapped[int | None]


class Member(OrganizationOwned, Base):
    """A person in an organization: their role, and the stores that they may enter (none named: all of them).

    An owner enters every store, and can't be suspended. A handful an organization; a hundred for a chain.
    """

    __tablename__ = "organization_members"
    __table_args__ = (
        UniqueConstraint("organization_id", "user_id"),
        ForeignKeyConstraint(["organization_id", "role_id"], ["roles.organization_id", "roles.id"]),
        CheckConstraint("role in ('owner', 'admin', 'member', 'viewer', 'custom')", name="role_check"),
        CheckConstraint("(role = 'custom') = (role_id is not null)", name="check"),
        CheckConstraint("role <> 'owner' or (store_ids is null and suspended_at is null)", name="check1"),
        Index("organization_members_by_user", "user_id"),
    )

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id"), primary_key=True, default=bound_store, sort_order=-2
    )
    user_id: Mapped[UUID]
    role: Mapped[Standing]
    role_id: Mapped[UUID | None]
    store_ids: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    joined_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    suspended_at: Mapped[datetime | None]
    role_given_at: Mapped[datetime | None]  # none: when they joined


class PermissionOverride(OrganizationOwned, Base):
    """An exception to a member's role: one permission more or less, for a reason and mostly for a time."""

    __tablename__ = "permission_overrides"
    __table_args__ = (
        UniqueConstraint("organization_id", "member_id", "permission"),
        ForeignKeyConstraint(
            ["organization_id", "member_id"],
            ["organization_members.organization_id", "organization_members.id"],
            ondelete="CASCADE",
        ),
        CheckConstraint("effect in ('grant', 'deny')", name="effect_check"),
        CheckConstraint("up_to >= 0", name="up_to_check"),
        CheckConstraint("reason <> ''", name="reason_check"),
        CheckConstraint("effect = 'grant' or up_to is null", name="check"),
    )

    member_id: Mapped[UUID]
    permission: Mapped[str] = mapped_column(ForeignKey("permissions.code"))
    effect: Mapped[Effect]
    up_to: Mapped[int | None]
    reason: Mapped[str]
    granted_by: Mapped[UUID]  # the user who made the exception
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class Invitation(OrganizationOwned, Base):
    """Somebody who was asked to join, and as what; of the secret in their letter only the SHA-256 is kept.

    Open until it is accepted, revoked or over; one that is open an address. A handful an organization.
    """

    __tablename__ = "invitations"
    __table_args__ = (
        CheckConstraint("role in ('owner', 'admin', 'member', 'viewer', 'custom')", name="role_check"),
        CheckConstraint("(role = 'custom') = (role_id is not null)", name="check"),
        CheckConstraint("role <> 'owner' or store_ids is null", name="check1"),
        CheckConstraint("(accepted_at is null) = (accepted_by is null)", name="check2"),
        CheckConstraint("accepted_at is null or revoked_at is null", name="check3"),
        Index(
            "invitations_open",
            "organization_id",
            "email_index",
            unique=True,
            postgresql_where=text("accepted_at is null and revoked_at is null"),
        ),
    )

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id"), primary_key=True, default=bound_store, sort_order=-2
    )
    email: Mapped[str] = mapped_column(EncryptedText("invitations.email"))
    email_index: Mapped[bytes]
    digest: Mapped[bytes] = mapped_column(unique=True)  # of the platform: it decides the organization
    role: Mapped[Standing]
    role_id: Mapped[UUID | None]
    store_ids: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid))
    invited_by: Mapped[UUID]  # a user; an operator's token, where nobody worked for the organization yet
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    accepted_by: Mapped[UUID | None]
    revoked_at: Mapped[datetime | None]
