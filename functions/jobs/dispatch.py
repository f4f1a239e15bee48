"""Brings a job that was queued to the queue of its kind."""

from uuid import UUID

from sqlalchemy.orm import Session

from shared.core import queues, tenancy
from shared.core.functions import consumer_in_steps
from shared.jobs import dispatching
from shared.jobs.events import JobQueued

type Told = tuple[UUID, str]


def claim(event: JobQueued, session: Session) -> Told:
    """Say which queue is to be told of which store; the row decides, so telling it twice harms nothing."""
    return tenancy.require_store(session), dispatching.queue_of(event.kind)


def send(told: Told) -> None:
    """Tell the queue that the store has a job for it."""
    store_id, queue = told
    queues.send(queue, [{"store_id": str(store_id)}])


def settle(_told: Told, _sent: None, _session: Session) -> None:
    """Record nothing: what is lost here is found by the sweep."""


dispatch = consumer_in_steps(
    "queued-jobs",
    claim=claim,
    work=send,
    settle=settle,
    events=(JobQueued,),
    batch=10,
    timeout=60,
    receives=3,
    uses=("queues",),
)
handler = dispatch.handler
