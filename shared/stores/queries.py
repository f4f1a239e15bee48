"""What other domains ask about the present store."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from shared.core import tenancy
from shared.core.errors import NotFound
from shared.stores.models import Store
from shared.stores.settings import CommerceSettings

_PRESENT = text("""
select s.id, s.slug, s.name, s.currency, s.locale, s.time_zone, s.country, s.settings,
       (select c.publishable_key from credentials c
        where c.store_id = s.id and c.kind = 'pk' and c.revoked_at is null order by c.id limit 1) as publishable_key
from stores s where s.id = :store_id
""")


@dataclass(frozen=True)
class StoreFacts:
    """What a request needs to know of its store."""

    id: UUID
    slug: str
    name: str
    currency: str
    locale: str
    time_zone: str
    country: str
    settings: CommerceSettings
    publishable_key: str | None  # for links to the store's own storefront API; None when all were revoked


def present_store(session: Session) -> StoreFacts:
    """Return the facts of the bound store. One statement, by primary key."""
    row = session.execute(_PRESENT, {"store_id": tenancy.require_store(session)}).one()
    return StoreFacts(
        id=row.id,
        slug=row.slug,
        name=row.name,
        currency=row.currency,
        locale=row.locale,
        time_zone=row.time_zone,
        country=row.country,
        settings=CommerceSettings.model_validate(row.settings),
        publishable_key=row.publishable_key,
    )


def get_store(session: Session) -> Store:
    """Return the bound store's row, to be presented or edited.

    Raises:
        NotFound: it was deleted.
    """
    store_id = tenancy.require_store(session)
    store = session.scalars(select(Store).where(Store.id == store_id, Store.deleted_at.is_(None))).one_or_none()
    if store is None:
        detail = "This store is closed."
        raise NotFound(detail)
    return store


def origin_is_allowed(session: Session, origin: str) -> bool:
    """Tell whether some store allows a browser's origin. A look-up function, by index; says nothing of which store."""
    return bool(session.scalar(text("select lookup.origin_is_allowed(:origin)"), {"origin": origin}))
