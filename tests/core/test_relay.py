"""From the outbox to the queues: nothing lost, a store-wide order without gaps, nothing twice for a consumer."""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from functions.events import relay as relay_function
from functions.events import sweep_outbox
from infra.local import events
from shared.core import audit, clock, database, ids, outbox, queues, relay, tenancy
from shared.core.functions import consumer
from shared.core.settings import use_settings
from shared.identity.events import CredentialCreated
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("watch")

WAITING = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"

type Sent = list[tuple[str, Mapping[str, Any]]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sent]:
    """Return what goes to SQS, by queue; `test-inbox` subscribes to created credentials."""
    messages: Sent = []

    def send(queue: str, bodies: Sequence[Mapping[str, Any]], *, delay: int = 0) -> None:
        assert delay == 0
        messages.extend((queue, body) for body in bodies)

    monkeypatch.setattr(queues, "send", send)
    with use_settings(subscriptions={"credential.created": ("test-inbox",)}):
        yield messages


def test_events_reach_the_queues_that_subscribe_in_the_stores_own_order(sent: Sent, sql: Sql) -> None:
    store = a_store()

    run_relay(store)

    assert [body["event"]["sequence"] for queue, body in sent if queue == "test-inbox"] == [2, 3]
    assert {body["event"]["type"] for _, body in sent} == {"credential.created"}
    published = sql("select sequence from published_events where store_id = %s order by sequence", store.id)
    assert [row["sequence"] for row in published] == [1, 2, 3]  # the store's opening has no subscriber, and a number
    assert sql("select 1 from outbox where store_id = %s", store.id) == []


def test_an_event_of_an_undone_transaction_is_never_told(sent: Sent, sql: Sql) -> None:
    store = a_store()
    run_relay(store)
    sent.clear()

    with pytest.raises(ZeroDivisionError):
        record_and_fail(store)
    run_relay(store)

    assert sent == []
    assert len(sql("select 1 from domain_events where store_id = %s", store.id)) == 3


def test_relays_that_run_at_once_leave_no_gap_and_send_nothing_twice(sent: Sent, sql: Sql) -> None:
    store = a_store()
    with store.session() as session:
        for _ in range(300):
            outbox.record(session, CredentialCreated(credential_id=ids.new_id(), kind="secret"))

    with ThreadPoolExecutor(6) as relays:
        list(relays.map(lambda _: run_relay(store), range(6)))

    told = [body["event"]["id"] for _, body in sent]
    assert len(told) == len(set(told)) == 302
    published = sql("select sequence from published_events where store_id = %s order by sequence", store.id)
    assert [row["sequence"] for row in published] == list(range(1, 304))


def test_a_relay_that_may_have_left_events_behind_tells_itself_and_one_that_took_all_does_not(sent: Sent) -> None:
    store = a_store()
    run_relay(store)
    with store.session() as session:
        for _ in range(relay.BATCH + 1):
            outbox.record(session, CredentialCreated(credential_id=ids.new_id(), kind="secret"))
    sent.clear()

    with use_settings(kick=True):
        run_relay(store)
        after_the_first = list(sent)
        sent.clear()
        run_relay(store)

    events_told, kicks = [[told for told in after_the_first if told[0] == queue] for queue in ("test-inbox", "outbox")]
    assert len(events_told) == relay.BATCH
    assert kicks == [("outbox", {"store_id": str(store.id)})]
    assert [queue for queue, _ in sent] == ["test-inbox"]


def test_a_relay_waits_for_the_numbers_of_the_one_before_it(sent: Sent, sql: Sql) -> None:
    store = a_store()
    run_relay(store)
    sent.clear()
    record(store)

    with ThreadPoolExecutor(1) as other:
        with store.session() as session:
            first = relay.claim(session, store.id)
            record(store)
            waiting = other.submit(run_relay, store)
            while not sql(WAITING):
                assert not waiting.done()
        waiting.result(timeout=10)

    assert [envelope["event"]["sequence"] for envelope in first.envelopes] == [4]
    assert [body["event"]["sequence"] for _, body in sent] == [5]


def test_what_a_relay_that_died_had_claimed_is_sent_by_the_next_with_the_same_numbers(sent: Sent, sql: Sql) -> None:
    store = a_store()
    with clock.frozen(clock.now()) as present:
        with database.transaction(store.id) as session:
            died = relay.claim(session, store.id)
        run_relay(store)
        meanwhile = list(sent)
        present.tick(relay.LEASE + timedelta(seconds=1))
        run_relay(store)

    assert meanwhile == []
    assert [body["event"]["sequence"] for _, body in sent] == [2, 3]
    assert len(died.envelopes) == 3
    assert len(sql("select 1 from published_events where store_id = %s", store.id)) == 3


def test_the_sweep_finds_a_store_whose_kick_was_lost(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_outbox, "STORES_A_BEAT", 1_000_000)  # nobody relayed what other tests recorded
    with clock.frozen(clock.now() - timedelta(minutes=5)):
        store = a_store()

    sweep_outbox.sweep()

    assert {"store_id": str(store.id)} in [body for queue, body in sent if queue == outbox.QUEUE]


def test_a_consumer_takes_an_event_once_however_often_it_is_delivered(sent: Sent) -> None:
    store = a_store()
    run_relay(store)
    taken: list[CredentialCreated] = []

    @consumer("test-inbox", events=(CredentialCreated,))
    def take(event: CredentialCreated, session: Session) -> None:
        assert tenancy.store_of(session) == store.id
        taken.append(event)

    batch = events.sqs_event("test-inbox", [json.dumps(body) for _, body in sent] * 2)
    answer = take.handler(batch, events.context("test"))

    assert answer == {"batchItemFailures": []}
    assert [event.kind for event in taken] == ["publishable", "secret"]


def test_a_message_that_fails_goes_back_alone_and_its_transaction_is_undone(sent: Sent, sql: Sql) -> None:
    store = a_store()
    run_relay(store)

    @consumer("test-inbox", events=(CredentialCreated,))
    def take(event: CredentialCreated, session: Session) -> None:
        session.execute(text("insert into store_sequences values (:s, :n, 1)"), {"s": store.id, "n": event.kind})
        audit.record(session, action="test.taken", entity="test", entity_id=event.credential_id)
        if event.kind == "publishable":
            raise ZeroDivisionError

    batch = events.sqs_event("test-inbox", [json.dumps(body) for _, body in sent] + ["not json"])
    answer = take.handler(batch, events.context("test"))

    failed = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
    assert failed == {batch["Records"][0]["messageId"], batch["Records"][2]["messageId"]}
    assert [row["name"] for row in sql("select name from store_sequences where store_id = %s", store.id)] == ["secret"]


def record(store: StoreUnderTest) -> None:
    with store.session() as session:
        outbox.record(session, CredentialCreated(credential_id=ids.new_id(), kind="secret"))


def record_and_fail(store: StoreUnderTest) -> None:
    with store.session() as session:
        outbox.record(session, CredentialCreated(credential_id=ids.new_id(), kind="secret"))
        raise ZeroDivisionError


def run_relay(store: StoreUnderTest) -> None:
    event = events.sqs_event(outbox.QUEUE, [json.dumps({"store_id": str(store.id)})] * 2)
    answer = relay_function.handler(event, events.context("events-relay"))
    assert answer == {"batchItemFailures": []}
