"""Roles of the organization's own, over HTTP. Each route is deployed as a Lambda of its own."""

from fastapi import Response

from shared.core.errors import StaleVersion
from shared.core.functions import Api
from shared.core.request import ExpectedVersion, Staff, StoreSession
from shared.core.typeids import RoleId
from shared.organizations import roles
from shared.organizations.granting import BeyondYourOwn, OwnStanding
from shared.organizations.role_schemas import EditRole, NewRole, RoleOut, RolesOut
from shared.organizations.roles import RoleInUse, RoleNameTaken, TooManyRoles

api = Api("organizations", prefix="/api/v1/organization/roles", audience="merchant")

_PERMISSION = "staff.manage"


@api.get("", permission=_PERMISSION, tenant="organization")
def list_roles(session: StoreSession) -> RolesOut:
    """List the four roles that every organization has, and this one's own by name."""
    return RolesOut.of(roles.list_roles(session))


@api.post(
    "",
    status_code=201,
    permission=_PERMISSION,
    tenant="organization",
    step_up=True,
    raises=(BeyondYourOwn, RoleNameTaken, TooManyRoles),
)
def create_role(role: NewRole, session: StoreSession, caller: Staff) -> RoleOut:
    """Make a role of permissions and bundles: none that you lack yourself."""
    return RoleOut.of(roles.create(session, role, by=caller))


@api.get("/{role_id}", permission=_PERMISSION, tenant="organization")
def get_role(role_id: RoleId, session: StoreSession) -> RoleOut:
    """Read one of the organization's own roles."""
    return RoleOut.of(roles.get(session, role_id))


@api.patch(
    "/{role_id}",
    permission=_PERMISSION,
    tenant="organization",
    step_up=True,
    raises=(BeyondYourOwn, OwnStanding, StaleVersion, RoleNameTaken),
)
def edit_role(
    role_id: RoleId, edit: EditRole, session: StoreSession, caller: Staff, expected_version: ExpectedVersion
) -> RoleOut:
    """Change a role, for all who have it, from their next request on. Nobody changes their own."""
    return RoleOut.of(roles.edit(session, role_id, edit, by=caller, expected_version=expected_version))


@api.delete(
    "/{role_id}",
    status_code=204,
    permission=_PERMISSION,
    tenant="organization",
    raises=(BeyondYourOwn, OwnStanding, StaleVersion, RoleInUse),
)
def delete_role(role_id: RoleId, session: StoreSession, caller: Staff, expected_version: ExpectedVersion) -> Response:
    """Delete a role that nobody has or is invited to."""
    roles.remove(session, role_id, by=caller, expected_version=expected_version)
    return Response(status_code=204)


handler = api.lambda_handler()
