"""Roles of the organization's own: made, changed and deleted. What changes is told permission by permission."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, func, insert, select
from sqlalchemy.orm import Session

from shared.core import audit, clock, ids, outbox, tenancy
from shared.core.errors import Conflict, FieldError, NotFound, StaleVersion, pointer
from shared.core.principal import Principal
from shared.organizations import granting
from shared.organizations.events import RoleChanged, RoleCreated, RoleDeleted
from shared.organizations.granting import Granter, OwnStanding
from shared.organizations.models import Invitation, Member, Role, RolePermission
from shared.organizations.role_schemas import EditRole, NewRole, all_of

MOST = 100  # roles of an organization


class RoleNameTaken(Conflict):
    """Another role of the organization has this name."""

    code = "role_name_taken"
    title = "Name taken"


class RoleInUse(Conflict):
    """Members have this role, or are invited to it; give them another first."""

    code = "role_in_use"
    title = "Role in use"


class TooManyRoles(Conflict):
    """An organization has a hundred roles of its own at most."""

    code = "too_many_roles"
    title = "Too many roles"


@dataclass(frozen=True)
class RoleWithPermissions:
    """A role, and what it allows: permission -> the amount up to which it goes."""

    role: Role
    grants: Mapping[str, int | None]

    @property
    def version(self) -> int:
        """The role's version."""
        return self.role.version


def list_roles(session: Session) -> list[RoleWithPermissions]:
    """Return the organization's own roles, by name. Two statements."""
    grants: dict[UUID, dict[str, int | None]] = {}
    held = select(RolePermission).where(RolePermission.organization_id == tenancy.require_store(session))
    for one in session.scalars(held):
        grants.setdefault(one.role_id, {})[one.permission] = one.up_to
    found = session.scalars(select(Role).order_by(func.lower(Role.name)).limit(MOST))
    return [RoleWithPermissions(role, grants.get(role.id, {})) for role in found]


def get(session: Session, role_id: UUID) -> RoleWithPermissions:
    """Return one of the organization's own roles.

    Raises:
        NotFound: there is none.
    """
    role = session.scalars(
        select(Role).where(Role.id == role_id), execution_options={"populate_existing": True}
    ).one_or_none()
    if role is None:
        raise NotFound("This organization has no such role.")
    return RoleWithPermissions(role, _grants(session, role_id))


def create(session: Session, new: NewRole, *, by: Principal) -> RoleWithPermissions:
    """Make a role that allows nothing that its maker lacks.

    Raises:
        BeyondYourOwn: its maker lacks some of it, or works in some stores alone.
        RoleNameTaken: another role has the name.
        TooManyRoles: the organization has a hundred.
    """
    granter = granting.enter(session, by)
    granter.require_everywhere()
    grants = all_of(new.permissions, new.bundles)
    granter.require_grants(grants)
    _require_name(session, new.name, but=None)
    if (session.scalar(select(func.count()).select_from(Role)) or 0) >= MOST:
        raise TooManyRoles(f"An organization has {MOST} roles at most; delete one that nobody has.")
    now = clock.now()
    role = Role(id=ids.new_id(), name=new.name, description=new.description, version=1, created_at=now, updated_at=now)
    session.add(role)
    session.flush()
    _write(session, role, grants)
    _note(session, "role.created", role, before=None, after=_told(role, grants), old={}, new=grants)
    outbox.record(session, RoleCreated(role_id=role.id, version=1))
    return RoleWithPermissions(role, grants)


def edit(
    session: Session, role_id: UUID, wanted: EditRole, *, by: Principal, expected_version: int | None
) -> RoleWithPermissions:
    """Change a role, for all who have it, from their next request on. An edit that changes nothing changes nothing.

    Raises:
        NotFound: there is no such role.
        StaleVersion: it has another version than the expected one.
        OwnStanding: it is the role of whoever edits it.
        BeyondYourOwn: the role allows, or would allow, what they lack.
        RoleNameTaken: another role has the name.
    """
    granter = granting.enter(session, by)
    found = _held(session, granter, role_id, expected_version=expected_version)
    role, before = found.role, _told(found.role, found.grants)
    grants = found.grants
    if wanted.permissions is not None or wanted.bundles is not None:
        grants = all_of(wanted.permissions or [], wanted.bundles or [])
        granter.require_grants(grants)
    name = wanted.name if wanted.name is not None else role.name
    description = wanted.description if wanted.description is not None else role.description
    if (name, description, grants) == (role.name, role.description, found.grants):
        return found
    _require_name(session, name, but=role.id)
    role.name, role.description = name, description
    role.version, role.updated_at = role.version + 1, clock.now()
    session.flush()
    _write(session, role, grants)
    _note(session, "role.changed", role, before=before, after=_told(role, grants), old=found.grants, new=grants)
    outbox.record(session, RoleChanged(role_id=role.id, version=role.version))
    return RoleWithPermissions(role, grants)


