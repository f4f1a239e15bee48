"""How the access review goes out."""

from datetime import datetime
from typing import TYPE_CHECKING, Literal, Self

from shared.core.schemas import Schema
from shared.core.typeids import CredentialId, MemberId, StoreId, UserId
from shared.organizations.members import Colleague

if TYPE_CHECKING:
    from shared.organizations.access_review import Held, Person, Review, StoreAccess, Token


class HeldOut(Schema):
    """A permission that somebody has: how far it goes, by what, since and until when."""

    permission: str
    up_to: int | None
    by: Literal["role", "override", "token"]
    since: datetime
    until: datetime | None

    @classmethod
    def of(cls, held: "Held") -> Self:
        """Present a permission."""
        return cls(permission=held.permission, up_to=held.up_to, by=held.by, since=held.since, until=held.until)


class PersonOut(Schema):
    """A member, and what they may do in the store. `denied`: what an exception takes from them by name."""

    member_id: MemberId
    name: str | None
    email: str | None
    role: str
    permissions: list[HeldOut]
    denied: list[str]
    last_seen_at: datetime | None

    @classmethod
    def of(cls, person: "Person") -> Self:
        """Present a member."""
        profile = person.colleague.profile
        return cls(
            member_id=person.colleague.member.id,
            name=profile.name if profile else None,
            email=profile.email if profile else None,
            role=person.role,
            permissions=[HeldOut.of(held) for held in person.held],
            denied=list(person.denied),
            last_seen_at=profile.last_seen_at if profile else None,
        )


class TokenOut(Schema):
    """A secret token that is alive, and what it may do now: its scopes, cut by what its maker may do."""

    credential_id: CredentialId
    name: str
    last_four: str
    created_by: UserId | None
    permissions: list[HeldOut]
    last_used_at: datetime | None

    @classmethod
    def of(cls, token: "Token") -> Self:
        """Present a token."""
        credential = token.credential
        return cls(
            credential_id=credential.id,
            name=credential.name,
            last_four=credential.last_four,
            created_by=credential.created_by,
            permissions=[HeldOut.of(held) for held in token.held],
            last_used_at=credential.last_used_at,
        )


class StoreAccessOut(Schema):
    """A store, and who may do something in it."""

    store_id: StoreId
    name: str
    people: list[PersonOut]
    tokens: list[TokenOut]

    @classmethod
    def of(cls, access: "StoreAccess") -> Self:
        """Present a store."""
        return cls(
            store_id=access.store.id,
            name=access.store.name,
            people=[PersonOut.of(one) for one in access.people],
            tokens=[TokenOut.of(one) for one in access.tokens],
        )


class SuspendedOut(Schema):
    """A member who may do nothing until they are let back."""

    member_id: MemberId
    name: str | None
    suspended_at: datetime | None

    @classmethod
    def of(cls, colleague: Colleague) -> Self:
        """Present a member."""
        return cls(
            member_id=colleague.member.id,
            name=colleague.profile.name if colleague.profile else None,
            suspended_at=colleague.member.suspended_at,
        )


class AccessReviewOut(Schema):
    """Who may do what in which store, as it was at a moment."""

    at: datetime
    stores: list[StoreAccessOut]
    suspended: list[SuspendedOut]

    @classmethod
    def of(cls, review: "Review") -> Self:
        """Present the report."""
        return cls(
            at=review.at,
            stores=[StoreAccessOut.of(one) for one in review.stores],
            suspended=[SuspendedOut.of(one) for one in review.suspended],
        )
