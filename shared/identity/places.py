"""Where a person is at work: in an organization, and in one of its stores. A session is in one place at a time."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import audit, tenancy
from shared.core.errors import NotFound
from shared.core.principal import Session as SignedInSession
from shared.identity import sessions
from shared.identity.sessions import Opened

_ORGANIZATIONS = text("select organization_id from lookup.memberships(:person)")
_STORES = text("select lookup.enterable_stores(:person, :organization)")


class Place(NamedTuple):
    """An organization, and a store of it where one was entered."""

    organization_id: UUID | None = None
    store_id: UUID | None = None


def only_place(session: Session) -> Place:
    """Return the one place where the bound person works; where there are several, they choose. Two look-ups."""
    organizations = _organizations(session)
    if len(organizations) != 1:
        return Place()
    stores = _stores(session, organizations[0])
    return Place(organizations[0], stores[0] if len(stores) == 1 else None)


def enter(session: Session, signed_in: SignedInSession, place: Place) -> Opened:
    """Put a session of the bound person into a place, or out of all; it gets another token.

    Whether they may be there is asked again at each request, so who is removed is out at once.

    Raises:
        NotFound: they do not work there.
        Unauthenticated: the session has ended in the meantime.
    """
    if place.organization_id is not None and place.organization_id not in _organizations(session):
        raise NotFound("You work for no such organization.")
    if place.store_id is not None and (
        place.organization_id is None or place.store_id not in _stores(session, place.organization_id)
    ):
        raise NotFound("You may enter no such store of this organization.")
    entered = sessions.rotate(
        session, signed_in, organization_id=place.organization_id, entered_store_id=place.store_id
    )
    audit.record(
        session,
        action="session.place_entered",
        entity="session",
        entity_id=signed_in.id,
        before=_told(Place(signed_in.organization_id, signed_in.store_id)),
        after=_told(place),
    )
    return entered


def _organizations(session: Session) -> list[UUID]:
    return list(session.scalars(_ORGANIZATIONS, {"person": tenancy.require_store(session)}))


def _stores(session: Session, organization_id: UUID) -> list[UUID]:
    values = {"person": tenancy.require_store(session), "organization": organization_id}
    return list(session.scalars(_STORES, values))


def _told(place: Place) -> dict[str, str | None]:
    return {
        "organization_id": str(place.organization_id) if place.organization_id else None,
        "store_id": str(place.store_id) if place.store_id else None,
    }
