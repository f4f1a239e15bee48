"""Counts what shoppers searched in vain."""

from sqlalchemy.orm import Session

from shared.core.functions import Message, consumer
from shared.search import misses


class SearchMissed(Message):
    """Somebody searched and found nothing. The text is normalized, and nobody's own."""

    text: str = ""  # none: nothing to count


@consumer(misses.QUEUE, timeout=30, concurrency=2)  # no hurry, and a flood of nonsense keeps nobody waiting
def count_misses(message: SearchMissed, session: Session) -> None:
    """Count it."""
    misses.count(session, message.text)


handler = count_misses.handler
