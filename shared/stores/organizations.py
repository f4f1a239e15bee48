"""The organization that stores belong to: read, renamed, and held while who works for it changes."""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shared.core import clock, tenancy
from shared.core.errors import NotFound, StaleVersion
from shared.stores.models import Organization


def get(session: Session) -> Organization:
    """Return the bound organization.

    Raises:
        NotFound: the session is bound to none.
    """
    return _one(session, tenancy.require_store(session), hold=False)


def hold(session: Session) -> Organization:
    """Return the bound organization, locked until the commit: whoever else would hold it waits.

    Raises:
        NotFound: the session is bound to none.
    """
    return _one(session, tenancy.require_store(session), hold=True)


def rename(session: Session, name: str, *, expected_version: int | None) -> tuple[Organization, str]:
    """Give the bound organization another name; return it, and the name that it had.

    Raises:
        NotFound: the session is bound to none.
        StaleVersion: it has another version than the expected one.
    """
    organization = hold(session)
    before = organization.name
    if expected_version is not None and organization.version != expected_version:
        raise StaleVersion(organization.version)
    if name == before:
        return organization, before
    session.execute(
        update(Organization)
        .where(Organization.id == organization.id)
        .values(name=name, version=Organization.version + 1, updated_at=clock.now())
    )
    session.refresh(organization)
    return organization, before


def _one(session: Session, organization_id: UUID, *, hold: bool) -> Organization:
    wanted = select(Organization).where(Organization.id == organization_id)
    if hold:
        wanted = wanted.with_for_update(key_share=True)
    found = session.scalars(wanted, execution_options={"populate_existing": True}).one_or_none()
    if found is None:
        raise NotFound("There is no such organization.")
    return found
