"""Archives a tenant's months that are past their time in the audit log, a part at a time."""

from sqlalchemy.orm import Session

from shared.audit import archives
from shared.audit.archives import Kept, Part
from shared.audit.vault import vault
from shared.core import queues
from shared.core.functions import Message, consumer_in_steps


class ArchivesDue(Message):
    """A tenant has months that are to be archived, or the rest of one; which, its rows say."""


def claim(_due: ArchivesDue, session: Session) -> Part | None:
    """Read what follows the part that was archived last."""
    return archives.next_part(session)


def keep(part: Part) -> Kept:
    """Put it into the vault, and read it back."""
    return archives.keep(part, vault())


def settle(part: Part, kept: Kept, session: Session) -> None:
    """Note that it is there, and send the tenant round again for the rest."""
    archives.settle(session, part, kept)
    queues.send_after_commit(session, archives.QUEUE, {"store_id": str(part.store_id)})


archive = consumer_in_steps(
    archives.QUEUE,
    claim=claim,
    work=keep,
    settle=settle,
    batch=1,
    timeout=120,
    receives=3,  # then an operator has to look: the vault can't be reached, or holds something else
    concurrency=2,  # it has the whole night, and shoppers the rest of the database
    memory=1024,  # MB; a part has twenty thousand entries
    uses=("queues", "vault"),
)
handler = archive.handler
