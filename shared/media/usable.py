"""Which pictures others may show: those that are ready, and those that may still become so."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.media.models import MediaAsset
from shared.media.states import MediaStatus

_NEVER_SHOWN = (MediaStatus.REFUSED, MediaStatus.FAILED)


def usable(session: Session, media_ids: Collection[UUID]) -> set[UUID]:
    """Return those of the ids that are pictures of the store, not deleted, refused or failed. One statement."""
    wanted = select(MediaAsset.id).where(
        MediaAsset.id.in_(media_ids),
        MediaAsset.deleted_at.is_(None),
        MediaAsset.status.not_in(_NEVER_SHOWN),
    )
    return set(session.scalars(wanted))
