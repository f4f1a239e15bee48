"""Purges a store's products that were deleted more than 90 days ago."""

from sqlalchemy.orm import Session

from shared.catalog import purging
from shared.core.functions import Message, consumer


class PurgeDue(Message):
    """A store has products to purge."""


@consumer(purging.QUEUE, batch=1, timeout=60, concurrency=2)
def purge(message: PurgeDue, session: Session) -> None:  # noqa: ARG001 -- the store is the session's
    """Purge one batch; a second message finds what the first left."""
    purging.purge(session)


handler = purge.handler
