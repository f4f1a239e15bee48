"""Keeps what shoppers are shown of a product as the product is."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from shared.core.batches import batch_consumer
from shared.core.outbox import DomainEvent
from shared.search import keeping


@batch_consumer("product-summaries", events=keeping.EVENTS, timeout=60, uses=("queues",))
def refresh(events: Sequence[DomainEvent], session: Session) -> None:
    """Refresh the summaries of the products that these events are about, each once."""
    keeping.follow(session, events)


handler = refresh.handler
