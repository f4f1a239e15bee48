"""Members of the organization that one is in, over HTTP. Each route is deployed as a Lambda of its own."""

from typing import Annotated

from fastapi import Depends, Response

from shared.core.errors import StaleVersion
from shared.core.functions import Api
from shared.core.paging import InvalidListing, ListQuery, Page
from shared.core.request import ExpectedVersion, Staff, StoreSession
from shared.core.typeids import MemberId
from shared.organizations import members, overrides
from shared.organizations.granting import BeyondYourOwn, OwnStanding
from shared.organizations.members import MEMBERS, OwnerStays
from shared.organizations.overrides import OwnerNeedsNone
from shared.organizations.role_schemas import OverrideOut, OverridesOut, SetOverride
from shared.organizations.schemas import ChangeMember, LeftOut, MemberOut
from shared.organizations.standing import LastOwner

api = Api("organizations", prefix="/api/v1/organization/members", audience="merchant")

_PERMISSION = "staff.manage"
_REFUSALS = (BeyondYourOwn, OwnStanding)


@api.get("", permission=_PERMISSION, tenant="organization", raises=(InvalidListing,))
def list_members(query: Annotated[ListQuery, Depends(MEMBERS.query)], session: StoreSession) -> Page[MemberOut]:
    """List who works for the organization."""
    found, page, total = members.list_members(session, query)
    return Page[MemberOut](data=[MemberOut.of(one) for one in found], page=page, total=total)


@api.get("/{member_id}", permission=_PERMISSION, tenant="organization")
def get_member(member_id: MemberId, session: StoreSession) -> MemberOut:
    """Read one member."""
    return MemberOut.of(members.get(session, member_id))


@api.patch(
    "/{member_id}",
    permission=_PERMISSION,
    tenant="organization",
    step_up=True,
    raises=(*_REFUSALS, StaleVersion, LastOwner, OwnerStays),
)
def change_member(
    member_id: MemberId,
    change: ChangeMember,
    session: StoreSession,
    caller: Staff,
    expected_version: ExpectedVersion,
) -> MemberOut:
    """Give a member another role, or other stores: no more than you have yourself. It holds from their next request."""
    return MemberOut.of(members.change(session, member_id, change, by=caller, expected_version=expected_version))


@api.post("/{member_id}/suspend", permission=_PERMISSION, tenant="organization", raises=(*_REFUSALS, OwnerStays))
def suspend_member(member_id: MemberId, session: StoreSession, caller: Staff) -> MemberOut:
    """Keep a member out until they are let back. Their sessions and tokens open nothing here from then on."""
    return MemberOut.of(members.suspend(session, member_id, by=caller))


@api.post("/{member_id}/let-back", permission=_PERMISSION, tenant="organization", step_up=True, raises=_REFUSALS)
def let_member_back(member_id: MemberId, session: StoreSession, caller: Staff) -> MemberOut:
    """Let a suspended member back, with the role that they had."""
    return MemberOut.of(members.let_back(session, member_id, by=caller))


@api.delete("/{member_id}", permission=_PERMISSION, tenant="organization", raises=(*_REFUSALS, LastOwner))
def remove_member(member_id: MemberId, session: StoreSession, caller: Staff) -> LeftOut:
    """Remove a member. Their sessions and tokens open nothing here from then on."""
    return LeftOut.of(members.remove(session, member_id, by=caller))


@api.get("/{member_id}/overrides", permission=_PERMISSION, tenant="organization")
def list_overrides(member_id: MemberId, session: StoreSession) -> OverridesOut:
    """List a member's exceptions to their role, those that are over as well."""
    return OverridesOut(data=[OverrideOut.of(one) for one in overrides.list_overrides(session, member_id)])


@api.put(
    "/{member_id}/overrides/{permission}",
    permission=_PERMISSION,
    tenant="organization",
    step_up=True,
    raises=(*_REFUSALS, OwnerNeedsNone),
)
def set_override(
    member_id: MemberId, permission: str, override: SetOverride, session: StoreSession, caller: Staff
) -> OverrideOut:
    """Grant or deny a member one permission, whatever their role says, for a reason and mostly for a time."""
    return OverrideOut.of(overrides.put(session, member_id, permission, wanted=override, by=caller))


@api.delete(
    "/{member_id}/overrides/{permission}",
    status_code=204,
    permission=_PERMISSION,
    tenant="organization",
    step_up=True,
    raises=_REFUSALS,
)
def remove_override(member_id: MemberId, permission: str, session: StoreSession, caller: Staff) -> Response:
    """Take an exception back: the role alone counts again."""
    overrides.remove(session, member_id, permission, by=caller)
    return Response(status_code=204)


handler = api.lambda_handler()
