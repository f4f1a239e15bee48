"""Goes on through the products that show something which changed, a chunk a message."""

from uuid import UUID

from sqlalchemy.orm import Session

from shared.core import context, queues
from shared.core.functions import Message, consumer_in_steps
from shared.search import keeping
from shared.search.keeping import FIRST, Kind, Stretch


class StretchDue(Message):
    """Products are to be refreshed from one on; all of the store's, unless it says which."""

    kind: Kind = "all"
    subject: UUID = FIRST
    after: UUID = FIRST


def go_through(message: StretchDue, session: Session) -> Stretch | None:
    """Refresh the next chunk; return what is left."""
    return keeping.go_through(session, Stretch(message.kind, message.subject, message.after))


def ask_for_the_rest(left: Stretch) -> None:
    """Send what is left round."""
    queues.send(keeping.QUEUE, [{"store_id": str(context.current().store_id), **left.message()}])


def leave(left: Stretch, _sent: None, session: Session) -> None:
    """Settle nothing: a chunk that is gone through twice comes to the same."""


go_on = consumer_in_steps(
    keeping.QUEUE,
    claim=go_through,
    work=ask_for_the_rest,
    settle=leave,
    batch=1,  # each is a chunk of products
    timeout=60,
    memory=1024,  # MB; each of a chunk's products may have 2,000 variants
    concurrency=2,  # shoppers first
    uses=("queues",),
)
handler = go_on.handler
