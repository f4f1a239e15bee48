"""Opening organizations and stores: the one way by which such a tenant comes into being."""

from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import audit, clock, ids, outbox, tenancy
from shared.core.errors import FieldError, Problem, ValidationFailed
from shared.stores.events import StoreOpened
from shared.stores.models import Organization, Store
from shared.stores.schemas import NewStore, OpenStore

# Two requests for one slug queue up, so the look-up sees the store of whoever was first.
_LOCK = text("select pg_advisory_xact_lock(hashtextextended('slug:' || :slug, 0))")
_LOOK_UP = text("select slug_is_taken, organization_exists from lookup.opening(:slug, cast(:organization_id as uuid))")


class SlugTaken(Problem):
    """Another store has this slug."""

    status = 409
    code = "store_slug_taken"
    title = "Slug taken"


def open_store(session: Session, request: OpenStore) -> Store:
    """Open a store of a new organization, or of the one that `request` names.

    Comes from an unbound session and leaves it bound to the new store. Two requests for one slug queue up: the second
    is refused, not broken. Makes no credentials: see `identity.onboarding`.

    Raises:
        SlugTaken: another store has the slug.
        ValidationFailed: the time zone or the organization does not exist.
    """
    organization_id = request.organization_id
    if organization_id is None:
        organization_id = open_organization(session, request.organization_name or request.name).id
    return open_store_of(session, request, organization_id=organization_id, owner_email=request.owner_email)


def open_organization(session: Session, name: str) -> Organization:
    """Open an organization; leaves the session bound to it. Who owns it: see `organizations.opening`."""
    organization = Organization(id=ids.new_id(), name=name, version=1, created_at=clock.now())
    with tenancy.within(session, organization.id):
        session.add(organization)
    return organization


def open_store_of(session: Session, request: NewStore, *, organization_id: UUID, owner_email: str) -> Store:
    """Open a store of an organization; leaves the session bound to the new store.

    Raises:
        SlugTaken: another store has the slug.
        ValidationFailed: the time zone or the organization does not exist.
    """
    require_time_zone(request.time_zone)
    _require_free(session, request.slug, organization_id)
    now = clock.now()
    store = Store(
        id=ids.new_id(),
        organization_id=organization_id,
        slug=request.slug,
        name=request.name,
        owner_email=owner_email,
        currency=request.currency,
        locale=request.locale,
        time_zone=request.time_zone,
        country=request.country,
        allowed_origins=request.allowed_origins,
        settings=request.settings.model_dump(mode="json"),
        version=1,
        created_at=now,
        updated_at=now,
    )
    with tenancy.within(session, store.id):
        session.add(store)
    audit.record(
        session,
        action="store.opened",
        entity="store",
        entity_id=store.id,
        after={
            "slug": store.slug,
            "name": store.name,
            "currency": store.currency,
            "owner_email": audit.masked(store.owner_email),
        },
        severity="notice",
    )
    outbox.record(session, StoreOpened(store_id=store.id, slug=store.slug, currency=store.currency))
    return store


def _require_free(session: Session, slug: str, organization_id: UUID) -> None:
    session.execute(_LOCK, {"slug": slug})
    found = session.execute(_LOOK_UP, {"slug": slug, "organization_id": organization_id}).one()
    if found.slug_is_taken:
        detail = f"The slug {slug} belongs to another store; choose another."
        raise SlugTaken(detail)
    if not found.organization_exists:
        field = FieldError(pointer="/organization_id", code="unknown_organization", message="There is none of this id.")
        detail = "There is no such organization."
        raise ValidationFailed(detail, errors=[field])


def require_time_zone(name: str) -> None:
    """Refuse a time zone that does not exist.

    Raises:
        ValidationFailed: it is none of the IANA database.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as unknown:
        field = FieldError(pointer="/time_zone", code="unknown_time_zone", message="Not a name of the IANA database.")
        detail = f"There is no time zone {name}."
        raise ValidationFailed(detail, errors=[field]) from unknown
