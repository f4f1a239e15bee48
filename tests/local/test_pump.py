"""The queue pump on an emulated SQS: partial failures, redelivery, dead letters, and a clean stop."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest

from infra.local import aws
from infra.local.pump import Pump
from infra.local.queues import Queues
from infra.local.runs import Run, Runs
from tests.local import handlers
from tests.local.factories import a_consumer

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from shared.core.topology import Consumer


class Belt:
    """One queue, its pump, and what it recorded. Failed messages come back at once."""

    def __init__(self, client: "SQSClient", consumer: "Consumer") -> None:
        """Create the queues and the pump, which takes a batch only when told."""
        urls = aws.create_queues(client, [consumer])
        self.consumer = consumer
        self.url = urls[consumer.queue]
        self.client = client
        self.queues = Queues(client, urls)
        self.runs = Runs()
        self.pump = Pump(client, urls, [consumer], self.runs, retry=0)

    def send(self, *bodies: str) -> None:
        """Put messages into the queue."""
        for body in bodies:
            self.client.send_message(QueueUrl=self.url, MessageBody=body)

    def take(self) -> int:
        """Have the pump take one batch."""
        return self.pump.take(self.consumer)

    def depths(self) -> tuple[int, int, int]:
        """Return how many messages wait, are in work, and are dead."""
        depth = self.queues.depths()[0]
        return depth.waiting, depth.in_work, depth.dead


def test_a_batch_reaches_the_handler_as_lambda_would_hand_it_over_and_is_deleted(
    sqs: "SQSClient", inbox: handlers.Inbox
) -> None:
    belt = Belt(sqs, a_consumer("parcels"))
    belt.send("one", "two")

    taken = belt.take()

    (event,) = inbox.batches
    record = event["Records"][0]
    assert taken == 2
    assert sorted(one["body"] for one in event["Records"]) == ["one", "two"]
    assert record["eventSourceARN"] == "arn:aws:sqs:us-east-1:123456789012:parcels"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["receiptHandle"]
    assert belt.depths() == (0, 0, 0)


def test_of_a_batch_only_the_messages_that_failed_come_back(sqs: "SQSClient", inbox: handlers.Inbox) -> None:
    belt = Belt(sqs, a_consumer())
    inbox.failing = {"bad"}
    belt.send("good", "bad", "better")

    belt.take()
    inbox.failing = set()
    again = belt.take()

    assert again == 1
    assert inbox.tries == {"good": 1, "bad": 2, "better": 1}
    assert inbox.batches[1]["Records"][0]["attributes"]["ApproximateReceiveCount"] == "2"
    assert belt.depths() == (0, 0, 0)
    assert [run.outcome for run in belt.runs.latest()] == ["done", "partly failed"]


def test_a_handler_that_raises_fails_its_whole_batch(sqs: "SQSClient", inbox: handlers.Inbox) -> None:
    belt = Belt(sqs, a_consumer())
    inbox.crash = True
    belt.send("one", "two")

    belt.take()
    inbox.crash = False
    again = belt.take()

    assert again == 2
    assert inbox.tries == {"one": 2, "two": 2}
    failed: Run = belt.runs.latest()[1]
    assert (failed.outcome, "the whole batch fails" in failed.error) == ("failed", True)


def test_a_message_that_always_fails_is_a_dead_letter_after_its_last_receive(
    sqs: "SQSClient", inbox: handlers.Inbox
) -> None:
    belt = Belt(sqs, a_consumer(receives=3))
    inbox.failing = {"poison"}
    belt.send("poison", "good")

    taken = [belt.take() for _ in range(5)]

    assert taken == [2, 1, 1, 0, 0]
    assert inbox.tries == {"poison": 3, "good": 1}
    assert belt.depths() == (0, 0, 1)
    assert [letter.body for letter in belt.queues.letters("parcels")] == ["poison"]


def test_looking_at_dead_letters_leaves_them_where_they_are(sqs: "SQSClient", inbox: handlers.Inbox) -> None:
    belt = a_belt_with_dead_letters(sqs, inbox, [str(number) for number in range(13)])

    first = belt.queues.letters("parcels")
    second = belt.queues.letters("parcels")

    assert len(first) == 13
    assert {letter.id for letter in first} == {letter.id for letter in second}
    assert belt.depths() == (0, 0, 13)


def test_a_dead_letter_that_is_sent_back_gets_all_its_tries_again(sqs: "SQSClient", inbox: handlers.Inbox) -> None:
    belt = a_belt_with_dead_letters(sqs, inbox, ["one", "two"])
    letter = next(letter for letter in belt.queues.letters("parcels") if letter.body == "one")
    inbox.failing = set()
    inbox.tries.clear()

    belt.queues.redrive("parcels", letter.id)
    belt.take()

    assert inbox.tries == {"one": 1}
    assert inbox.batches[-1]["Records"][0]["attributes"]["ApproximateReceiveCount"] == "1"
    assert [left.body for left in belt.queues.letters("parcels")] == ["two"]


def test_a_dead_letter_that_is_deleted_is_gone_and_no_other(sqs: "SQSClient", inbox: handlers.Inbox) -> None:
    belt = a_belt_with_dead_letters(sqs, inbox, ["one", "two"])
    letter = next(letter for letter in belt.queues.letters("parcels") if letter.body == "one")

    belt.queues.delete("parcels", letter.id)

    assert [left.body for left in belt.queues.letters("parcels")] == ["two"]
    assert belt.depths() == (0, 0, 1)


def test_a_queue_hides_a_message_six_times_as_long_as_its_consumer_may_take(sqs: "SQSClient") -> None:
    urls = aws.create_queues(sqs, [a_consumer(receives=4)])

    attributes = sqs.get_queue_attributes(QueueUrl=urls["parcels"], AttributeNames=["All"])["Attributes"]

    assert attributes["VisibilityTimeout"] == "360"
    assert json.loads(attributes["RedrivePolicy"])["maxReceiveCount"] == 4


def test_a_running_pump_takes_what_comes_and_stops_when_told(sqs: "SQSClient", inbox: handlers.Inbox) -> None:
    ended: SimpleQueue[Run] = SimpleQueue()
    consumer = a_consumer()
    urls = aws.create_queues(sqs, [consumer])
    pump = Pump(sqs, urls, [consumer], Runs(ended.put), poll=1)

    pump.start()
    sqs.send_message(QueueUrl=urls["parcels"], MessageBody="one")
    run = ended.get(timeout=10)
    pump.stop()
    sqs.send_message(QueueUrl=urls["parcels"], MessageBody="two")

    assert (run.name, run.what, run.outcome) == ("shop-parcels", "1 message", "done")
    assert ended.empty()
    assert inbox.tries == {"one": 1}


def test_stopping_waits_for_no_poll(sqs: "SQSClient") -> None:
    consumer = a_consumer()
    pump = Pump(sqs, aws.create_queues(sqs, [consumer]), [consumer], Runs(), poll=20)
    pump.start()

    asked = time.monotonic()
    pump.stop()

    assert time.monotonic() - asked < 15  # rather than the twenty seconds of its poll


def test_stopping_waits_for_the_batch_in_work_and_settles_it(sqs: "SQSClient", monkeypatch: pytest.MonkeyPatch) -> None:
    gate = handlers.Gate()
    monkeypatch.setattr(handlers, "gate", gate)
    consumer = replace(a_consumer(), handler="tests.local.handlers.waiting")
    urls = aws.create_queues(sqs, [consumer])
    pump = Pump(sqs, urls, [consumer], Runs())
    sqs.send_message(QueueUrl=urls["parcels"], MessageBody="one")

    pump.start()
    assert gate.entered.wait(10)
    with ThreadPoolExecutor(1) as other:
        stopping = other.submit(pump.stop)
        was_over = stopping.done()
        gate.opened.set()
        stopping.result(10)

    depth = Queues(sqs, urls).depths()[0]
    assert not was_over
    assert (depth.waiting, depth.in_work, depth.dead) == (0, 0, 0)


def a_belt_with_dead_letters(client: "SQSClient", inbox: handlers.Inbox, bodies: list[str]) -> Belt:
    belt = Belt(client, a_consumer(receives=1))
    inbox.failing = set(bodies)
    belt.send(*bodies)
    while belt.take():
        pass  # each batch fails once, which is all that receives=1 allows
    return belt
