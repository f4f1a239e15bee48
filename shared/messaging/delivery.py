"""Delivering messages in three steps: claim by the row, send outside any transaction, settle by the row.

A claim counts an attempt and takes a lease; whoever dies with it is followed by the next when the lease is over. A
settlement is conditional on that attempt, so one that comes after its lease changes nothing. What a provider does not
take is tried again after one minute, two, four and so on up to four hours, ten times in all: about half a day.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from shared.core import clock, outbox
from shared.core.settings import settings
from shared.messaging.amazon import AmazonEmail, AmazonText
from shared.messaging.channel import Answer, Channel, OutgoingMessage, Refused, Sent, TryLater
from shared.messaging.events import MessageFailed, MessageSent
from shared.messaging.local_files import LocalFiles
from shared.messaging.models import ChannelKind, QueuedMessage
from shared.messaging.states import MESSAGE, MessageStatus
from shared.stores import queries

LEASE = timedelta(minutes=3)  # longer than a Lambda that sends lives
ATTEMPTS = 10
BATCH = 50  # messages of one store in one claim
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=4)
_OURSELVES = "StormCom"  # who signs what goes to a person or an organization rather than to a store's customer
_TIME_TO_SEND = 60  # seconds of one claim; what is not begun by then is left to the next

_STORES = text("select * from lookup.stores_with_due_messages(:now, :most)")


@dataclass(frozen=True)
class Claimed:
    """Messages to send, and which attempt of each this is."""

    messages: tuple[tuple[OutgoingMessage, int], ...]


def claim(session: Session, message_id: UUID) -> Claimed | None:
    """Claim one message that was just queued; None when it is done, being sent, or waits for its next try."""
    chosen = (
        select(QueuedMessage)
        .where(
            QueuedMessage.id == message_id,
            QueuedMessage.status.in_((MessageStatus.QUEUED, MessageStatus.SENDING)),
            (QueuedMessage.due_at <= clock.now()) | (QueuedMessage.attempts == 0),
        )
        .with_for_update(skip_locked=True)
    )
    return _claimed(session, list(session.scalars(chosen)))


def claim_due(session: Session) -> Claimed | None:
    """Claim the store's messages that are due, the longest waiting first; None when there are none."""
    chosen = (
        select(QueuedMessage)
        .where(QueuedMessage.due_at <= clock.now())
        .order_by(QueuedMessage.due_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    return _claimed(session, list(session.scalars(chosen)))


def send(claimed: Claimed) -> dict[UUID, Answer]:
    """Send what was claimed, and return what became of each message. What is missing was not begun in time."""
    channels: dict[ChannelKind, Channel] = {}
    answers: dict[UUID, Answer] = {}
    end = time.monotonic() + _TIME_TO_SEND
    for message, _ in claimed.messages:
        if time.monotonic() >= end:
            break
        channel = channels.setdefault(message.channel, _channel(message.channel))
        answers[message.id] = channel.send(message)
    return answers


def settle(session: Session, claimed: Claimed, answers: Mapping[UUID, Answer]) -> None:
    """Record what became of the messages, and when those that were not taken are tried again."""
    attempts = {message.id: attempt for message, attempt in claimed.messages}
    chosen = (
        select(QueuedMessage)
        .where(QueuedMessage.id.in_(attempts), QueuedMessage.status == MessageStatus.SENDING)
        .order_by(QueuedMessage.id)
        .with_for_update()
    )
    for row in session.scalars(chosen):
        if row.attempts != attempts[row.id]:
            continue  # the lease was over, and another sender has it
        answer = answers.get(row.id)
        if answer is None:
            _give_back(row)
        else:
            _record(session, row, answer)
    session.flush()


def stores_with_due_messages(session: Session, most: int) -> list[UUID]:
    """Return up to `most` stores that have messages to send. A look-up function."""
    return list(session.scalars(_STORES, {"now": clock.now(), "most": most}))


def _claimed(session: Session, rows: list[QueuedMessage]) -> Claimed | None:
    now = clock.now()
    alive = []
    for row in rows:
        if row.attempts >= ATTEMPTS:  # the last sender died with it
            _end(session, row, MessageStatus.FAILED, reason="lost")
            continue
        MESSAGE.require(row.status, MessageStatus.SENDING)
        row.status, row.attempts, row.due_at, row.updated_at = MessageStatus.SENDING, row.attempts + 1, now + LEASE, now
        alive.append(row)
    session.flush()
    if not alive:
        return None
    sender = queries.name_of_present_store(session) or _OURSELVES
    return Claimed(tuple((_outgoing(row, sender), row.attempts) for row in alive))


def _outgoing(row: QueuedMessage, sender: str) -> OutgoingMessage:
    content: dict[str, Any] = row.content or {}
    return OutgoingMessage(
        id=row.id,
        store_id=row.store_id,
        channel=row.channel,
        purpose=row.purpose,
        to=row.recipient or "",
        sender="".join(character for character in sender if character.isprintable()),
        subject=content.get("subject", ""),
        text=content.get("text", ""),
        html=content.get("html"),
    )


def _channel(kind: ChannelKind) -> Channel:
    if settings().channel == "local":
        return LocalFiles(settings().local_dir / "outgoing")
    return AmazonEmail() if kind is ChannelKind.EMAIL else AmazonText()


def _record(session: Session, row: QueuedMessage, answer: Answer) -> None:
    now = clock.now()
    code = answer.reference if isinstance(answer, Sent) else answer.code
    said = {"at": now.isoformat(), "answer": type(answer).__name__, "code": code}
    row.answers = [*row.answers, said]  # a new list: a change inside the old one would not be noticed
    match answer:
        case Sent(reference):
            row.provider_reference, row.sent_at = reference, now
            _end(session, row, MessageStatus.SENT)
        case Refused(code):
            _end(session, row, MessageStatus.FAILED, reason=code)
        case TryLater(code) if row.attempts >= ATTEMPTS:
            _end(session, row, MessageStatus.FAILED, reason=code)
        case TryLater():
            row.status, row.updated_at = MessageStatus.QUEUED, now
            row.due_at = _next_try(now, row.attempts)


def _give_back(row: QueuedMessage) -> None:
    now = clock.now()
    row.status, row.due_at, row.updated_at, row.attempts = MessageStatus.QUEUED, now, now, row.attempts - 1


def _end(session: Session, row: QueuedMessage, status: MessageStatus, *, reason: str = "") -> None:
    MESSAGE.require(row.status, status)
    row.status, row.due_at, row.updated_at = status, None, clock.now()
    facts: dict[str, Any] = {
        "message_id": row.id,
        "channel": row.channel.value,
        "purpose": row.purpose,
        "attempts": row.attempts,
    }
    outbox.record(
        session,
        MessageSent(**facts) if status is MessageStatus.SENT else MessageFailed(**facts, reason=reason),
    )


def _next_try(now: datetime, attempts: int) -> datetime:
    doubled: int = 2 ** (attempts - 1)
    return now + min(_FIRST_PAUSE * doubled, _LONGEST_PAUSE)
