"""Works on a picture as soon as it was uploaded."""

from sqlalchemy.orm import Session

from shared.core.functions import consumer_in_steps
from shared.media import processing
from shared.media.events import MediaUploaded
from shared.media.processing import Claimed, Worked


def claim(event: MediaUploaded, session: Session) -> Claimed | None:
    """Take the picture, unless it is done or somebody has it: an event that comes again finds that in the row."""
    return processing.claim(session, event.media_id)


def settle(claimed: Claimed, worked: Worked, session: Session) -> None:
    """Record what became of it."""
    processing.settle(session, claimed, worked)


process = consumer_in_steps(
    "uploaded-pictures",
    claim=claim,
    work=processing.work,
    settle=settle,
    events=(MediaUploaded,),
    batch=1,  # a large picture may take a minute
    timeout=180,
    receives=3,  # a picture that fails here is found again by the sweep
    memory=2048,
    uses=("pictures", "uploads"),
)
handler = process.handler
