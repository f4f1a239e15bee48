"""Checks what a store's shoppers are shown against what is on sale, a chunk a message."""

from uuid import UUID

from sqlalchemy.orm import Session

from shared.core import context, queues
from shared.core.functions import Message, consumer_in_steps
from shared.search import checking
from shared.search.keeping import FIRST


class CheckDue(Message):
    """A store's summaries are to be checked, from one product on."""

    after: UUID = FIRST


def go_through(message: CheckDue, session: Session) -> UUID | None:
    """Check and repair the next chunk; return where the next one begins."""
    return checking.check(session, message.after)


def ask_for_the_rest(after: UUID) -> None:
    """Send the store round again."""
    queues.send(checking.QUEUE, [{"store_id": str(context.current().store_id), "after": str(after)}])


def leave(after: UUID, _sent: None, session: Session) -> None:
    """Settle nothing: a chunk that is checked twice finds nothing the second time."""


check = consumer_in_steps(
    checking.QUEUE,
    claim=go_through,
    work=ask_for_the_rest,
    settle=leave,
    batch=1,  # a store that has much to check keeps no other waiting
    timeout=60,
    memory=1024,  # MB; each of a chunk's products may have 2,000 variants
    concurrency=2,  # it has the whole night, and shoppers the rest of the database
    uses=("queues",),
)
handler = check.handler
