"""What other domains ask about the present store."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
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
    return _facts(*session.execute(_PRESENT, {"store_id": tenancy.require_store(session)}).one())


def ask_for_present_store(session: Session) -> Callable[[], StoreFacts]:
    """Ask for the facts of the bound store along with the session's next statement; call what is returned behind it.

    One statement, and no round trip.
    """
    told: list[StoreFacts] = []
    values = {"store_id": tenancy.require_store(session)}
    tenancy.ask(session, _PRESENT, values, lambda rows: told.extend(_facts(*row) for row in rows))
    return lambda: told[0]


def _facts(  # noqa: PLR0913, PLR0917 -- the columns of `_PRESENT`
    store_id: UUID,
    slug: str,
    name: str,
    currency: str,
    locale: str,
    time_zone: str,
    country: str,
    settings: dict[str, Any],
    publishable_key: str | None,
) -> StoreFacts:
    return StoreFacts(
        id=store_id,
        slug=slug,
        name=name,
        currency=currency,
        locale=locale,
        time_zone=time_zone,
        country=country,
        settings=CommerceSettings.model_validate(settings, extra="ignore"),
        publishable_key=publishable_key,
    )


def name_of_present_store(session: Session) -> str | None:
    """Return the bound store's name; None where the session belongs to a tenant that is no store. One statement."""
    return session.scalars(select(Store.name).where(Store.id == tenancy.require_store(session))).one_or_none()


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
