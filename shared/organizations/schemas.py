"""What comes in and goes out about organizations and their members."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from shared.core.emails import Email
from shared.core.schemas import Input, Schema
from shared.core.typeids import InvitationId, MemberId, OrganizationId, RoleId, StoreId, UserId
from shared.identity.person_schemas import Password, PersonName
from shared.organizations.models import Invitation, Member, Standing
from shared.stores.models import Organization
from shared.stores.schemas import Locale, Name, NewStore, StoreOut

if TYPE_CHECKING:
    from shared.organizations.members import Colleague
    from shared.organizations.opening import Opened
    from shared.organizations.places import Place

MOST_STORES = 500  # that one member is confined to


def _each_once(store_ids: list[UUID]) -> list[UUID]:
    return list(dict.fromkeys(store_ids))


StoreIds = Annotated[
    list[StoreId],
    Field(
        min_length=1,
        max_length=MOST_STORES,
        description="The stores that they may enter; all of the organization's, later ones too, if null.",
    ),
    AfterValidator(_each_once),
]


class OpenOrganization(Input):
    """A new organization with its first store."""

    name: Name
    store: NewStore


class EditOrganization(Input):
    """What to change of an organization."""

    name: Name


class OrganizationOut(Schema):
    """An organization."""

    id: OrganizationId
    name: str
    version: int
    created_at: datetime

    @classmethod
    def of(cls, organization: Organization) -> Self:
        """Present an organization."""
        return cls(
            id=organization.id,
            name=organization.name,
            version=organization.version,
            created_at=organization.created_at,
        )


class OpenedStoreOut(Schema):
    """A new store of the organization, and the key by which its storefront names it."""

    organization: OrganizationOut
    store: StoreOut
    publishable_key: str

    @classmethod
    def of(cls, opened: "Opened") -> Self:
        """Present a new store."""
        return cls(
            organization=OrganizationOut.of(opened.organization),
            store=StoreOut.of(opened.store),
            publishable_key=opened.publishable_key,
        )


class EnterableStoreOut(Schema):
    """A store that one may enter."""

    id: StoreId
    name: str
    slug: str


class PlaceOut(Schema):
    """An organization that one works for, and what one is there."""

    organization_id: OrganizationId
    name: str
    member_id: MemberId
    role: Standing
    stores: list[EnterableStoreOut]

    @classmethod
    def of(cls, place: "Place") -> Self:
        """Present an organization."""
        return cls(
            organization_id=place.organization_id,
            name=place.name,
            member_id=place.member_id,
            role=place.role,
            stores=[EnterableStoreOut(id=store.id, name=store.name, slug=store.slug) for store in place.stores],
        )


class PlacesOut(Schema):
    """The organizations that one works for."""

    data: list[PlaceOut]


def _require_role(role: Standing | None, role_id: UUID | None) -> None:
    if (role is Standing.CUSTOM) != (role_id is not None):
        kind = "role"
        raise PydanticCustomError(kind, "`role_id` names the role where `role` is custom, and nowhere else.")


class ChangeMember(Input):
    """What to change of a member; what is absent stays."""

    role: Standing | None = None
    role_id: Annotated[RoleId | None, Field(description="Which of the organization's own, where role is custom.")] = (
        None
    )
    store_ids: StoreIds | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.role is not None or self.role_id is not None:
            _require_role(self.role, self.role_id)
        return self

    def role_of(self, member: Member) -> tuple[Standing, UUID | None]:
        """Return the role that the member is to have."""
        return (member.role, member.role_id) if self.role is None else (self.role, self.role_id)


class MemberToPromote(Input):
    """The member who becomes the owner."""

    member_id: MemberId


class MemberOut(Schema):
    """A member: who they are, what they are, and where. Without name and address, their account was closed."""

    id: MemberId
    user_id: UserId
    name: str | None
    email: str | None
    role: Standing
    role_id: RoleId | None
    store_ids: list[StoreId] | None
    version: int
    joined_at: datetime
    role_given_at: datetime
    suspended_at: datetime | None
    last_seen_at: Annotated[
        datetime | None, Field(description="When they were last at work in this organization, within five minutes.")
    ]

    @classmethod
    def of(cls, colleague: "Colleague") -> Self:
        """Present a member."""
        member, profile = colleague.member, colleague.profile
        return cls(
            id=member.id,
            user_id=member.user_id,
            name=profile.name if profile else None,
            email=profile.email if profile else None,
            role=member.role,
            role_id=member.role_id,
            store_ids=member.store_ids,
            version=member.version,
            joined_at=member.joined_at,
            role_given_at=member.role_given_at or member.joined_at,
            suspended_at=member.suspended_at,
            last_seen_at=profile.last_seen_at if profile else None,
        )


class LeftOut(Schema):
    """Who is no member any more."""

    id: MemberId

    @classmethod
    def of(cls, member: Member) -> Self:
        """Present who left."""
        return cls(id=member.id)


class Invite(Input):
    """Somebody to be asked to join."""

    email: Email
    role: Standing
    role_id: Annotated[RoleId | None, Field(description="Which of the organization's own, where role is custom.")] = (
        None
    )
    store_ids: StoreIds | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _require_role(self.role, self.role_id)
        return self


class InvitationOut(Schema):
    """An invitation. Its secret is in the letter alone."""

    id: InvitationId
    email: str
    role: Standing
    role_id: RoleId | None
    store_ids: list[StoreId] | None
    invited_by: UserId
    version: int
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, invitation: Invitation) -> Self:
        """Present an invitation."""
        return cls(
            id=invitation.id,
            email=invitation.email,
            role=invitation.role,
            role_id=invitation.role_id,
            store_ids=invitation.store_ids,
            invited_by=invitation.invited_by,
            version=invitation.version,
            created_at=invitation.created_at,
            expires_at=invitation.expires_at,
            accepted_at=invitation.accepted_at,
            revoked_at=invitation.revoked_at,
        )


class InviteOwner(Input):
    """Who is to own an organization that nobody works for."""

    email: Email


class OwnerInvitedOut(Schema):
    """An invitation to own an organization; `token` is shown this once, to be handed over."""

    organization_id: OrganizationId
    email: str
    token: str
    expires_at: datetime

    @classmethod
    def of(cls, invitation: Invitation, token: str) -> Self:
        """Present an invitation with its secret."""
        return cls(
            organization_id=invitation.organization_id,
            email=invitation.email,
            token=token,
            expires_at=invitation.expires_at,
        )


class AcceptInvitation(Input):
    """The secret of a letter."""

    token: Annotated[str, Field(min_length=1, max_length=200)]


class SignUpByInvitation(AcceptInvitation):
    """An account for whom an invitation was sent to."""

    name: PersonName
    password: Password
    locale: Locale = "bn-BD"


class JoinedOut(Schema):
    """What somebody became, and where: enter it with PUT /session/place."""

    organization_id: OrganizationId
    member_id: MemberId
    role: Standing

    @classmethod
    def of(cls, member: Member) -> Self:
        """Present a new member."""
        return cls(organization_id=member.organization_id, member_id=member.id, role=member.role)
