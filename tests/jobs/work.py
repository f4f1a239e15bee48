"""Jobs of no particular kind, for tests: each batch of their work is a number."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from shared.core import clock
from shared.jobs import driving, opening, queries, working
from shared.jobs.driving import Ending
from shared.jobs.models import Job
from shared.jobs.working import Claim, Progress
from tests.factories import StoreUnderTest

KIND = "test_work"
BATCHES = 5


def a_job(store: StoreUnderTest, *, kind: str = KIND, **facts: Any) -> Job:
    """Open a job."""
    with store.session() as session:
        return opening.open_job(session, kind, params={}, by=None, **facts)


def job_of(store: StoreUnderTest, job: Job) -> Job:
    """Read a job again."""
    with store.session() as session:
        return queries.get_job(session, job.id)


def claimed(store: StoreUnderTest, kind: str = KIND) -> Claim | None:
    """Claim the next job, as a worker's first step does."""
    with store.session() as session:
        return working.claim_next(session, kind)


def taken(store: StoreUnderTest, kind: str = KIND) -> Claim:
    """Claim the next job, which there must be."""
    claim = claimed(store, kind)
    assert claim is not None
    return claim


def numbers(claim: Claim) -> Iterator[int]:
    """Yield the batches that are left, by the checkpoint."""
    yield from range(int(claim.checkpoint.get("next", 0)), BATCHES)


def count(_session: Session, _claim: Claim, number: int) -> Progress:
    """Do a batch: count it."""
    return Progress({"next": number + 1}, {"rows": 10}, done=number + 1, total=BATCHES)


def drive(claim: Claim, *, period: timedelta = timedelta(minutes=1), apply: Any = count) -> Ending:
    """Work, as a worker's second step does."""
    return driving.drive(claim, numbers, apply, period=period)


def settle(store: StoreUnderTest, ending: Ending) -> None:
    """Record how it went, as a worker's third step does."""
    with store.session() as session:
        driving.settle(ending.claim, ending, session)


def later(**period: float) -> Any:
    """Freeze the clock at a later moment, for a block."""
    return clock.frozen(clock.now() + timedelta(**period))
