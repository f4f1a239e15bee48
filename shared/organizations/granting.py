"""Who may give what to whom: nobody more than they have, nobody to themselves, and nobody above them.

Whoever changes what people may do goes through `Granter`. It holds the organization's row from the first moment, so
two who change the same organization's people do so one after the other, and it asks only then what its caller may do:
who was demoted a moment ago grants nothing any more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from shared.core import clock, tenancy
from shared.core.errors import FieldError, Forbidden, ValidationFailed, pointer
from shared.core.permissions import STANDARD, SUPERUSER
from shared.core.principal import Principal, read_limits
from shared.organizations.models import Effect, Member, PermissionOverride, Role, RolePermission, Standing
from shared.stores import organizations

type Grants = Mapping[str, int | None]  # permission -> the amount up to which it goes; None where it has no limit

_STORES = text("select lookup.stores_of_organization(:organization_id)")
_ACCESS = text("select permissions, limits from lookup.access_of_organization(:organization_id, :user_id, :now)")

MANAGING = "staff.manage"


class BeyondYourOwn(Forbidden):
    """You can't grant, or take from somebody, what you may not do yourself; `lacking` says what that is."""

    code = "beyond_your_own"
    title = "More than you may do yourself"


class OwnStanding(Forbidden):
    """Nobody changes what they may do themselves."""

    code = "own_standing"
    title = "This is about yourself"


@dataclass(frozen=True)
class Granter:
    """Who acts: what they may do now, and what they are in the organization."""

    session: Session
    principal: Principal
    member: Member

    def require_grants(self, grants: Grants) -> None:
        """Refuse to give what the granter lacks, or further than it goes for them.

        Raises:
            BeyondYourOwn: they lack some of it.
        """
        lacking = sorted(code for code, up_to in grants.items() if not self._holds(code, up_to))
        if lacking:
            raise BeyondYourOwn(f"You lack this yourself, or so much of it: {', '.join(lacking)}.", lacking=lacking)

    def require_role(self, role: Standing, role_id: UUID | None) -> None:
        """Refuse to give a role that allows what the granter lacks. Owners are made by owners alone.

        Raises:
            BeyondYourOwn: they lack some of it.
            ValidationFailed: the organization has no such role.
        """
        if role is Standing.OWNER and self.member.role is not Standing.OWNER:
            raise BeyondYourOwn("Only an owner makes somebody an owner.", lacking=[])
        self.require_grants(grants_of(self.session, role, role_id))

    def require_beneath(self, member: Member) -> None:
        """Refuse to touch oneself, an owner (but as one), or somebody who may do more or elsewhere.

        Raises:
            OwnStanding: it is the granter.
            BeyondYourOwn: the member may do what the granter may not, or works in other stores, too.
        """
        if member.id == self.member.id:
            raise OwnStanding("Nobody changes what they may do themselves; ask another member.")
        if member.role is Standing.OWNER and self.member.role is not Standing.OWNER:
            raise BeyondYourOwn("Only an owner touches an owner.", lacking=[])
        self.require_grants(powers(self.session, member))
        self.require_stores(member.store_ids)

    def require_stores(self, store_ids: Iterable[UUID] | None) -> None:
        """Refuse stores that the granter has no place in, or that are not the organization's. None is all of them.

        Raises:
            BeyondYourOwn: the granter works in some stores alone, and not in all of these.
            ValidationFailed: the organization has no such store.
        """
        own = self.member.store_ids
        if own is not None and (store_ids is None or not set(store_ids) <= set(own)):
            raise BeyondYourOwn("You work in some stores alone, and can let nobody into others.", lacking=[])
        if store_ids is not None:
            self._require_known(list(store_ids))

    def require_everywhere(self) -> None:
        """Refuse what concerns every store of the organization to who works in some of them.

        Raises:
            BeyondYourOwn: the granter works in some stores alone.
        """
        if self.member.store_ids is not None:
            raise BeyondYourOwn("This concerns every store, and you work in some of them alone.", lacking=[])

    def _holds(self, code: str, up_to: int | None) -> bool:
        if not self.principal.may(code):
            return False
        if code == SUPERUSER and self.principal.limits:
            return False  # it would contain without a limit what the granter has with one
        limit = self.principal.limit(code)
        return limit is None or (up_to is not None and up_to <= limit)

    def _require_known(self, store_ids: list[UUID]) -> None:
        known = set(self.session.scalars(_STORES, {"organization_id": self.member.organization_id}))
        errors = [
            FieldError(pointer("store_ids", place), "unknown_store", "The organization has no such store.")
            for place, store_id in enumerate(store_ids)
            if store_id not in known
        ]
        if errors:
            raise ValidationFailed("The organization has no such store.", errors=errors)


def enter(session: Session, principal: Principal, *, permission: str | None = MANAGING) -> Granter:
    """Hold the organization until the commit, and return who acts, with what they may do now. Three statements.

    `permission`: what they need for it; none for who leaves.

    Raises:
        Forbidden: they are no member any more, or lack the permission, since a moment ago.
    """
    organizations.hold(session)
    user_id = principal.session.user_id if principal.session is not None else None
    member = session.scalars(
        select(Member).where(Member.user_id == user_id, Member.suspended_at.is_(None)),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if member is None:
        raise Forbidden("You are no member of this organization any more.")
    asked = {"organization_id": member.organization_id, "user_id": user_id, "now": clock.now()}
    [access] = session.execute(_ACCESS, asked)
    present = replace(principal, scopes=frozenset(access.permissions), limits=read_limits(access.limits))
    if permission is not None and not present.may(permission):
        raise Forbidden(f"You lack the permission {permission} since a moment ago.")
    return Granter(session, present, member)


def grants_of(session: Session, role: Standing, role_id: UUID | None) -> dict[str, int | None]:
    """Return what a role allows, standard or of the organization's own.

    Raises:
        ValidationFailed: the organization has no such role.
    """
    if role is not Standing.CUSTOM:
        return dict.fromkeys(STANDARD[role])
    found = session.execute(
        select(RolePermission.permission, RolePermission.up_to).where(
            RolePermission.organization_id == tenancy.require_store(session), RolePermission.role_id == role_id
        )
    ).all()
    if not found and session.scalar(select(Role.id).where(Role.id == role_id)) is None:
        error = FieldError(pointer("role_id"), "unknown_role", "The organization has no such role.")
        raise ValidationFailed("The organization has no such role.", errors=[error])
    return {row.permission: row.up_to for row in found}


def powers(session: Session, member: Member) -> dict[str, int | None]:
    """Return the most that a member may do: their role, and every exception that grants. What is denied stays in it."""
    grants = grants_of(session, member.role, member.role_id)
    granted = select(PermissionOverride.permission, PermissionOverride.up_to).where(
        PermissionOverride.member_id == member.id, PermissionOverride.effect == Effect.GRANT
    )
    for row in session.execute(granted):
        grants[row.permission] = row.up_to
    return grants
