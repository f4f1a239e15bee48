"""Working on pictures in three steps: claim by the row, work outside any transaction, settle by the row.

A claim counts an attempt and takes a lease; whoever dies with it is followed by the next when the lease is over. A
settlement is conditional on that attempt, so one that comes after its lease changes nothing. A server elsewhere that
does not answer is asked again after one minute, four, sixteen and so on, six times in all: about six hours.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from shared.core import clock, outbox, storage
from shared.core.storage import Bucket
from shared.media import uploads, workshop
from shared.media.events import MediaFailed, MediaReady, MediaRefused
from shared.media.models import MediaAsset
from shared.media.refusals import Refusal
from shared.media.states import MEDIA, MediaStatus
from shared.media.workshop import NotHad, Outcome, Ready, Refused, Task, Work

QUEUE = "due-pictures"
BATCH = 4  # pictures of one store in one claim
MOST_BATCHES = 25  # of one store that a sweep asks for
ATTEMPTS = 6
LEASE = timedelta(minutes=10)  # longer than a Lambda that works on pictures lives
_FIRST_PAUSE = timedelta(minutes=1)
_TIME_TO_BEGIN = 150  # seconds; a picture that is not begun by then is left to the next

_STORES = text("select * from lookup.stores_with_due_media(:now, :batch, :most) limit :stores")


@dataclass(frozen=True)
class Removal:
    """The objects of a deleted picture."""

    media_id: UUID
    uploaded: str
    shown: tuple[str, ...]


@dataclass(frozen=True)
class Claimed:
    """Pictures to work on, and deleted ones whose objects are to go."""

    tasks: tuple[Task, ...]
    removals: tuple[Removal, ...] = ()


@dataclass(frozen=True)
class Worked:
    """What became of them, by picture. What is missing was not begun in time."""

    outcomes: Mapping[UUID, Outcome]
    removed: frozenset[UUID] = frozenset()


def claim(session: Session, media_id: UUID) -> Claimed | None:
    """Claim one picture that was just uploaded; None when it is done, in work, or waits for its next try."""
    chosen = (
        select(MediaAsset)
        .where(
            MediaAsset.id == media_id,
            MediaAsset.status == MediaStatus.QUEUED,
            MediaAsset.attempts == 0,
            MediaAsset.deleted_at.is_(None),
        )
        .with_for_update(skip_locked=True, key_share=True)
    )
    return _claimed(session, list(session.scalars(chosen)))


def claim_due(session: Session) -> Claimed | None:
    """Claim the store's pictures that are due, the longest waiting first; None when there are none."""
    chosen = (
        select(MediaAsset)
        .where(MediaAsset.due_at <= clock.now())
        .order_by(MediaAsset.due_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True, key_share=True)
    )
    return _claimed(session, list(session.scalars(chosen)))


def work(claimed: Claimed, *, on_one: Work = workshop.work) -> Worked:
    """Work on what was claimed."""
    end = time.monotonic() + _TIME_TO_BEGIN
    outcomes: dict[UUID, Outcome] = {}
    for task in claimed.tasks:
        if time.monotonic() >= end:
            break
        outcomes[task.media_id] = on_one(task)
    for removal in claimed.removals:
        storage.objects().delete(Bucket.MEDIA, removal.shown)
        storage.objects().delete(Bucket.UPLOADS, [removal.uploaded])
    return Worked(outcomes, frozenset(removal.media_id for removal in claimed.removals))


def settle(session: Session, claimed: Claimed, worked: Worked) -> None:
    """Record what became of the pictures, and when those that could not be had are tried again."""
    attempts = {task.media_id: task.attempt for task in claimed.tasks}
    chosen = (
        select(MediaAsset)
        .where(MediaAsset.id.in_([*attempts, *worked.removed]))
        .order_by(MediaAsset.id)
        .with_for_update(key_share=True)
    )
    for row in session.scalars(chosen):
        if row.id in worked.removed:
            row.renditions, row.due_at, row.updated_at = [], None, clock.now()
        elif row.status == MediaStatus.PROCESSING and row.attempts == attempts[row.id]:
            _record(session, row, worked.outcomes.get(row.id))
        # Otherwise the lease was over, and another worker has it.
    session.flush()


def stores_with_due_media(session: Session, most: int) -> list[UUID]:
    """Return stores that have pictures due: once for each batch of theirs, up to `most` in all. A look-up function."""
    values = {"now": clock.now(), "batch": BATCH, "most": BATCH * MOST_BATCHES, "stores": most}
    return list(session.scalars(_STORES, values))


def _claimed(session: Session, rows: list[MediaAsset]) -> Claimed | None:
    now = clock.now()
    tasks, removals = [], []
    for row in rows:
        if row.deleted_at is not None:
            row.due_at = now + LEASE
            removals.append(_removal(row))
            continue
        MEDIA.require(row.status, MediaStatus.PROCESSING)
        row.status, row.due_at, row.updated_at = MediaStatus.PROCESSING, now + LEASE, now
        if row.attempts >= ATTEMPTS:  # every worker before died with it
            session.flush()
            _end(session, row, MediaStatus.FAILED, reason=Refusal.LOST)
            continue
        row.attempts += 1
        tasks.append(Task(row.store_id, row.id, row.source_url, row.media_type, row.attempts))
    session.flush()
    return Claimed(tuple(tasks), tuple(removals)) if tasks or removals else None


def _removal(row: MediaAsset) -> Removal:
    shown = tuple(rendition["key"] for rendition in row.renditions)
    return Removal(row.id, uploads.key(row.store_id, row.id), shown)


def _record(session: Session, row: MediaAsset, outcome: Outcome | None) -> None:
    match outcome:
        case Ready():
            row.media_type, row.size_bytes, row.digest = outcome.media_type, outcome.size_bytes, outcome.digest
            row.width, row.height, row.renditions = outcome.width, outcome.height, outcome.renditions
            _end(session, row, MediaStatus.READY)
        case Refused(code):
            _end(session, row, MediaStatus.REFUSED, reason=code)
        case NotHad(code, retryable) if not retryable or row.attempts >= ATTEMPTS:
            _end(session, row, MediaStatus.FAILED, reason=code)
        case NotHad(code):
            row.refusal = code  # seen while it waits, and taken back when it is there
            _wait(row, until=_next_try(clock.now(), row.attempts))
        case None:
            row.attempts -= 1
            _wait(row, until=clock.now())


def _wait(row: MediaAsset, *, until: datetime) -> None:
    row.status, row.updated_at = MediaStatus.QUEUED, clock.now()
    if row.deleted_at is None:  # else it is due when its files are to go
        row.due_at = until


def _end(session: Session, row: MediaAsset, status: MediaStatus, *, reason: str = "") -> None:
    MEDIA.require(row.status, status)
    row.status, row.refusal, row.updated_at = status, reason or None, clock.now()
    row.version += 1
    if row.deleted_at is not None:
        return
    row.due_at = None
    match status:
        case MediaStatus.READY:
            outbox.record(session, MediaReady(media_id=row.id, version=row.version))
        case MediaStatus.REFUSED:
            outbox.record(session, MediaRefused(media_id=row.id, version=row.version, reason=reason))
        case _:
            outbox.record(session, MediaFailed(media_id=row.id, version=row.version, reason=reason))


def _next_try(now: datetime, attempts: int) -> datetime:
    pause: int = 4 ** (attempts - 1)
    return now + _FIRST_PAUSE * pause
