"""Working on a job: claim it, advance it batch by batch, and end it.

A claim numbers its worker and takes a lease that each advance renews. Whoever dies with it is followed by the next when
the lease is over, at the checkpoint of the last batch that was committed. A worker that was only slow finds another
number in the row: what it writes is refused, and its transaction with it. A worker that gets no further is followed
after 15 seconds, 30, and so on, five times in all; then the job has failed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from shared.core import audit, clock, outbox, tenancy
from shared.jobs.events import JobFinished, JobQueued
from shared.jobs.models import Job
from shared.jobs.opening import GRACE, locked
from shared.jobs.states import JOB, JobStatus

LEASE = timedelta(seconds=90)  # longer than the longest batch
ATTEMPTS = 5  # workers in a row that got no further
_FIRST_PAUSE = timedelta(seconds=15)

_ADVANCE = text("""
update jobs set checkpoint = :checkpoint, counts = :counts, done = :done, total = :total, attempts = 0,
                due_at = :due_at, updated_at = :now, version = version + 1
where store_id = :store_id and id = :job_id and claims = :claims and status = 'running'
returning cancel_wanted
""").bindparams(bindparam("checkpoint", type_=JSONB), bindparam("counts", type_=JSONB))


class LeaseLost(RuntimeError):
    """Another worker has the job, or it is over: what this one did in its transaction must not stand."""


@dataclass(frozen=True)
class Claim:
    """A job in the hands of one worker, as the last advance left it."""

    store_id: UUID
    job_id: UUID
    kind: str
    params: Mapping[str, Any]
    number: int  # of this worker among those that had the job
    checkpoint: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    counts: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    done: int = 0
    total: int | None = None


@dataclass(frozen=True)
class Progress:
    """What one batch came to: where the next begins, and how much there was of what.

    `counts` are added to the job's. `done` and `total` are in units of the kind's own choice, such as bytes of a file.
    """

    checkpoint: Mapping[str, Any]
    counts: Mapping[str, int]
    done: int
    total: int | None = None


def claim_next(session: Session, kind: str) -> Claim | None:
    """Take the store's job of a kind that waits longest; None when none waits, or every one is in somebody's hands.

    A job that was to be canceled, or that has been in vain too often, ends here instead.
    """
    now = clock.now()
    waiting = (
        select(Job)
        .where(
            Job.kind == kind,
            (Job.due_at <= now) | ((Job.status == JobStatus.QUEUED) & (Job.attempts == 0)),
        )
        .order_by(Job.due_at, Job.id)
        .with_for_update(skip_locked=True)
    )
    for job in session.scalars(waiting):
        if job.status == JobStatus.AWAITING_UPLOAD:
            end(session, job, JobStatus.FAILED, failure="Nothing was uploaded within a day.")
        elif job.cancel_wanted:
            end(session, job, JobStatus.CANCELED)
        elif job.attempts >= ATTEMPTS:
            end(session, job, JobStatus.FAILED, failure="Its workers were lost, again and again, at the same place.")
        else:
            return _claimed(session, job)
    return None


def advance(session: Session, claim: Claim, progress: Progress) -> tuple[Claim, bool]:
    """Record a batch in the transaction that did it; return the job as it is now, and whether to go on.

    The last statement of the batch's transaction, since it locks the job's row, which others read and cancel.

    Raises:
        LeaseLost: another worker has the job; this transaction must be rolled back.
    """
    now = clock.now()
    counts = {**claim.counts}
    for name, more in progress.counts.items():
        counts[name] = counts.get(name, 0) + more
    after = replace(
        claim,
        checkpoint=dict(progress.checkpoint),
        counts=counts,
        done=progress.done,
        total=claim.total if progress.total is None else progress.total,
    )
    values = {
        "store_id": tenancy.require_store(session),
        "job_id": claim.job_id,
        "claims": claim.number,
        "checkpoint": after.checkpoint,
        "counts": counts,
        "done": after.done,
        "total": after.total,
        "now": now,
        "due_at": now + LEASE,
    }
    row = session.execute(_ADVANCE, values).one_or_none()
    if row is None:
        message = f"Job {claim.job_id} has another worker than number {claim.number}."
        raise LeaseLost(message)
    return after, not row.cancel_wanted


def hand_over(session: Session, claim: Claim) -> None:
    """Put the job back into its queue, to be gone on with at once: this worker's time is up."""
    job = _held(session, claim)
    if job is None:
        return
    if job.cancel_wanted:
        end(session, job, JobStatus.CANCELED)
        return
    _back_into_the_queue(session, job, pause=GRACE)
    outbox.record(session, JobQueued(job_id=job.id, version=job.version, kind=job.kind))


