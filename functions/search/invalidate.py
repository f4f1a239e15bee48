"""Tells the edge what to forget of a store, a second after the change."""

from sqlalchemy.orm import Session

from shared.core.functions import Message, consumer_in_steps
from shared.search import invalidation
from shared.search.invalidation import Claimed


class EdgeOutdated(Message):
    """The edge keeps something of a store that is not so any more; what, its rows say."""


def claim(_outdated: EdgeOutdated, session: Session) -> Claimed | None:
    """Claim what the edge has to forget, unless more may gather."""
    return invalidation.claim(session)


def settle(claimed: Claimed, taken: bool, session: Session) -> None:  # noqa: FBT001 -- the result of the step before
    """Forget the rows that the edge was told of."""
    invalidation.settle(session, claimed, taken=taken)


invalidate = consumer_in_steps(
    invalidation.QUEUE,
    claim=claim,
    work=invalidation.send,
    settle=settle,
    batch=1,  # a request may take some seconds, and stores do not wait for each other
    timeout=45,  # seconds: four tries of seven each, and the rest for the database
    receives=3,  # what fails here is found again by the sweep
    concurrency=4,  # CloudFront takes few requests a second from an account
    uses=("edge",),
)
handler = invalidate.handler
