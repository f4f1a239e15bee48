"""Carries out imports of products: one store's next one, for as long as a worker has time."""

from datetime import timedelta

from sqlalchemy.orm import Session

from shared.core.functions import consumer_in_steps
from shared.imports import kinds
from shared.jobs import dispatching, driving, working
from shared.jobs.driving import Ending, JobsDue, Way
from shared.jobs.working import Claim

_PERIOD = timedelta(minutes=2)  # of the work; then the next worker goes on


def claim(_due: JobsDue, session: Session) -> Claim | None:
    """Take the import that waits longest; what was lost with its worker is gone on with at its checkpoint."""
    return working.claim_next(session, kinds.IMPORT)


def work(claimed: Claim) -> Ending:
    """Import batch by batch, each with its checkpoint in a transaction of its own."""
    # Half of what this function imports, of which a message that finds nothing to do needs none.
    from shared.imports import products, streaming  # noqa: PLC0415 -- see above

    return driving.drive(claimed, streaming.pieces, products.apply, period=_PERIOD)


def settle(claimed: Claim, ending: Ending, session: Session) -> None:
    """Record how it went, or hand over."""
    from shared.imports import meeting  # noqa: PLC0415 -- as above

    driving.settle(claimed, ending, session)
    if ending.way in (Way.FINISHED, Way.CANCELED, Way.HOPELESS):
        meeting.tidy(session, claimed.job_id)


run = consumer_in_steps(
    dispatching.queue_of(kinds.IMPORT),
    claim=claim,
    work=work,
    settle=settle,
    batch=1,
    timeout=180,  # seconds: the work, the batch in hand, and the settlement
    receives=3,  # a message that fails here is sent again by the sweep
    concurrency=5,  # imports of the whole system at once: shoppers come first at the database
    memory=1024,
    uses=("uploads",),
)
handler = run.handler
