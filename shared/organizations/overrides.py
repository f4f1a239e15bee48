"""Exceptions to a member's role: one permission more or less, for a reason, and mostly for a time.

A refusal beats whatever grants; one of a kind a member and permission, and setting it again replaces it.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from shared.core import audit, clock, ids, outbox
from shared.core.errors import Conflict, FieldError, NotFound, ValidationFailed, pointer
from shared.core.permissions import PERMISSIONS
from shared.core.principal import Principal
from shared.organizations import granting, standing
from shared.organizations.events import MemberChanged
from shared.organizations.models import Effect, Member, PermissionOverride, Standing
from shared.organizations.permissions import WITH_AMOUNT
from shared.organizations.role_schemas import SetOverride


class OwnerNeedsNone(Conflict):
    """An owner may do everything: there is no exception to that."""

    code = "owner_needs_none"
    title = "No exceptions for owners"


def list_overrides(session: Session, member_id: UUID) -> list[PermissionOverride]:
    """Return a member's exceptions by permission, those that are over as well.

    Raises:
        NotFound: the organization has no such member.
    """
    standing.find(session, member_id)
    held = select(PermissionOverride).where(PermissionOverride.member_id == member_id)
    return list(session.scalars(held.order_by(PermissionOverride.permission)))


def put(
    session: Session, member_id: UUID, permission: str, *, wanted: SetOverride, by: Principal
) -> PermissionOverride:
    """Grant or deny a member one permission, whatever their role says.

    Nobody grants what they lack; and nobody denies it, either: whoever can't do a thing doesn't decide who may.

    Raises:
        NotFound: there is no such member or permission.
        OwnStanding: it is about oneself.
        BeyondYourOwn: the granter lacks the permission, or the member may do more than they.
        OwnerNeedsNone: the member is an owner.
        ValidationFailed: it has ended before it began, or no amount limits this permission.
    """
    _require_known(permission)
    granter = granting.enter(session, by)
    member = standing.find(session, member_id)
    granter.require_beneath(member)
    granter.require_grants({permission: wanted.up_to if wanted.effect is Effect.GRANT else 0})
    _require_sense(permission, wanted)
    if member.role is Standing.OWNER:
        raise OwnerNeedsNone("An owner may do everything; give them another role first.")
    before = _find(session, member_id, permission)
    if before is not None:
        session.delete(before)
        session.flush()
    override = PermissionOverride(
        id=ids.new_id(),
        member_id=member_id,
        permission=permission,
        effect=wanted.effect,
        up_to=wanted.up_to,
        reason=wanted.reason,
        granted_by=granter.member.user_id,
        created_at=clock.now(),
        expires_at=wanted.expires_at,
    )
    session.add(override)
    _note(session, "override.set", member, before=_told(before), after=_told(override))
    session.flush()
    return override


def remove(session: Session, member_id: UUID, permission: str, *, by: Principal) -> None:
    """Take an exception back: the role alone counts again.

    Raises:
        NotFound: there is no such member or permission, or no exception.
        OwnStanding: it is about oneself.
        BeyondYourOwn: the granter lacks the permission, or the member may do more than they.
    """
    _require_known(permission)
    granter = granting.enter(session, by)
    member = standing.find(session, member_id)
    granter.require_beneath(member)
    override = _find(session, member_id, permission)
    if override is None:
        raise NotFound("This member has no exception for this permission.")
    # Without a refusal the role grants again, which is a grant like any other.
    of_role = granting.grants_of(session, member.role, member.role_id)
    granter.require_grants({permission: of_role.get(permission, 0)})
    session.execute(delete(PermissionOverride).where(PermissionOverride.id == override.id))
    _note(session, "override.removed", member, before=_told(override), after={})
    session.flush()


def _find(session: Session, member_id: UUID, permission: str) -> PermissionOverride | None:
    held = select(PermissionOverride).where(
        PermissionOverride.member_id == member_id, PermissionOverride.permission == permission
    )
    return session.scalars(held).one_or_none()


def _require_known(permission: str) -> None:
    if permission not in PERMISSIONS:
        raise NotFound("There is no such permission; GET /organization/permissions lists them.")


def _require_sense(permission: str, wanted: SetOverride) -> None:
    if wanted.up_to is not None and permission not in WITH_AMOUNT:
        error = FieldError(pointer("up_to"), "no_amount", "No money goes out by this permission.")
        raise ValidationFailed("No money goes out by this permission, so no amount limits it.", errors=[error])
    if wanted.expires_at is not None and wanted.expires_at <= clock.now():
        error = FieldError(pointer("expires_at"), "in_the_past", "This moment has passed.")
        raise ValidationFailed("An exception ends after it begins.", errors=[error])


def _told(override: PermissionOverride | None) -> dict[str, Any]:
    if override is None:
        return {}
    return {
        "permission": override.permission,
        "effect": override.effect.value,
        "up_to": override.up_to,
        "reason": override.reason,
        "expires_at": override.expires_at.isoformat() if override.expires_at else None,
    }


def _note(session: Session, action: str, member: Member, *, before: dict[str, Any], after: dict[str, Any]) -> None:
    member.version += 1
    member.updated_at = clock.now()
    audit.record(
        session,
        action=action,
        entity="member",
        entity_id=member.id,
        before=before,
        after=after,
        severity="critical",
    )
    outbox.record(session, MemberChanged(member_id=member.id, version=member.version))
