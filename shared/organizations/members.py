"""Members: listed, given another role or other stores, suspended, removed; and leaving.

What is taken from somebody is gone at their next request, in every session and token of theirs: the look-ups that let
a request in read these rows each time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.core import audit, clock, outbox, tenancy
from shared.core.errors import Conflict
from shared.core.keysets import Operator
from shared.core.paging import Filter, Listing, ListQuery, PageInfo
from shared.core.principal import Principal
from shared.identity import profiles
from shared.identity.profiles import Profile
from shared.organizations import granting, invitations, standing
from shared.organizations.events import MemberLeft
from shared.organizations.models import Member, Standing
from shared.organizations.schemas import ChangeMember

_MOMENT: tuple[Operator, ...] = ("gt", "gte", "lt", "lte")

MEMBERS = Listing(
    Member,
    filters={
        "role": Filter(Member.role, accepts=Standing),
        "joined_at": Filter(Member.joined_at, _MOMENT),
        "suspended_at": Filter(Member.suspended_at, ("null", *_MOMENT)),
    },
    sorts={"joined_at": (Member.id,)},
    default_sort="joined_at",
)


class OwnerStays(Conflict):
    """An owner can't be suspended: they become something else first."""

    code = "owner_stays"
    title = "An owner can't be suspended"


@dataclass(frozen=True)
class Colleague:
    """A member and who they are; nobody, where the account was closed."""

    member: Member
    profile: Profile | None

    @property
    def version(self) -> int:
        """The member's version."""
        return self.member.version


def list_members(session: Session, query: ListQuery) -> tuple[list[Colleague], PageInfo, int | None]:
    """Return one page of the members. One statement, and one a member for who they are: it lies in their own rows."""
    found, page, total = MEMBERS.run(session, query, select(Member))
    return introduce(session, found), page, total


def get(session: Session, member_id: UUID) -> Colleague:
    """Return one member.

    Raises:
        NotFound: the organization has no such member.
    """
    [colleague] = introduce(session, [standing.find(session, member_id)])
    return colleague


def introduce(session: Session, members: Sequence[Member]) -> list[Colleague]:
    """Return members with who they are."""
    people = profiles.read_colleagues(
        session, [member.user_id for member in members], organization_id=tenancy.require_store(session)
    )
    return [Colleague(member, people.get(member.user_id)) for member in members]


def change(
    session: Session, member_id: UUID, wanted: ChangeMember, *, by: Principal, expected_version: int | None
) -> Colleague:
    """Give a member another role, or other stores.

    Raises:
        NotFound: the organization has no such member.
        StaleVersion: they have another version than the expected one.
        OwnStanding: it is about oneself.
        BeyondYourOwn: the member may do more than whoever changes them, or would.
        ValidationFailed: there is no such role or store.
        LastOwner: the only owner would be none.
    """
    granter = granting.enter(session, by)
    member = standing.find(session, member_id, expected_version=expected_version)
    granter.require_beneath(member)
    role, role_id = wanted.role_of(member)
    store_ids = sorted(wanted.store_ids) if wanted.store_ids is not None else None
    if "store_ids" not in wanted.model_fields_set:
        store_ids = member.store_ids
    if role is Standing.OWNER:
        store_ids = None
    granter.require_role(role, role_id)
    granter.require_stores(store_ids)
    before = standing.told(member)
    if role is not Standing.OWNER:
        standing.require_another_owner(session, member)
    elif member.suspended_at is not None:
        raise OwnerStays("Who is suspended can't become an owner: let them back first.")
    if (role, role_id, store_ids) == (member.role, member.role_id, member.store_ids):
        return get(session, member_id)
    standing.give_role(session, member, role, role_id=role_id, store_ids=store_ids)
    standing.note(session, member, "member.changed", before=before)
    invitations.revoke_of(session, member.user_id)
    session.flush()
    return get(session, member_id)


def suspend(session: Session, member_id: UUID, *, by: Principal) -> Colleague:
    """Keep a member out until they are let back; twice is once. Their invitations that are open end.

    Raises:
        NotFound: the organization has no such member.
        OwnStanding: it is about oneself.
        BeyondYourOwn: the member may do more than whoever suspends them.
        OwnerStays: they are an owner.
    """
    granter = granting.enter(session, by)
    member = standing.find(session, member_id)
    granter.require_beneath(member)
    if member.role is Standing.OWNER:
        raise OwnerStays("An owner can't be suspended: give them another role first.")
    if member.suspended_at is None:
        before = standing.told(member)
        member.suspended_at = clock.now()
        standing.note(session, member, "member.suspended", before=before)
        invitations.revoke_of(session, member.user_id)
        session.flush()
    return get(session, member_id)


def let_back(session: Session, member_id: UUID, *, by: Principal) -> Colleague:
    """Let a suspended member back, with the role that they had.

    Raises:
        NotFound: the organization has no such member.
        OwnStanding: it is about oneself.
        BeyondYourOwn: the member may do more than whoever lets them back.
    """
    granter = granting.enter(session, by)
    member = standing.find(session, member_id)
    granter.require_beneath(member)
    if member.suspended_at is not None:
        before = standing.told(member)
        member.suspended_at = None
        standing.note(session, member, "member.let_back", before=before)
        session.flush()
    return get(session, member_id)


def remove(session: Session, member_id: UUID, *, by: Principal) -> Member:
    """Remove a member. They may come back by an invitation, as somebody new.

    Raises:
        NotFound: the organization has no such member.
        OwnStanding: it is about oneself, who leaves instead.
        BeyondYourOwn: the member may do more than whoever removes them.
        LastOwner: they are the only owner.
    """
    granter = granting.enter(session, by)
    member = standing.find(session, member_id)
    granter.require_beneath(member)
    return _end(session, member, action="member.removed")


def leave(session: Session, *, by: Principal) -> Member:
    """Leave the organization.

    Raises:
        Forbidden: they are no member any more.
        LastOwner: they are the only owner.
    """
    return _end(session, granting.enter(session, by, permission=None).member, action="member.left")


def _end(session: Session, member: Member, *, action: str) -> Member:
    standing.require_another_owner(session, member)
    invitations.revoke_of(session, member.user_id)
    session.delete(member)
    session.flush()
    audit.record(
        session,
        action=action,
        entity="member",
        entity_id=member.id,
        before=standing.told(member),
        after={},
        severity="critical",
    )
    outbox.record(session, MemberLeft(member_id=member.id, version=member.version + 1))
    return member
