"""What several acts on a member share: finding them, noting what changed, and the last owner, who can't go."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from shared.core import audit, clock, ids, outbox
from shared.core.errors import NotFound, Problem, StaleVersion
from shared.organizations.events import MemberChanged
from shared.organizations.models import Member, PermissionOverride, Standing


class LastOwner(Problem):
    """An organization has an owner: the last one can't leave, be removed, or become something else."""

    status = 409
    code = "last_owner"
    title = "The last owner"


def find(session: Session, member_id: UUID, *, expected_version: int | None = None) -> Member:
    """Return a member, as they are at present.

    Raises:
        NotFound: the organization has no such member.
        StaleVersion: they have another version than the expected one.
    """
    member = session.scalars(
        select(Member).where(Member.id == member_id), execution_options={"populate_existing": True}
    ).one_or_none()
    if member is None:
        raise NotFound("This organization has no such member.")
    if expected_version is not None and member.version != expected_version:
        raise StaleVersion(member.version)
    return member


def require_another_owner(session: Session, member: Member) -> None:
    """Refuse what would leave the organization without an owner. Whoever calls holds the organization's row.

    Raises:
        LastOwner: the member is the only one.
    """
    if member.role is not Standing.OWNER:
        return
    others = select(func.count()).select_from(Member).where(Member.role == Standing.OWNER, Member.id != member.id)
    if not session.scalar(others):
        raise LastOwner("An organization needs an owner: make somebody else one first.")


def give_role(
    session: Session, member: Member, role: Standing, *, role_id: UUID | None, store_ids: list[UUID] | None
) -> None:
    """Give a member a role and stores. An owner enters every store and has no exceptions: theirs go."""
    if (role, role_id) != (member.role, member.role_id):
        member.role, member.role_id, member.role_given_at = role, role_id, clock.now()
    member.store_ids = store_ids
    if role is Standing.OWNER:
        member.store_ids = None
        session.execute(delete(PermissionOverride).where(PermissionOverride.member_id == member.id))


def told(member: Member) -> dict[str, Any]:
    """Return what an audit entry says of a member."""
    return {
        "role": member.role.value,
        "role_id": ids.encode("role", member.role_id) if member.role_id else None,
        "store_ids": [ids.encode("store", one) for one in member.store_ids] if member.store_ids is not None else None,
        "suspended": member.suspended_at is not None,
    }


def note(session: Session, member: Member, action: str, *, before: Mapping[str, Any]) -> None:
    """Give a member their next version, and record what they were before and are now."""
    member.version += 1
    member.updated_at = clock.now()
    audit.record(
        session,
        action=action,
        entity="member",
        entity_id=member.id,
        before=before,
        after=told(member),
        severity="critical",
    )
    outbox.record(session, MemberChanged(member_id=member.id, version=member.version))
