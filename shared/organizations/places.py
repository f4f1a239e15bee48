"""Where a person may go: the organizations that they work for, and the stores of each that they may enter."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from shared.core import tenancy
from shared.organizations.models import Member, Standing
from shared.stores import organizations
from shared.stores.models import Store
from shared.stores.queries import get_store

_MEMBERSHIPS = text("select organization_id, member_id from lookup.memberships(:person)")
_STORES = text("select lookup.enterable_stores(:person, :organization)")


@dataclass(frozen=True)
class Place:
    """An organization that a person works for, what they are there, and the stores that they may enter."""

    organization_id: UUID
    name: str
    member_id: UUID
    role: Standing
    stores: tuple[Store, ...]


def places(session: Session, user_id: UUID) -> list[Place]:
    """Return where a person may go, those who suspended them left out. Leaves the session bound to the person.

    One statement for the person, three an organization and one a store: names lie in each tenant's own rows.
    """
    tenancy.bind(session, user_id)
    found = []
    for membership in session.execute(_MEMBERSHIPS, {"person": user_id}).all():
        organization_id = membership.organization_id
        store_ids = list(session.scalars(_STORES, {"person": user_id, "organization": organization_id}))
        with tenancy.within(session, organization_id):
            name = organizations.get(session).name
            role = session.scalars(select(Member.role).where(Member.id == membership.member_id)).one()
        stores = tuple(_store(session, store_id) for store_id in store_ids)
        found.append(Place(organization_id, name, membership.member_id, role, stores))
        tenancy.bind(session, user_id)
    return found


def _store(session: Session, store_id: UUID) -> Store:
    with tenancy.within(session, store_id):
        return get_store(session)
