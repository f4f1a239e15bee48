"""Delivery: every message gets its try, again when it failed or its sender died, and an end when nothing helps."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from functions.messaging import deliver_due, sweep
from infra.local import events
from shared.core import clock, ids, queues
from shared.core.clock import FrozenClock
from shared.messaging import delivery, outgoing
from shared.messaging.channel import Answer, OutgoingMessage, Refused, Sent, TryLater
from shared.messaging.models import ChannelKind
from shared.messaging.states import MESSAGE
from tests.database import Database, Sql
from tests.factories import StoreUnderTest, a_store
from tests.orders.state_walks import Walk, declared

pytestmark = pytest.mark.usefixtures("watch")

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


class Provider:
    """Says what it was told to say, in turn; the last word again and again."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[UUID] = []

    def send(self, message: OutgoingMessage) -> Answer:
        self.asked.append(message.id)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def time() -> Iterator[FrozenClock]:
    with clock.frozen(NOON) as frozen:
        yield frozen


def use(monkeypatch: pytest.MonkeyPatch, *answers: Answer | Exception) -> Provider:
    provider = Provider(*answers)
    monkeypatch.setattr(delivery, "_channel", lambda _kind: provider)
    return provider


def a_message(store: StoreUnderTest, key: str = "hello") -> UUID:
    with store.session() as session:
        queued = outgoing.enqueue(
            session, ChannelKind.SMS, to="+8801712345678", text="Hello", purpose="test", dedupe_key=key
        )
    assert queued is not None
    return queued


def run_due(store: StoreUnderTest) -> list[dict[str, str]]:
    event = events.sqs_event("due-messages", [f'{{"store_id": "{store.id}"}}'])
    failures: list[dict[str, str]] = deliver_due.handler(event, events.context("due-messages"))["batchItemFailures"]
    return failures


def row_of(sql: Sql, message_id: UUID) -> dict[str, Any]:
    return sql("select * from outgoing_messages where id = %s", message_id)[0]


def test_an_occasion_has_one_message(sql: Sql) -> None:
    mine, theirs = a_store(), a_store()
    a_message(mine)
    a_message(theirs)  # another store's occasion

    with mine.session() as session:
        again = outgoing.enqueue(
            session, ChannelKind.SMS, to="+8801912345678", text="Other words", purpose="test", dedupe_key="hello"
        )

    assert again is None
    assert len(sql("select 1 from outgoing_messages where store_id = %s", mine.id)) == 1
    queued = sql("select 1 from domain_events where store_id = %s and type = 'message.queued'", mine.id)
    assert len(queued) == 1


def test_what_is_not_taken_is_tried_again_ever_more_patiently(
    monkeypatch: pytest.MonkeyPatch, time: FrozenClock, sql: Sql
) -> None:
    store = a_store()
    message = a_message(store)
    use(monkeypatch, TryLater("Throttling"))
    time.tick(timedelta(minutes=1))
    pauses = []

    for _ in range(delivery.ATTEMPTS - 1):
        assert run_due(store) == []
        due = row_of(sql, message)["due_at"]
        pauses.append(int((due - time.now()).total_seconds()) // 60)
        time.move_to(due - timedelta(seconds=1))
        run_due(store)  # too early: nothing happens
        time.move_to(due)
    run_due(store)

    row = row_of(sql, message)
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 240]
    assert (row["status"], row["attempts"], row["due_at"]) == ("failed", 10, None)
    assert [answer["code"] for answer in row["answers"]] == ["Throttling"] * 10
    failed = sql("select payload from domain_events where store_id = %s and type = 'message.failed'", store.id)
    assert [event["payload"]["reason"] for event in failed] == ["Throttling"]


def test_a_refusal_is_final(monkeypatch: pytest.MonkeyPatch, time: FrozenClock, sql: Sql) -> None:
    store = a_store()
    message = a_message(store)
    provider = use(monkeypatch, Refused("OptedOut"))
    time.tick(timedelta(minutes=1))

    run_due(store)
    time.tick(timedelta(days=1))
    run_due(store)

    assert (row_of(sql, message)["status"], len(provider.asked)) == ("failed", 1)


