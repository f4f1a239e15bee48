"""Has the edge forget what a changed store, category, brand, label or attribute was shown in."""

from sqlalchemy.orm import Session

from shared.core.functions import consumer
from shared.core.outbox import DomainEvent
from shared.search import invalidation, outdating


@consumer("edge-outdating", events=outdating.EVENTS, timeout=30, uses=("queues",))
def outdate(event: DomainEvent, session: Session) -> None:
    """Write down the tags that the change takes back. Products write theirs when their summaries are refreshed."""
    invalidation.outdate(session, outdating.tags_of(session, event))


handler = outdate.handler
