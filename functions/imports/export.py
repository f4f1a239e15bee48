"""Carries out exports of products: one store's next one, from its beginning to its end."""

from sqlalchemy.orm import Session

from shared.core.functions import consumer_in_steps
from shared.imports import exporting, kinds
from shared.jobs import dispatching, driving, working
from shared.jobs.driving import JobsDue
from shared.jobs.working import Claim


def claim(_due: JobsDue, session: Session) -> Claim | None:
    """Take the export that waits longest."""
    return working.claim_next(session, kinds.EXPORT)


export = consumer_in_steps(
    dispatching.queue_of(kinds.EXPORT),
    claim=claim,
    work=exporting.export,
    settle=driving.settle,
    batch=1,
    timeout=600,  # seconds; a hundred thousand products take one or two minutes
    receives=3,  # a message that fails here is sent again by the sweep
    concurrency=3,
    memory=1024,
    uses=("uploads",),
)
handler = export.handler
