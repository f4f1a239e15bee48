"""The local event source mapping: takes batches from the queues and calls the consumers' handlers with them.

As Lambda does: successes are deleted, what the handler names in `batchItemFailures` comes back, a handler that raises
fails its whole batch, and SQS moves a message to the dead-letter queue after its last receive. Only the pause before a
message comes back is shorter than in the cloud.
"""

import json
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from infra.local import events, routing
from infra.local.runs import Runs

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

    from shared.core.topology import Consumer

POLL = 20  # seconds of a long poll, the most that SQS allows; a message ends it at once, so fewer polls cost less
GATHERING = 0.05  # seconds after a batch that was not full, in which the next one fills: a call costs the same for one
RETRY = 2  # seconds until a failed message comes back; its queue's own pause is minutes
AT_ONCE = 8  # batches in work, over all queues, whatever the consumers allow: two cores serve the requests too
_SQS_BATCH = 10  # messages that one receive can return


class Pump:
    """A thread a consumer that polls its queue, as long as the system runs."""

    def __init__(  # noqa: PLR0913 -- the two pauses are by keyword
        self,
        client: "SQSClient",
        queues: Mapping[str, str],
        consumers: "Iterable[Consumer]",
        runs: Runs,
        *,
        poll: int = POLL,
        retry: int = RETRY,
    ) -> None:
        """Pump from `queues` (URL by name) to `consumers`; `poll` and `retry` in seconds."""
        self._client = client
        self._queues = queues
        self._runs = runs
        self._poll = poll
        self._retry = retry
        self._stopping = threading.Event()
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._threads = [
            threading.Thread(target=self._loop, args=(consumer,), name=f"pump-{consumer.queue}", daemon=True)
            for consumer in consumers
        ]

    def start(self) -> None:
        """Start polling."""
        for thread in self._threads:
            thread.start()

    def stop(self, patience: float = 10.0) -> None:
        """Take no more batches; wait `patience` seconds in all for those in work, but for no poll."""
        self._stopping.set()
        end = time.monotonic() + patience
        # Who has all slots knows that no batch is in work; who gets one after this finds that it is over.
        slots = sum(self._slots.acquire(timeout=max(0.0, end - time.monotonic())) for _ in range(AT_ONCE))
        if slots:
            self._slots.release(slots)

    def take(self, consumer: "Consumer", *, wait: int = 0) -> int:
        """Take one batch, hand it over, settle it; return how many messages it had. `wait`: seconds of long polling.

        What comes once the pump was stopped is left: SQS shows it again.
        """
        url = self._queues[consumer.queue]
        received = self._client.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=min(consumer.batch, _SQS_BATCH),
            WaitTimeSeconds=wait,
            MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        if received:
            with self._slots:
                if not self._stopping.is_set():
                    self._settle(url, received, self._failed_of(consumer, received))
        return len(received)

    def _loop(self, consumer: "Consumer") -> None:
        while not self._stopping.is_set():
            try:
                taken = self.take(consumer, wait=self._poll)
                if 0 < taken < consumer.batch:
                    self._stopping.wait(GATHERING)
            except Exception:
                if self._stopping.wait(1.0):
                    return
                with self._runs.recorded("consumer", consumer.name, "receiving"):
                    raise  # into the record: the emulated SQS may hiccup, and the pump goes on

    def _failed_of(self, consumer: "Consumer", received: list["MessageTypeDef"]) -> set[str]:
        """Call the handler with the batch and return the ids of the messages that come back."""
        everything = {message["MessageId"] for message in received}
        failed = everything
        event = events.sqs_event(consumer.queue, [_queued(message) for message in received])
        size = f"{len(received)} message{'s' if len(received) > 1 else ''}"
        with self._runs.recorded("consumer", consumer.name, size) as run:
            call = routing.handler(consumer.handler)
            result = call(event, events.context(consumer.name, memory=consumer.memory, timeout=consumer.timeout))
            failed = _named_failures(result, everything)
            if failed:
                run.outcome = "failed" if failed == everything else "partly failed"
                run.error = f"come back: {', '.join(sorted(failed))}"
        return failed

    def _settle(self, url: str, received: list["MessageTypeDef"], failed: set[str]) -> None:
        done = [message for message in received if message["MessageId"] not in failed]
        back = [message for message in received if message["MessageId"] in failed]
        if done:
            self._client.delete_message_batch(
                QueueUrl=url,
                Entries=[{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(done)],
            )
        if back:
            self._client.change_message_visibility_batch(
                QueueUrl=url,
                Entries=[
                    {"Id": str(n), "ReceiptHandle": m["ReceiptHandle"], "VisibilityTimeout": self._retry}
                    for n, m in enumerate(back)
                ],
            )


def _queued(message: "MessageTypeDef") -> events.Queued:
    system: Mapping[Any, str] = message["Attributes"]
    attributes = message.get("MessageAttributes", {})
    return events.Queued(
        body=message["Body"],
        message_id=message["MessageId"],
        receipt_handle=message["ReceiptHandle"],
        receives=int(system["ApproximateReceiveCount"]),
        sent_at=datetime.fromtimestamp(int(system["SentTimestamp"]) / 1000, UTC),
        attributes={name: value["StringValue"] for name, value in attributes.items() if "StringValue" in value},
    )


def _named_failures(result: Any, everything: set[str]) -> set[str]:  # noqa: ANN401 -- the handler's own shape
    """Read the handler's answer as Lambda does: what it can't make sense of fails the whole batch."""
    if not result:
        return set()
    if not isinstance(result, dict) or not isinstance(result.get("batchItemFailures", []), list):
        return everything
    json.dumps(result)  # Lambda would fail here too
    named = {item.get("itemIdentifier") for item in result.get("batchItemFailures") or []}
    return named if named.issubset(everything) else everything
