"""Where pictures come from, and where they are shown: for who names them in a file."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import tenancy
from shared.media import queries
from shared.media.queries import Picture
from shared.media.states import MediaStatus

_ORIGINS = text("""
select id, status, source_url, width, height, renditions from media_assets
where store_id = :store_id and id = any (cast(:ids as uuid[])) and deleted_at is null
""")


@dataclass(frozen=True)
class Origin:
    """One picture: the address that it was fetched from, if it was, and the one at which it is shown, once it is."""

    source_url: str | None
    shown_at: str | None


def origins(session: Session, media_ids: Collection[UUID]) -> dict[UUID, Origin]:
    """Return pictures by id; unknown and deleted ones are absent. One statement."""
    values = {"store_id": tenancy.require_store(session), "ids": list(media_ids)}
    found = {}
    for row in session.execute(_ORIGINS, values):
        picture = Picture(MediaStatus(row.status), row.width, row.height, queries.renditions(row.renditions))
        found[row.id] = Origin(row.source_url, picture.url)
    return found
