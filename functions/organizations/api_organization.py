"""The organization that one is in, over HTTP. Each route is deployed as a Lambda of its own."""

from fastapi import Response

from shared.core.errors import NotFound, StaleVersion, TooManyRequests
from shared.core.functions import Api
from shared.core.request import ExpectedVersion, Staff, StoreSession
from shared.organizations import access_review, members, opening, ownership
from shared.organizations.access_schemas import AccessReviewOut
from shared.organizations.granting import BeyondYourOwn
from shared.organizations.ownership import CannotOwn
from shared.organizations.role_schemas import PermissionsOut
from shared.organizations.schemas import (
    EditOrganization,
    LeftOut,
    MemberOut,
    MemberToPromote,
    OpenedStoreOut,
    OrganizationOut,
)
from shared.organizations.standing import LastOwner
from shared.stores import organizations
from shared.stores.opening import SlugTaken
from shared.stores.schemas import NewStore

api = Api("organizations", prefix="/api/v1/organization", audience="merchant")

_A_MEMBER = "every member may see what they are a member of"


@api.get("", signed_in=_A_MEMBER, tenant="organization")
def get_organization(session: StoreSession) -> OrganizationOut:
    """Read the organization that your session is in."""
    return OrganizationOut.of(organizations.get(session))


@api.patch("", permission="settings.manage", tenant="organization", raises=(BeyondYourOwn, StaleVersion))
def edit_organization(
    edit: EditOrganization, session: StoreSession, caller: Staff, expected_version: ExpectedVersion
) -> OrganizationOut:
    """Give the organization another name."""
    return OrganizationOut.of(opening.edit(session, edit, by=caller, expected_version=expected_version))


@api.post(
    "/stores",
    status_code=201,
    permission="settings.manage",
    tenant="organization",
    raises=(BeyondYourOwn, SlugTaken, TooManyRequests),
)
def open_further_store(store: NewStore, session: StoreSession, caller: Staff) -> OpenedStoreOut:
    """Open a further store. Members who may enter every store may enter it at once."""
    return OpenedStoreOut.of(opening.open_store(session, store, by=caller))


@api.get("/permissions", signed_in=_A_MEMBER, tenant="organization")
def list_permissions() -> PermissionsOut:
    """List all that may be allowed, and the bundles to choose it by."""
    return PermissionsOut.whole()


@api.get("/access-review", permission="audit.view", tenant="organization")
def review_access(session: StoreSession, caller: Staff) -> AccessReviewOut:
    """Say who may do what in which store, since when and by what, and when they were last seen: people and tokens.

    Who works in some stores alone sees what concerns these.
    """
    return AccessReviewOut.of(access_review.review(session, by=caller))


@api.get("/access-review.csv", permission="audit.view", tenant="organization", produces=("text/csv",))
def download_access_review(session: StoreSession, caller: Staff) -> Response:
    """Download the same for a spreadsheet: a line for each permission of each person or token in each store."""
    headers = {"Content-Disposition": 'attachment; filename="access-review.csv"'}
    found = access_review.review(session, by=caller)
    return Response(access_review.as_csv(found), media_type="text/csv", headers=headers)


@api.post("/ownership", permission="admin.superuser", tenant="organization", step_up=True, raises=(CannotOwn, NotFound))
def transfer_ownership(heir: MemberToPromote, session: StoreSession, caller: Staff) -> MemberOut:
    """Make a member the owner, at once; you become an admin. Needs an owner who has just proven that it is them."""
    return MemberOut.of(ownership.transfer(session, heir.member_id, by=caller))


@api.post("/leave", signed_in="whoever joined may leave", tenant="organization", raises=(LastOwner,))
def leave_organization(session: StoreSession, caller: Staff) -> LeftOut:
    """Leave the organization, at once. The last owner can't: make somebody else one first."""
    return LeftOut.of(members.leave(session, by=caller))


handler = api.lambda_handler()
