"""What organizations tell the world. Who somebody is stands in no event: a subscriber that needs a name reads it."""

from typing import ClassVar, Self
from uuid import UUID

from shared.core import ids
from shared.core.outbox import DomainEvent
from shared.core.typeids import InvitationId, MemberId, OrganizationId, RoleId

_ORGANIZATION = ids.decode("org", "org_01h455vb4pex5vsknk084sn02q")
_MEMBER = ids.decode("member", "member_01h455vb4pex5vsknk084sn02q")
_ROLE = ids.decode("role", "role_01h455vb4pex5vsknk084sn02q")
_INVITATION = ids.decode("invite", "invite_01h455vb4pex5vsknk084sn02q")


class OrganizationOpened(DomainEvent):
    """An organization was opened; whoever did it is its owner."""

    type: ClassVar[str] = "organization.opened"
    entity: ClassVar[str] = "organization"

    organization_id: OrganizationId

    def subject(self) -> tuple[UUID, int]:
        """Return the organization, at its first version."""
        return self.organization_id, 1

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(organization_id=_ORGANIZATION)


class OrganizationUpdated(DomainEvent):
    """An organization has another name."""

    type: ClassVar[str] = "organization.updated"
    entity: ClassVar[str] = "organization"

    organization_id: OrganizationId
    version: int

    def subject(self) -> tuple[UUID, int]:
        """Return the organization and its version."""
        return self.organization_id, self.version

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(organization_id=_ORGANIZATION, version=2)


class _AboutMember(DomainEvent):
    entity: ClassVar[str] = "member"

    member_id: MemberId
    version: int

    def subject(self) -> tuple[UUID, int]:
        """Return the member and their version."""
        return self.member_id, self.version

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(member_id=_MEMBER, version=2)


class MemberJoined(_AboutMember):
    """Somebody became a member: as the first owner, or by an invitation."""

    type: ClassVar[str] = "member.joined"


class MemberChanged(_AboutMember):
    """What a member may do, or where, changed: their role, stores or exceptions, or they were suspended or let back."""

    type: ClassVar[str] = "member.changed"


class MemberLeft(_AboutMember):
    """A member left, or was removed."""

    type: ClassVar[str] = "member.left"


class _AboutRole(DomainEvent):
    entity: ClassVar[str] = "role"

    role_id: RoleId
    version: int

    def subject(self) -> tuple[UUID, int]:
        """Return the role and its version."""
        return self.role_id, self.version

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(role_id=_ROLE, version=2)


class RoleCreated(_AboutRole):
    """The organization made a role of its own."""

    type: ClassVar[str] = "role.created"


class RoleChanged(_AboutRole):
    """A role has another name, or allows more or less."""

    type: ClassVar[str] = "role.changed"


class RoleDeleted(_AboutRole):
    """A role of the organization's own is gone; nobody had it."""

    type: ClassVar[str] = "role.deleted"


class _AboutInvitation(DomainEvent):
    entity: ClassVar[str] = "invitation"

    invitation_id: InvitationId
    version: int

    def subject(self) -> tuple[UUID, int]:
        """Return the invitation and its version."""
        return self.invitation_id, self.version

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(invitation_id=_INVITATION, version=1)


class InvitationSent(_AboutInvitation):
    """Somebody was asked to join, for the first time or again."""

    type: ClassVar[str] = "invitation.sent"


class InvitationRevoked(_AboutInvitation):
    """An invitation was taken back before anybody accepted it."""

    type: ClassVar[str] = "invitation.revoked"
