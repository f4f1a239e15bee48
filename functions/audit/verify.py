"""Carries out verifications of audit trails: one tenant's next one, for as long as a worker has time."""

from datetime import timedelta

from sqlalchemy.orm import Session

from shared.audit import checking
from shared.core.functions import consumer_in_steps
from shared.jobs import dispatching, driving, working
from shared.jobs.driving import Ending, JobsDue
from shared.jobs.working import Claim

_PERIOD = timedelta(minutes=2)  # of the work; then the next worker goes on


def claim(_due: JobsDue, session: Session) -> Claim | None:
    """Take the verification that waits longest; one that was lost is gone on with at its checkpoint."""
    return working.claim_next(session, checking.KIND)


def work(claimed: Claim) -> Ending:
    """Verify page by page; what a page found is kept with its checkpoint."""
    return driving.drive(claimed, checking.batches, checking.apply, period=_PERIOD)


verify = consumer_in_steps(
    dispatching.queue_of(checking.KIND),
    claim=claim,
    work=work,
    settle=driving.settle,
    batch=1,
    timeout=180,  # seconds: the work, the page in hand, and the settlement
    receives=3,  # a message that fails here is sent again by the sweep
    concurrency=2,
    memory=1024,  # MB; a page has up to ten thousand entries
    uses=("audit_key", "vault"),
)
handler = verify.handler
