"""What other domains, and the merchant, read of pictures."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from shared.core import storage, tenancy
from shared.core.errors import NotFound
from shared.core.keysets import Operator
from shared.core.paging import Filter, Listing, ListQuery, PageInfo
from shared.media.models import MediaAsset, MediaSource
from shared.media.states import MediaStatus

_MEDIA_TYPES = {"avif": "image/avif", "webp": "image/webp", "jpeg": "image/jpeg"}  # the best first
_MAIN = 1024  # pixels; the width of the picture for who reads no `sources`, or the next below it
_MOMENT: tuple[Operator, ...] = ("gt", "gte", "lt", "lte")

_PICTURES = text("""
select id, status, width, height, renditions from media_assets
where store_id = :store_id and id = any (cast(:ids as uuid[])) and deleted_at is null
""")

MEDIA_LIST = Listing(
    MediaAsset,
    filters={
        "status": Filter(MediaAsset.status, ("eq", "ne", "in"), accepts=MediaStatus),
        "source": Filter(MediaAsset.source, accepts=MediaSource),
        "created_at": Filter(MediaAsset.created_at, _MOMENT),
    },
    sorts={"created_at": (MediaAsset.created_at,)},
    default_sort="-created_at",
)


@dataclass(frozen=True)
class Rendition:
    """One encoding of a picture."""

    format: str  # avif, webp, jpeg
    width: int  # pixels
    height: int
    bytes: int
    url: str  # never changes what it leads to


@dataclass(frozen=True)
class Picture:
    """A picture as shops show it. Width and height are the original's, upright; None until it was decoded."""

    status: MediaStatus
    width: int | None
    height: int | None
    renditions: tuple[Rendition, ...]  # by width, the smallest first; none unless it is ready

    @property
    def url(self) -> str | None:
        """A JPEG for who reads no `sources`; None unless the picture is ready."""
        main: Rendition | None = None
        for rendition in self.renditions:
            if rendition.format == "jpeg" and (main is None or rendition.width <= _MAIN):
                main = rendition
        return None if main is None else main.url

    def sources(self) -> list[dict[str, str]]:
        """Return what a `<picture>` element lists, the best format first: {"type": ..., "srcset": "URL 160w, ..."}."""
        return [
            {"type": media_type, "srcset": ", ".join(f"{one.url} {one.width}w" for one in found)}
            for name, media_type in _MEDIA_TYPES.items()
            if (found := [rendition for rendition in self.renditions if rendition.format == name])
        ]

    def on_the_wire(self) -> dict[str, Any] | None:
        """Return the JSON of `PictureOut`, for read models that keep it as text; None unless the picture is ready."""
        if self.url is None:
            return None
        return {"url": self.url, "width": self.width, "height": self.height, "sources": self.sources()}


def pictures(session: Session, media_ids: Collection[UUID]) -> dict[UUID, Picture]:
    """Return pictures by id; unknown and deleted ones are absent. One statement."""
    values = {"store_id": tenancy.require_store(session), "ids": list(media_ids)}
    return {
        row.id: Picture(MediaStatus(row.status), row.width, row.height, renditions(row.renditions))
        for row in session.execute(_PICTURES, values)
    }


def renditions(kept: list[dict[str, Any]]) -> tuple[Rendition, ...]:
    """Read the renditions of a row."""
    made = (
        Rendition(one["format"], one["width"], one["height"], one["bytes"], storage.media_url(one["key"]))
        for one in kept
    )
    return tuple(sorted(made, key=lambda rendition: rendition.width))


def of(asset: MediaAsset) -> Picture:
    """Return a row as shops show it."""
    return Picture(MediaStatus(asset.status), asset.width, asset.height, renditions(asset.renditions))


def get_media(session: Session, media_id: UUID) -> MediaAsset:
    """Return a picture that is not deleted.

    Raises:
        NotFound: there is none.
    """
    found = session.scalars(
        select(MediaAsset).where(MediaAsset.id == media_id, MediaAsset.deleted_at.is_(None))
    ).one_or_none()
    if found is None:
        detail = "There is no such picture."
        raise NotFound(detail)
    return found


def list_media(session: Session, query: ListQuery) -> tuple[list[MediaAsset], PageInfo, int | None]:
    """Return one page of the store's pictures. One statement."""
    return MEDIA_LIST.run(session, query, select(MediaAsset).where(MediaAsset.deleted_at.is_(None)))
