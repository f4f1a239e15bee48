"""Uploading pictures: a row and a form at first, the file from the browser to the object store, then the worker."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.core import audit, clock, ids, outbox, storage
from shared.core.errors import NotFound, StaleVersion
from shared.core.lives import RESTORABLE
from shared.core.storage import Bucket, Form
from shared.media.events import MediaDeleted, MediaUploaded
from shared.media.models import MediaAsset, MediaSource
from shared.media.schemas import NewMedia
from shared.media.states import MediaStatus

FORM_LASTS = timedelta(hours=1)
# A file whose sender forgot to say that it is there is found a little after its form has ended.
GRACE = timedelta(minutes=15)
# The worker is told at once; the sweep, should that get lost.
_UNTIL_SWEPT = timedelta(minutes=2)


def begin(session: Session, new: NewMedia) -> tuple[MediaAsset, Form, datetime]:
    """Make a picture that waits for its file; return it with the form for the file, and when the form ends.

    The form takes one file of this type and of at most this size, and nothing else.
    """
    now = clock.now()
    asset = MediaAsset(
        id=ids.new_id(),
        status=MediaStatus.AWAITING_UPLOAD,
        source=MediaSource.UPLOAD,
        file_name=new.file_name,
        media_type=new.media_type,
        size_bytes=new.size_bytes,
        due_at=now + FORM_LASTS + GRACE,
        created_at=now,
        updated_at=now,
    )
    session.add(asset)
    session.flush()
    audit.record(
        session,
        action="media.created",
        entity="media",
        entity_id=asset.id,
        after={"file_name": new.file_name, "media_type": new.media_type, "size_bytes": new.size_bytes},
    )
    form = storage.objects().presigned_upload(  # computed here, without a call
        Bucket.UPLOADS,
        key(asset.store_id, asset.id),
        media_type=new.media_type,
        most_bytes=new.size_bytes,
        expires=FORM_LASTS,
    )
    return asset, form, now + FORM_LASTS


def finish(session: Session, media_id: UUID) -> MediaAsset:
    """Queue a picture whose file is there. Said again, or of one that is further already, it changes nothing.

    Whether the file is there, and what it is, is for the worker to find out.

    Raises:
        NotFound: there is no such picture.
    """
    asset = locked(session, media_id)
    waiting = asset.status in (MediaStatus.AWAITING_UPLOAD, MediaStatus.FAILED)
    if asset.source != MediaSource.UPLOAD or not waiting:
        return asset
    before, now = asset.status, clock.now()
    asset.status, asset.refusal, asset.attempts = MediaStatus.QUEUED, None, 0
    asset.due_at, asset.updated_at = now + _UNTIL_SWEPT, now
    asset.version += 1
    session.flush()
    audit.record(
        session,
        action="media.uploaded",
        entity="media",
        entity_id=asset.id,
        before={"status": before},
        after={"status": asset.status},
    )
    outbox.record(session, MediaUploaded(media_id=asset.id, version=asset.version))
    return asset


def delete(session: Session, media_id: UUID, *, expected_version: int | None) -> MediaAsset:
    """Delete a picture: nobody is shown it any more. Its files go after 90 days, and its row after them.

    Raises:
        NotFound: there is no such picture, or it was deleted before.
        StaleVersion: it has another version than the expected one.
    """
    asset = locked(session, media_id)
    if expected_version is not None and asset.version != expected_version:
        raise StaleVersion(asset.version)
    now = clock.now()
    asset.deleted_at = asset.updated_at = now
    asset.due_at = now + RESTORABLE
    asset.version += 1
    session.flush()
    audit.record(
        session,
        action="media.deleted",
        entity="media",
        entity_id=asset.id,
        before={"file_name": asset.file_name, "deleted": False},
        after={"file_name": asset.file_name, "deleted": True},
    )
    outbox.record(session, MediaDeleted(media_id=asset.id, version=asset.version))
    return asset


def locked(session: Session, media_id: UUID) -> MediaAsset:
    """Return a picture that is not deleted, locked until the commit.

    Raises:
        NotFound: there is none.
    """
    asset = session.scalars(
        select(MediaAsset)
        .where(MediaAsset.id == media_id, MediaAsset.deleted_at.is_(None))
        .with_for_update(key_share=True),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if asset is None:
        detail = "There is no such picture."
        raise NotFound(detail)
    return asset


def key(store_id: UUID, media_id: UUID) -> str:
    """Return where the file of an upload lies, in the bucket of uploads, until that forgets it."""
    return storage.key_of(store_id, "pictures", media_id.hex)
