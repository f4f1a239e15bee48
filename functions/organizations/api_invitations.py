"""Invitations to the organization that one is in, over HTTP. Each route is deployed as a Lambda of its own."""

from typing import Annotated

from fastapi import Depends

from shared.core.errors import TooManyRequests
from shared.core.functions import Api
from shared.core.paging import InvalidListing, ListQuery, Page
from shared.core.request import Staff, StoreSession
from shared.core.typeids import InvitationId
from shared.organizations import invitations
from shared.organizations.granting import BeyondYourOwn
from shared.organizations.invitations import INVITATIONS, AlreadyInvited, AlreadyMember, InvitationClosed
from shared.organizations.schemas import InvitationOut, Invite

api = Api("organizations", prefix="/api/v1/organization/invitations", audience="merchant")

_PERMISSION = "staff.manage"


@api.get("", permission=_PERMISSION, tenant="organization", raises=(InvalidListing,))
def list_invitations(
    query: Annotated[ListQuery, Depends(INVITATIONS.query)], session: StoreSession
) -> Page[InvitationOut]:
    """List whom the organization has invited, the newest first; those that are over as well."""
    found, page, total = invitations.list_invitations(session, query)
    return Page[InvitationOut](data=[InvitationOut.of(one) for one in found], page=page, total=total)


@api.post(
    "",
    status_code=201,
    permission=_PERMISSION,
    tenant="organization",
    step_up=True,
    raises=(BeyondYourOwn, AlreadyInvited, AlreadyMember, TooManyRequests),
)
def invite(invitation: Invite, session: StoreSession, caller: Staff) -> InvitationOut:
    """Ask somebody by mail to join, for seven days: as nothing that you are not yourself.

    The secret is in the letter and nowhere else.
    """
    return InvitationOut.of(invitations.invite(session, invitation, by=caller))


@api.post(
    "/{invitation_id}/resend",
    permission=_PERMISSION,
    tenant="organization",
    step_up=True,
    raises=(BeyondYourOwn, InvitationClosed, TooManyRequests),
)
def resend_invitation(invitation_id: InvitationId, session: StoreSession, caller: Staff) -> InvitationOut:
    """Send the letter again, for seven new days; the one before leads nowhere from then on."""
    return InvitationOut.of(invitations.resend(session, invitation_id, by=caller))


@api.delete(
    "/{invitation_id}",
    permission=_PERMISSION,
    tenant="organization",
    raises=(BeyondYourOwn, InvitationClosed),
)
def revoke_invitation(invitation_id: InvitationId, session: StoreSession, caller: Staff) -> InvitationOut:
    """Take an invitation back before anybody accepts it."""
    return InvitationOut.of(invitations.revoke(session, invitation_id, by=caller))


handler = api.lambda_handler()
