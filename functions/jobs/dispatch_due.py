"""Brings a store's jobs that are due to the queues of their kinds."""

from uuid import UUID

from sqlalchemy.orm import Session

from shared.core import queues, tenancy
from shared.core.functions import consumer_in_steps
from shared.jobs import dispatching
from shared.jobs.driving import JobsDue

type Told = tuple[UUID, list[str]]


def claim(_due: JobsDue, session: Session) -> Told | None:
    """Say which queues are to be told of the store; a job that somebody has taken meanwhile is not taken twice."""
    kinds = dispatching.due_kinds(session)
    return (tenancy.require_store(session), [dispatching.queue_of(kind) for kind in kinds]) if kinds else None


def send(told: Told) -> None:
    """Tell the queues that the store has jobs for them."""
    store_id, names = told
    for queue in names:
        queues.send(queue, [{"store_id": str(store_id)}])


def settle(_told: Told, _sent: None, _session: Session) -> None:
    """Record nothing: what is lost here is found by the next sweep."""


dispatch_due = consumer_in_steps(
    dispatching.QUEUE,
    claim=claim,
    work=send,
    settle=settle,
    batch=10,
    timeout=60,
    receives=3,
    uses=("queues",),
)
handler = dispatch_due.handler
