"""Opening an organization with its first store, and further stores of it.

Whoever opens it owns it. What is recorded of the organization goes into the organization's own history, and what is
recorded of the store into the store's, in one transaction.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from shared.core import audit, clock, ids, outbox, records, tenancy, throttling
from shared.core.principal import Principal
from shared.identity import profiles, tokens
from shared.identity.models import CredentialKind
from shared.organizations import granting, joining
from shared.organizations.events import OrganizationOpened, OrganizationUpdated
from shared.organizations.joining import AddressNotVerified
from shared.organizations.models import Member, Standing
from shared.organizations.schemas import EditOrganization, OpenOrganization
from shared.stores import opening, organizations
from shared.stores.models import Organization, Store
from shared.stores.schemas import NewStore

MOST_A_DAY = 5  # organizations of a person, and further stores of an organization
OPENING = "settings.manage"  # what whoever opens a further store needs


@dataclass(frozen=True)
class Opened:
    """A new store, whose it is, and the key by which its storefront names it."""

    organization: Organization
    store: Store
    publishable_key: str


def open_organization(session: Session, request: OpenOrganization, *, user_id: UUID) -> Opened:
    """Open an organization and its first store; the person owns it. Makes a publishable key, and no secret token.

    Comes from a session that is bound to no tenant, and leaves it bound to the new store.

    Raises:
        AddressNotVerified: nobody has shown that the account's address is theirs.
        TooManyRequests: the person opened five within a day.
        SlugTaken: another store has the slug.
        ValidationFailed: the time zone does not exist.
    """
    person = profiles.read(session, user_id)
    if not person.is_verified:
        raise AddressNotVerified("Show first that your address is yours, by the letter that came when you signed up.")
    throttling.take(user_id, "organizations", str(user_id), most=MOST_A_DAY, within=timedelta(days=1))
    organization = opening.open_organization(session, request.name)
    with tenancy.within(session, organization.id):
        found(session, organization, owner=user_id)
        records.write(session)
    return _open(session, request.store, organization, owner_email=person.email)


def found(session: Session, organization: Organization, *, owner: UUID) -> Member:
    """Make a person the owner of an organization that has nobody yet; the session is bound to it."""
    now = clock.now()
    member = Member(id=ids.new_id(), user_id=owner, role=Standing.OWNER, version=1, joined_at=now, updated_at=now)
    session.add(member)
    audit.record(
        session,
        action="organization.opened",
        entity="organization",
        entity_id=organization.id,
        after={"name": organization.name},
        severity="notice",
    )
    outbox.record(session, OrganizationOpened(organization_id=organization.id))
    joining.note(session, member)
    return member


def open_store(session: Session, request: NewStore, *, by: Principal) -> Opened:
    """Open a further store of the bound organization; leaves the session bound to the new store.

    Raises:
        Forbidden: they lack the permission, since a moment ago.
        BeyondYourOwn: they work in some stores of the organization alone.
        TooManyRequests: the organization opened five within a day.
        SlugTaken: another store has the slug.
        ValidationFailed: the time zone does not exist.
    """
    organization_id = tenancy.require_store(session)
    throttling.take(organization_id, "stores", str(organization_id), most=MOST_A_DAY, within=timedelta(days=1))
    granter = granting.enter(session, by, permission=OPENING)
    granter.require_everywhere()
    organization, person = organizations.get(session), profiles.read(session, granter.member.user_id)
    audit.record(
        session,
        action="organization.store_opened",
        entity="organization",
        entity_id=organization.id,
        after={"slug": request.slug},
        severity="notice",
    )
    records.write(session)
    return _open(session, request, organization, owner_email=person.email)


def edit(session: Session, wanted: EditOrganization, *, by: Principal, expected_version: int | None) -> Organization:
    """Give the organization another name.

    Raises:
        Forbidden: they lack the permission, since a moment ago.
        BeyondYourOwn: they work in some stores of the organization alone.
        StaleVersion: it has another version than the expected one.
    """
    granting.enter(session, by, permission=OPENING).require_everywhere()
    organization, before = organizations.rename(session, wanted.name, expected_version=expected_version)
    if organization.name != before:
        audit.record(
            session,
            action="organization.updated",
            entity="organization",
            entity_id=organization.id,
            before={"name": before},
            after={"name": organization.name},
        )
        outbox.record(session, OrganizationUpdated(organization_id=organization.id, version=organization.version))
    return organization


def _open(session: Session, request: NewStore, organization: Organization, *, owner_email: str) -> Opened:
    store = opening.open_store_of(session, request, organization_id=organization.id, owner_email=owner_email)
    with tenancy.within(session, store.id):
        issued = tokens.issue(session, CredentialKind.PUBLISHABLE, name="Storefront")
    return Opened(organization, store, issued.text)
