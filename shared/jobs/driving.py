"""Driving a job within one worker's time: batch by batch, each in a transaction of its own with its checkpoint.

A kind's consumer is `consumer_in_steps(queue_of(kind), claim=..., work=..., settle=settle)`, whose `work` calls
`drive` with what its batches are and what one does. What is killed loses the batch in hand and nothing else.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from shared.core import database, telemetry
from shared.core.functions import Message
from shared.jobs import working
from shared.jobs.working import Claim, LeaseLost, Progress

OURS = "Something went wrong on our side; it was tried again and again."


class JobsDue(Message):
    """A store has jobs of the queue's kind; which one is next, their rows say."""


class Hopeless(Exception):
    """The job cannot be done, however often it is tried; the text says why, for its merchant."""


class Way(Enum):
    """How a worker left its job."""

    FINISHED = auto()
    HANDED_OVER = auto()  # its time was up
    CANCELED = auto()
    HOPELESS = auto()
    STUMBLED = auto()  # the database refused what it may take next time
    LOST = auto()  # somebody else has it


@dataclass(frozen=True)
class Ending:
    """How a worker left its job, which is recorded in a transaction of its own."""

    claim: Claim
    way: Way
    reason: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)


def drive[B](
    claim: Claim,
    batches: Callable[[Claim], Iterator[B]],
    apply: Callable[[Session, Claim, B], Progress],
    *,
    period: timedelta,
) -> Ending:
    """Work on a job for about `period`; no transaction is open while the next batch is read.

    `batches(claim)` goes on at the claim's checkpoint, and may raise `Hopeless`; so may `apply`, which does one batch
    and returns what it came to.
    """
    until = time.monotonic() + period.total_seconds()

    def through() -> Ending:
        present = claim
        with closing(batches(claim)) as waiting:  # type: ignore[type-var]  # a generator, which has `close`
            for batch in waiting:
                with database.transaction(claim.store_id) as session:
                    progress = apply(session, present, batch)
                    after, wanted = working.advance(session, present, progress)
                present = after  # the batch is committed
                if not wanted:
                    return Ending(present, Way.CANCELED)
                if time.monotonic() >= until:
                    return Ending(present, Way.HANDED_OVER)
        return Ending(present, Way.FINISHED)

    return guarded(claim, through)


def guarded(claim: Claim, work: Callable[[], Ending]) -> Ending:
    """Do the work of a job, and turn what is foreseen to break in it into an ending.

    A bug flies to the log; its worker counts as lost, so that the job is tried again when its lease is over.
    """
    try:
        return work()
    except LeaseLost:
        return Ending(claim, Way.LOST)
    except Hopeless as hopeless:
        return Ending(claim, Way.HOPELESS, reason=str(hopeless))
    except DBAPIError:
        telemetry.logger().exception("a job stumbled")  # over a lock, a lost connection: it may hold next time
        return Ending(claim, Way.STUMBLED, reason=OURS)


def settle(_claim: Claim, ending: Ending, session: Session) -> None:
    """Record how a worker left its job: the third step of a kind's consumer."""
    match ending.way:
        case Way.FINISHED:
            working.finish(session, ending.claim, result=ending.result)
        case Way.HANDED_OVER:
            working.hand_over(session, ending.claim)
        case Way.CANCELED:
            working.obey(session, ending.claim)
        case Way.HOPELESS:
            working.fail(session, ending.claim, ending.reason)
        case Way.STUMBLED:
            working.try_later(session, ending.claim, ending.reason)
        case Way.LOST:
            pass