def test_a_message_whose_sender_died_between_claim_and_settlement_is_sent_by_the_next(
    monkeypatch: pytest.MonkeyPatch, time: FrozenClock, sql: Sql
) -> None:
    store = a_store()
    message = a_message(store)
    provider = use(monkeypatch, RuntimeError("killed"), Sent("second"))
    time.tick(timedelta(minutes=1))

    failures = run_due(store)
    held = row_of(sql, message)
    run_due(store)  # the lease still runs
    time.tick(delivery.LEASE)
    run_due(store)

    assert len(failures) == 1
    assert (held["status"], held["attempts"]) == ("sending", 1)
    row = row_of(sql, message)
    assert (row["status"], row["attempts"], row["provider_reference"]) == ("sent", 2, "second")
    assert len(provider.asked) == 2  # at least once: nobody knows whether the first call reached anybody


def test_a_settlement_after_the_lease_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, time: FrozenClock, sql: Sql
) -> None:
    store = a_store()
    message = a_message(store)
    use(monkeypatch, Sent("second"))
    with store.session() as session:
        slow = delivery.claim(session, message)
    time.tick(delivery.LEASE)
    run_due(store)
    assert slow is not None

    with store.session() as session:
        delivery.settle(session, slow, {message: TryLater("Late")})

    row = row_of(sql, message)
    assert (row["status"], row["provider_reference"], len(row["answers"])) == ("sent", "second", 1)


def test_a_message_that_kills_every_sender_is_given_up(
    monkeypatch: pytest.MonkeyPatch, time: FrozenClock, sql: Sql
) -> None:
    store = a_store()
    message = a_message(store)
    provider = use(monkeypatch, RuntimeError("killed"))

    for _ in range(delivery.ATTEMPTS + 3):
        time.tick(delivery.LEASE)
        run_due(store)

    assert (row_of(sql, message)["status"], len(provider.asked)) == ("failed", delivery.ATTEMPTS)


def test_of_ten_senders_at_once_one_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    store = a_store()
    message = a_message(store)
    provider = use(monkeypatch, Sent("once"))

    def claim_and_send(_: int) -> None:
        with store.session() as session:
            claimed = delivery.claim(session, message)
        if claimed is not None:
            answers = delivery.send(claimed)
            with store.session() as session:
                delivery.settle(session, claimed, answers)

    with ThreadPoolExecutor(10) as senders:
        list(senders.map(claim_and_send, range(10)))

    assert provider.asked == [message]


def test_the_sweep_names_stores_with_something_due_and_no_others(
    monkeypatch: pytest.MonkeyPatch, time: FrozenClock
) -> None:
    waiting, fresh = a_store(), a_store()
    a_message(waiting)
    time.tick(timedelta(minutes=2))
    a_message(fresh)
    sent: list[tuple[str, str]] = []
    monkeypatch.setattr(queues, "send", lambda queue, bodies: sent.extend((queue, body["store_id"]) for body in bodies))
    monkeypatch.setattr(sweep, "_MOST", 100_000)  # other tests' stores wait, too

    sweep.handler(events.schedule_event("sweep"), events.context("messaging-sweep"))

    assert ("due-messages", str(waiting.id)) in sent
    assert ("due-messages", str(fresh.id)) not in sent


def test_a_store_never_sends_anothers_messages(monkeypatch: pytest.MonkeyPatch, time: FrozenClock) -> None:
    mine, theirs = a_store(), a_store()
    message = a_message(theirs)
    provider = use(monkeypatch, Sent("stolen"))
    time.tick(timedelta(minutes=2))

    run_due(mine)
    with mine.session() as session:
        claimed = delivery.claim(session, message)

    assert claimed is None
    assert provider.asked == []


def test_what_is_not_begun_in_time_is_left_to_the_next_without_counting(
    monkeypatch: pytest.MonkeyPatch, sql: Sql
) -> None:
    store = a_store()
    message = a_message(store)
    use(monkeypatch, Sent("never"))
    monkeypatch.setattr(delivery, "_TIME_TO_SEND", 0)

    with store.session() as session:
        claimed = delivery.claim(session, message)
    assert claimed is not None
    with store.session() as session:
        delivery.settle(session, claimed, delivery.send(claimed))

    row = row_of(sql, message)
    assert (row["status"], row["attempts"], row["answers"]) == ("queued", 0, [])


def test_the_database_lets_a_message_take_exactly_the_declared_steps(database: Database) -> None:
    message = a_message(a_store())
    checks = ("outgoing_messages_due_check", "outgoing_messages_sent_check")
    fresh = {"dedupe_key": f"'{ids.new_id()}'"}
    walk = Walk(database, "outgoing_messages", "status", message, checks, fresh)

    steps, beginnings = walk.steps(MESSAGE), walk.beginnings(MESSAGE)

    assert steps == declared(MESSAGE)
    assert beginnings == MESSAGE.initial
