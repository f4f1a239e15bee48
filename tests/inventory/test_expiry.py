"""Expired reservations: found by the sweep, released by the worker, once, whatever is delivered how often."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from functions.inventory import expire_reservations, sweep_reservations
from infra.local import events
from shared.core import clock, ids, queues
from shared.inventory import expiry
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store
from tests.inventory.stockroom import consume, held, hold, level, release

pytestmark = pytest.mark.usefixtures("watch")

type Sent = list[tuple[str, str]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Return the messages that were sent to SQS: queue and store."""
    messages: Sent = []

    def send(queue: str, bodies: Sequence[Mapping[str, Any]]) -> None:
        messages.extend((queue, body["store_id"]) for body in bodies)

    monkeypatch.setattr(queues, "send", send)
    return messages


def test_the_sweep_sends_for_the_stores_that_have_expired_reservations_and_no_others(sent: Sent) -> None:
    due, not_due = a_store(stock={"MUG": 5}), a_store(stock={"MUG": 5})
    hold(due, ids.new_id(), minutes=-1, MUG=2)
    hold(not_due, ids.new_id(), minutes=15, MUG=2)

    sweep_reservations.handler(events.schedule_event("inventory-sweep-reservations"), None)

    assert sent.count(("reservation-expiry", str(due.id))) == 1
    assert ("reservation-expiry", str(not_due.id)) not in sent


def test_a_store_with_many_expired_reservations_gets_a_message_for_each_batch(
    sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "BATCH", 2)
    store = a_store(stock={"MUG": 5})
    for _ in range(5):
        hold(store, ids.new_id(), minutes=-1, MUG=1)

    sweep_reservations.sweep()
    batches = sent.count(("reservation-expiry", str(store.id)))
    released = [deliver(store) for _ in range(batches)]

    assert (batches, released) == (3, [[], [], []])
    assert store.stock("MUG")["reserved"] == 0


def test_the_worker_releases_what_has_expired_and_nothing_else(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5, "TEE": 5})
    hold(store, ids.new_id(), minutes=-1, MUG=2, TEE=1)
    hold(store, ids.new_id(), minutes=15, MUG=1)

    failed = [deliver(store), deliver(store)]  # the second time is SQS being SQS

    assert failed == [[], []]
    assert (level(sql, store, "MUG"), level(sql, store, "TEE"), held(sql, store)) == ((5, 1), (5, 0), 1)


def test_a_reservation_expires_at_its_moment_and_not_before(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})
    with clock.frozen(clock.now()) as time:
        hold(store, ids.new_id(), minutes=15, MUG=2)
        time.tick(timedelta(minutes=15) - timedelta(microseconds=1))
        deliver(store)
        before = level(sql, store, "MUG")
        time.tick(timedelta(microseconds=1))
        deliver(store)

    assert (before, level(sql, store, "MUG")) == ((5, 2), (5, 0))


def test_what_was_released_or_consumed_meanwhile_is_left_alone(sql: Sql) -> None:
    store, released, consumed = a_store(stock={"MUG": 5}), ids.new_id(), ids.new_id()
    for holder in (released, consumed):
        hold(store, holder, minutes=-1, MUG=1)
    release(store, released)
    consume(store, consumed, MUG=1)

    deliver(store)

    assert (level(sql, store, "MUG"), held(sql, store)) == ((4, 0), 0)


def test_the_worker_passes_by_what_another_transaction_has_in_hand(sql: Sql) -> None:
    store, busy = a_store(stock={"MUG": 5}), ids.new_id()
    hold(store, busy, minutes=-1, MUG=2)
    hold(store, ids.new_id(), minutes=-1, MUG=1)

    mine = text("select 1 from stock_reservations where store_id = :store_id and holder_id = :holder for update")
    with store.session() as other:
        other.execute(mine, {"store_id": store.id, "holder": busy})
        with store.session() as worker:
            released = expiry.release_expired(worker)

    assert (released, level(sql, store, "MUG"), held(sql, store)) == (1, (5, 2), 2)


def test_shoppers_see_what_expired_holds_left_once_they_are_released(sql: Sql) -> None:
    store = a_store(stock={"MUG": 1, "TEE": 1})
    hold(store, ids.new_id(), minutes=-1, MUG=1)

    deliver(store)

    told = sql(
        "select entity_id, payload -> 'available' as available from domain_events "
        "where store_id = %s and type = 'stock.availability_changed' order by id",
        store.id,
    )
    assert [(row["entity_id"], row["available"]) for row in told] == [
        (store.variant_id("MUG"), False),
        (store.variant_id("MUG"), True),
    ]


def deliver(store: StoreUnderTest) -> list[Any]:
    body = json.dumps({"store_id": str(store.id), "correlation_id": "sweep"})
    failed: list[Any] = expire_reservations.handler(
        events.sqs_event("reservation-expiry", [body]), events.context("x")
    )["batchItemFailures"]
    return failed
