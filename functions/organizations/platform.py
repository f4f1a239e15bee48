"""Organizations over HTTP, for platform operators. Each route is deployed as a Lambda of its own."""

from shared.core import tenancy
from shared.core.functions import Api
from shared.core.request import Caller, StoreSession
from shared.core.typeids import OrganizationId
from shared.organizations import invitations
from shared.organizations.invitations import HasMembers
from shared.organizations.schemas import InviteOwner, OwnerInvitedOut

api = Api("organizations", prefix="/api/v1/platform/organizations", audience="platform")


@api.post(
    "/{organization_id}/owner", status_code=201, permission="admin.superuser", tenant="none", raises=(HasMembers,)
)
def invite_first_owner(
    organization_id: OrganizationId, owner: InviteOwner, session: StoreSession, caller: Caller
) -> OwnerInvitedOut:
    """Invite the owner of an organization that was opened here and that nobody works for.

    The invitation is in this answer and nowhere else: hand it over. Again, it replaces the one before.
    """
    with tenancy.within(session, organization_id):
        invitation, token = invitations.invite_owner(session, owner.email, by=caller)
    return OwnerInvitedOut.of(invitation, token)


handler = api.lambda_handler()
