"""Accepting an invitation over HTTP. Each route is deployed as a Lambda of its own."""

from shared.core.functions import Api
from shared.core.passwords import PasswordRefused
from shared.core.principal import Principal
from shared.core.request import SignedIn, StoreSession, act_as
from shared.organizations import joining
from shared.organizations.invitations import AlreadyMember
from shared.organizations.joining import (
    AccountExists,
    AddressNotVerified,
    InvitationForAnother,
    InvitationNotFound,
    InvitationOutdated,
)
from shared.organizations.schemas import AcceptInvitation, JoinedOut, SignUpByInvitation

api = Api("organizations", prefix="/api/v1/invitations", audience="merchant")

_REFUSALS = (InvitationNotFound, InvitationOutdated)


@api.post(
    "/accept",
    status_code=201,
    signed_in="whoever was invited may join",
    tenant="none",
    raises=(*_REFUSALS, AddressNotVerified, InvitationForAnother, AlreadyMember),
)
def accept_invitation(acceptance: AcceptInvitation, session: StoreSession, signed_in: SignedIn) -> JoinedOut:
    """Join an organization by the secret of its letter, with the account whose verified address it was sent to."""
    return JoinedOut.of(joining.accept(session, acceptance.token, user_id=signed_in.user_id))


@api.post(
    "/sign-up",
    status_code=201,
    public="whoever was invited may have no account yet, and the letter proves the address",
    tenant="none",
    raises=(*_REFUSALS, AccountExists, PasswordRefused),
)
def sign_up_by_invitation(person: SignUpByInvitation, session: StoreSession) -> JoinedOut:
    """Make an account for the address that an invitation was sent to, and join. Then sign in: POST /session."""
    act_as(Principal(kind="guest", id=""))
    member = joining.sign_up(session, person)
    act_as(Principal(kind="staff", id=str(member.user_id)))
    return JoinedOut.of(member)


handler = api.lambda_handler()