def remove(session: Session, role_id: UUID, *, by: Principal, expected_version: int | None) -> Role:
    """Delete a role that nobody has or is invited to.

    Raises:
        NotFound: there is no such role.
        StaleVersion: it has another version than the expected one.
        OwnStanding: it is the role of whoever deletes it.
        BeyondYourOwn: it allows what they lack.
        RoleInUse: somebody has it, or is invited to it.
    """
    granter = granting.enter(session, by)
    found = _held(session, granter, role_id, expected_version=expected_version)
    open_ones = Invitation.accepted_at.is_(None) & Invitation.revoked_at.is_(None)
    in_use = (
        select(exists().where(Member.role_id == role_id)),
        select(exists().where(Invitation.role_id == role_id, open_ones, Invitation.expires_at > clock.now())),
    )
    if any(session.scalar(used) for used in in_use):
        raise RoleInUse("Members have this role, or are invited to it: give them another first.")
    role = found.role
    _write(session, role, {})
    session.delete(role)
    session.flush()
    _note(session, "role.deleted", role, before=_told(role, found.grants), after={}, old=found.grants, new={})
    outbox.record(session, RoleDeleted(role_id=role.id, version=role.version + 1))
    return role


def _held(session: Session, granter: Granter, role_id: UUID, *, expected_version: int | None) -> RoleWithPermissions:
    found = get(session, role_id)
    if expected_version is not None and found.role.version != expected_version:
        raise StaleVersion(found.role.version)
    if granter.member.role_id == role_id:
        raise OwnStanding("This is your own role: another member changes it.")
    granter.require_everywhere()
    granter.require_grants(found.grants)
    return found


def _grants(session: Session, role_id: UUID) -> dict[str, int | None]:
    held = select(RolePermission.permission, RolePermission.up_to).where(
        RolePermission.organization_id == tenancy.require_store(session), RolePermission.role_id == role_id
    )
    return {row.permission: row.up_to for row in session.execute(held)}


def _write(session: Session, role: Role, grants: Mapping[str, int | None]) -> None:
    """Let a role allow this and nothing else."""
    owner = tenancy.require_store(session)
    session.execute(
        delete(RolePermission).where(RolePermission.organization_id == owner, RolePermission.role_id == role.id)
    )
    rows = [
        {"organization_id": owner, "role_id": role.id, "permission": code, "up_to": up_to}
        for code, up_to in grants.items()
    ]
    if rows:
        session.execute(insert(RolePermission), rows)


def _require_name(session: Session, name: str, *, but: UUID | None) -> None:
    """Refuse a name that another role has. Whoever calls holds the organization's row, so nobody takes it meanwhile."""
    taken = select(Role.id).where(func.lower(Role.name) == func.lower(name))
    if any(role_id != but for role_id in session.scalars(taken)):
        detail = "Another role has this name; capitals make no difference."
        raise RoleNameTaken(detail, errors=[FieldError(pointer("name"), "role_name_taken", detail)])


def _told(role: Role, grants: Mapping[str, int | None]) -> dict[str, Any]:
    return {"name": role.name, "description": role.description, "permissions": _listed(grants)}


def _listed(grants: Mapping[str, int | None]) -> list[str]:
    """Write grants as the look-ups do: `order.read`, `order.refund=500000`."""
    return sorted(code if up_to is None else f"{code}={up_to}" for code, up_to in grants.items())


def _note(  # noqa: PLR0913 -- what was, what is, and what of it was given and taken
    session: Session,
    action: str,
    role: Role,
    *,
    before: dict[str, Any] | None,
    after: dict[str, Any],
    old: Mapping[str, int | None],
    new: Mapping[str, int | None],
) -> None:
    was, has = set(_listed(old)), set(_listed(new))
    audit.record(
        session,
        action=action,
        entity="role",
        entity_id=role.id,
        before=before,
        after={**after, "granted": sorted(has - was), "revoked": sorted(was - has)},
        severity="critical",
    )
