"""Begins to go through the products that show something which changed: a brand, a category, a label, an attribute."""

from sqlalchemy.orm import Session

from shared.core import context, queues
from shared.core.functions import consumer_in_steps
from shared.core.outbox import DomainEvent
from shared.search import keeping
from shared.search.keeping import Stretch


def begin(event: DomainEvent, session: Session) -> Stretch | None:
    """Refresh the first chunk; return what is left."""
    stretch = keeping.stretch_of(event)
    return None if stretch is None else keeping.go_through(session, stretch)


def ask_for_the_rest(left: Stretch) -> None:
    """Send what is left round."""
    queues.send(keeping.QUEUE, [{"store_id": str(context.current().store_id), **left.message()}])


def leave(left: Stretch, _sent: None, session: Session) -> None:
    """Settle nothing: a chunk that is gone through twice comes to the same."""


spread = consumer_in_steps(
    "summaries-of-groups",
    claim=begin,
    work=ask_for_the_rest,
    settle=leave,
    events=keeping.GROUP_EVENTS,
    batch=1,  # each is a chunk of products
    timeout=60,
    memory=1024,  # MB; each of a chunk's products may have 2,000 variants
    concurrency=2,
    uses=("queues",),
)
handler = spread.handler
