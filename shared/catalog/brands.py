"""Brands: whose make products are. A deleted one stays on its products, unseen, and is seen again when restored."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.catalog import edits, pictures, slugs
from shared.catalog.group_events import BrandCreated, BrandDeleted, BrandRestored, BrandUpdated
from shared.catalog.group_schemas import EditBrand, NewBrand
from shared.catalog.models.groups import Brand
from shared.core import audit, clock, ids, outbox
from shared.core.errors import NotFound
from shared.core.keysets import Operator
from shared.core.lives import RESTORABLE
from shared.core.paging import Filter, Listing, ListQuery, PageInfo

_MOMENT: tuple[Operator, ...] = ("gt", "gte", "lt", "lte")

BRANDS = Listing(
    Brand,
    filters={
        "slug": Filter(Brand.slug),
        "updated_at": Filter(Brand.updated_at, _MOMENT),
        "deleted_at": Filter(Brand.deleted_at, ("null", *_MOMENT)),
    },
    sorts={"name": (Brand.name,), "created_at": (Brand.id,)},
    default_sort="name",
    search=lambda words: Brand.name.icontains(words, autoescape=True),
)


def list_brands(session: Session, query: ListQuery) -> tuple[list[Brand], PageInfo, int | None]:
    """Return one page of the brands; deleted ones only when the query asks about `deleted_at`. One statement."""
    base = select(Brand)
    if not any(condition.field == "deleted_at" for condition in query.conditions):
        base = base.where(Brand.deleted_at.is_(None))
    return BRANDS.run(session, query, base)


def get(session: Session, brand_id: UUID) -> Brand:
    """Return a brand that is not deleted.

    Raises:
        NotFound: there is none.
    """
    brand = session.scalars(select(Brand).where(Brand.id == brand_id, Brand.deleted_at.is_(None))).one_or_none()
    if brand is None:
        raise NotFound("There is no such brand.")
    return brand


def create(session: Session, new: NewBrand) -> Brand:
    """Make a brand.

    Raises:
        ValidationFailed: there is no such picture.
        SlugTaken: another brand has the slug.
    """
    pictures.require(session, new.media_id)
    now = clock.now()
    brand = Brand(
        id=ids.new_id(),
        name=new.name,
        slug=new.slug or slugs.free(session, Brand, new.name),
        description=new.description,
        media_id=new.media_id,
        version=1,
        created_at=now,
        updated_at=now,
    )
    with slugs.refusing_taken(session, brand):
        session.add(brand)
    after = {"name": brand.name, "slug": brand.slug}
    audit.record(session, action="brand.created", entity="brand", entity_id=brand.id, after=after)
    outbox.record(session, BrandCreated(brand_id=brand.id, version=1))
    return brand


def edit(session: Session, brand_id: UUID, wanted: EditBrand, *, expected_version: int | None) -> Brand:
    """Change what `wanted` names. An edit that changes nothing leaves version, history and events as they are.

    Raises:
        NotFound: there is no such brand, or it was deleted.
        StaleVersion: it has another version than the expected one.
        ValidationFailed: there is no such picture.
        SlugTaken: another brand has the slug.
    """
    brand = edits.held(session, Brand, brand_id, name="brand", expected_version=expected_version)
    fields = edits.named(wanted, may_be_empty=("media_id",))
    if wanted.media_id != brand.media_id:
        pictures.require(session, wanted.media_id)
    changes = edits.apply(brand, fields)
    if changes is None:
        return brand
    with slugs.refusing_taken(session, brand):
        pass
    audit.record(
        session,
        action="brand.updated",
        entity="brand",
        entity_id=brand.id,
        before=changes.before,
        after=changes.after,
    )
    outbox.record(session, BrandUpdated(brand_id=brand.id, version=brand.version, changed=changes.changed))
    return brand


def delete(session: Session, brand_id: UUID, *, expected_version: int | None) -> Brand:
    """Delete a brand, restorable for 90 days. Its products stay, and are shown without it.

    Raises:
        NotFound: there is no such brand, or it was deleted before.
        StaleVersion: it has another version than the expected one.
    """
    brand = edits.held(session, Brand, brand_id, name="brand", expected_version=expected_version)
    brand.deleted_at = clock.now()
    edits.touch(brand)
    session.flush()
    _note(session, "brand.deleted", brand, deleted=True)
    outbox.record(session, BrandDeleted(brand_id=brand.id, version=brand.version))
    return brand


def restore(session: Session, brand_id: UUID) -> Brand:
    """Bring a deleted brand back; one that is not deleted stays as it is.

    Raises:
        NotFound: there is no such brand, or it was deleted more than 90 days ago.
        SlugTaken: its slug was given to another meanwhile; rename that one first.
    """
    brand = session.scalars(
        select(Brand).where(Brand.id == brand_id).with_for_update(key_share=True),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if brand is None or (brand.deleted_at is not None and brand.deleted_at <= clock.now() - RESTORABLE):
        raise NotFound("There is no such brand, or it was deleted more than 90 days ago.")
    if brand.deleted_at is None:
        return brand
    brand.deleted_at = None
    edits.touch(brand)
    with slugs.refusing_taken(session, brand):
        pass
    _note(session, "brand.restored", brand, deleted=False)
    outbox.record(session, BrandRestored(brand_id=brand.id, version=brand.version))
    return brand


def _note(session: Session, action: str, brand: Brand, *, deleted: bool) -> None:
    before, after = {"deleted": not deleted}, {"deleted": deleted}
    audit.record(session, action=action, entity="brand", entity_id=brand.id, before=before, after=after)