def try_later(session: Session, claim: Claim, reason: str) -> None:
    """Put the job back into its queue for a while after something went wrong; the last time, it has failed.

    `reason` is for its merchant: nothing internal.
    """
    job = _held(session, claim)
    if job is None:
        return
    if job.attempts >= ATTEMPTS:
        end(session, job, JobStatus.FAILED, failure=reason)
        return
    pause: timedelta = _FIRST_PAUSE * 2 ** max(job.attempts - 1, 0)
    _back_into_the_queue(session, job, pause=pause)


def finish(session: Session, claim: Claim, *, result: Mapping[str, Any] | None = None) -> None:
    """End a job that came to its end. `result` says what it made, as plain JSON."""
    job = _held(session, claim)
    if job is not None:
        job.result = dict(result or {})
        end(session, job, JobStatus.SUCCEEDED)


def fail(session: Session, claim: Claim, reason: str) -> None:
    """End a job that cannot go on, now or ever; `reason` is for its merchant."""
    job = _held(session, claim)
    if job is not None:
        end(session, job, JobStatus.FAILED, failure=reason)


def obey(session: Session, claim: Claim) -> None:
    """End a job that was to be canceled: what it did stays done."""
    job = _held(session, claim)
    if job is not None:
        end(session, job, JobStatus.CANCELED)


def end(session: Session, job: Job, status: JobStatus, *, failure: str | None = None) -> None:
    """Bring a locked job to its end; nothing follows it."""
    JOB.require(job.status, status)
    before, now = job.status, clock.now()
    job.status, job.failure, job.due_at = status, failure, None
    job.finished_at, job.updated_at, job.version = now, now, job.version + 1
    session.flush()
    audit.record(
        session,
        action=f"job.{status}",
        entity="job",
        entity_id=job.id,
        before={"status": before},
        after={"status": status, "counts": job.counts, "failure": failure},
    )
    outbox.record(session, JobFinished(job_id=job.id, version=job.version, kind=job.kind, status=status))


def _claimed(session: Session, job: Job) -> Claim:
    now = clock.now()
    JOB.require(job.status, JobStatus.RUNNING)
    job.status, job.due_at, job.updated_at, job.version = JobStatus.RUNNING, now + LEASE, now, job.version + 1
    job.attempts, job.claims, job.started_at = job.attempts + 1, job.claims + 1, job.started_at or now
    session.flush()
    return Claim(
        store_id=job.store_id,
        job_id=job.id,
        kind=job.kind,
        params=dict(job.params),
        number=job.claims,
        checkpoint=dict(job.checkpoint),
        counts=dict(job.counts),
        done=job.done,
        total=job.total,
    )


def _held(session: Session, claim: Claim) -> Job | None:
    """Return the job, locked, if this worker still has it: a settlement that comes too late changes nothing."""
    job = locked(session, claim.job_id)
    return job if job.status == JobStatus.RUNNING and job.claims == claim.number else None


def _back_into_the_queue(session: Session, job: Job, *, pause: timedelta) -> None:
    JOB.require(job.status, JobStatus.QUEUED)
    now = clock.now()
    job.status, job.due_at, job.updated_at, job.version = JobStatus.QUEUED, now + pause, now, job.version + 1
    session.flush()
