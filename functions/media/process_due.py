"""Works on a store's pictures that are due: fetches those that lie elsewhere, takes up what a crash left behind.

Uploads whose sender never said that the file is there end here, and the files of deleted pictures.
"""

from sqlalchemy.orm import Session

from shared.core.functions import Message, consumer_in_steps
from shared.media import processing
from shared.media.processing import Claimed, Worked


class PicturesDue(Message):
    """A store has pictures whose time has come; which ones, its rows say."""


def claim(_due: PicturesDue, session: Session) -> Claimed | None:
    """Take what is due, a few at once; more of it is for other messages, and for the next sweep."""
    return processing.claim_due(session)


def settle(claimed: Claimed, worked: Worked, session: Session) -> None:
    """Record what became of them."""
    processing.settle(session, claimed, worked)


process_due = consumer_in_steps(
    processing.QUEUE,
    claim=claim,
    work=processing.work,
    settle=settle,
    batch=1,
    timeout=300,
    receives=3,
    concurrency=20,
    memory=2048,
    uses=("internet", "pictures", "uploads"),
)
handler = process_due.handler
