"""Which queue a kind of job goes to, and which stores have jobs that nobody works on though they are due.

A kind of job has one queue and one consumer, in the domain that knows what it does. A message names the store alone:
which job is next, its rows say.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from shared.core import clock
from shared.jobs.models import Job

QUEUE = "due-jobs"  # of stores that have some
STUCK_AFTER = timedelta(minutes=5)  # past the moment at which a worker should have taken it

_STORES = text("select * from lookup.stores_with_due_jobs(:now, :most)")


def queue_of(kind: str) -> str:
    """Return the name of the queue of a kind: `product_import` is worked on from `product-import-jobs`."""
    return f"{kind.replace('_', '-')}-jobs"


def stores_with_due_jobs(session: Session, most: int) -> list[UUID]:
    """Return the stores of the `most` jobs that are longest due. A look-up function."""
    return list(session.scalars(_STORES, {"now": clock.now(), "most": most}))


def stores_with_stuck_jobs(session: Session, most: int) -> list[UUID]:
    """Return the stores of jobs that nobody took though they were due for minutes. A look-up function."""
    return list(session.scalars(_STORES, {"now": clock.now() - STUCK_AFTER, "most": most}))


def due_kinds(session: Session) -> list[str]:
    """Return the kinds of the store's jobs that are due, each once. One statement."""
    chosen = select(Job.kind).where(Job.due_at <= clock.now()).distinct().order_by(Job.kind)
    return list(session.scalars(chosen))
