"""Messages that come together: a store's kicks are one, a batch tells the relay once, and what fails comes back."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from infra.local import events
from shared.core import database, ids, outbox, queues
from shared.core.batches import KickedConsumer
from shared.core.consumers import Consumer, Message, consumer, consumer_in_steps
from shared.core.settings import use_settings
from shared.identity.events import CredentialCreated
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")

type Kicks = list[list[UUID]]


@pytest.fixture
def kicks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kicks]:
    """Return whom the relay is told of, call by call."""
    told: Kicks = []

    def send(queue: str, bodies: Sequence[Mapping[str, Any]]) -> None:
        assert queue == outbox.QUEUE
        told.append(sorted(UUID(body["store_id"]) for body in bodies))

    monkeypatch.setattr(queues, "send", send)
    with use_settings(kick=True):
        yield told


def test_a_store_is_worked_for_once_a_batch_however_often_it_is_named() -> None:
    first, second = a_store(), a_store()
    worked: list[UUID] = []

    failed = deliver(kicked(worked.append), [body(first.id), body(second.id), body(first.id), body(first.id)])

    assert sorted(worked) == sorted([first.id, second.id])
    assert failed == []


def test_where_the_work_for_a_store_fails_all_of_its_messages_come_back_and_no_others() -> None:
    good, bad = a_store(), a_store()
    worked: list[UUID] = []

    def work(store_id: UUID) -> None:
        if store_id == bad.id:
            raise ZeroDivisionError
        worked.append(store_id)

    failed = deliver(kicked(work), [body(bad.id), body(good.id), "not json", body(bad.id)])

    assert worked == [good.id]
    assert failed == [0, 2, 3]


def test_the_commits_of_a_batch_tell_the_relay_once(kicks: Kicks) -> None:
    first, second = a_store(), a_store()
    kicks.clear()

    failed = deliver(a_recorder(), [body(first.id), body(second.id), body(first.id)])

    assert failed == []
    assert kicks == [sorted([first.id, second.id])]


def test_what_a_batch_committed_before_one_of_it_failed_is_told(kicks: Kicks) -> None:
    store = a_store()
    kicks.clear()

    failed = deliver(a_recorder(), [body(store.id), body(ids.new_id(), fails=True)])

    assert failed == [1]
    assert kicks == [[store.id]]


def test_a_message_alone_tells_at_each_commit_since_it_may_work_for_minutes(kicks: Kicks) -> None:
    store = a_store()
    kicks.clear()
    told_within: list[int] = []

    def work(store_id: UUID) -> None:
        for _ in range(2):
            with database.transaction(store_id) as session:
                outbox.record(session, CredentialCreated(credential_id=ids.new_id(), kind="secret"))
            told_within.append(len(kicks))

    deliver(kicked(work), [body(store.id)])

    assert told_within == [1, 2]


def test_what_was_gathered_for_long_enough_is_told_with_the_next_commit(
    kicks: Kicks, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (ids.new_id() for _ in range(3))

    with outbox.kicks_gathered():
        outbox.kick([first])
        outbox.kick([second])
        early = list(kicks)
    monkeypatch.setattr(outbox, "_LONGEST_GATHERING", 0)
    with outbox.kicks_gathered():
        outbox.kick([third])
        late = kicks[1:]

    assert (early, late) == ([], [[third]])
    assert kicks == [[first, second], [third]]


class Due(Message):
    """A store has work."""

    fails: bool = False


def kicked(work: Callable[[UUID], None]) -> Consumer:
    """Return a consumer that works for a store outside any transaction."""

    def claim(due: Due, _: Session) -> UUID:
        return due.store_id

    def settle(_claimed: UUID, _done: None, _session: Session) -> None:
        """Nothing is to be noted."""

    return consumer_in_steps("test-kicks", claim=claim, work=work, settle=settle, kind=KickedConsumer)


def a_recorder() -> Consumer:
    """Return a consumer that records an event for each message."""

    @consumer("test-records")
    def record(due: Due, session: Session) -> None:
        if due.fails:
            raise ZeroDivisionError
        outbox.record(session, CredentialCreated(credential_id=ids.new_id(), kind="secret"))

    return record


def body(store_id: UUID, **more: bool) -> str:
    """Return a message."""
    return json.dumps({"store_id": str(store_id), **more})


def deliver(taker: Consumer, bodies: Sequence[str]) -> list[int]:
    """Hand over a batch as SQS does; return the places of the messages that come back."""
    batch = events.sqs_event(taker.declared.queue, bodies)
    answer = taker.handler(batch, events.context("test"))
    places = {record["messageId"]: place for place, record in enumerate(batch["Records"])}
    return sorted(places[one["itemIdentifier"]] for one in answer["batchItemFailures"])
