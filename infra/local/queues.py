"""Looking into the queues, and into their dead letters: read, send back to work, delete.

By receive, send and delete, which every SQS has; the emulated one lacks StartMessageMoveTask.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from infra.local.aws import DEAD

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_HOLD = 10  # seconds that a look holds letters back, so that no letter is read twice in it
_MOST = 1000  # letters that one look reads
_BATCH = 10  # messages that one receive can return


class NoSuchLetter(LookupError):
    """The letter is not in the dead-letter queue: deleted, sent back, or held by another look."""


@dataclass(frozen=True)
class Depth:
    """How many messages a queue holds."""

    queue: str
    waiting: int
    in_work: int
    dead: int


@dataclass(frozen=True)
class Letter:
    """A message that its consumer failed too often."""

    id: str
    body: str
    sent_at: datetime
    receives: int


class Queues:
    """The queues of the local system, by name."""

    def __init__(self, client: "SQSClient", urls: Mapping[str, str]) -> None:
        """Work on `urls`, as `aws.create_queues` returned them."""
        self._client = client
        self._urls = urls

    def names(self) -> list[str]:
        """Return the queues' names, sorted, without the dead-letter queues."""
        return sorted(name for name in self._urls if name + DEAD in self._urls)

    def depths(self) -> list[Depth]:
        """Count what every queue holds: two calls a queue."""
        return [self._depth(name) for name in self.names()]

    def letters(self, queue: str) -> list[Letter]:
        """Return the dead letters of a queue, oldest first, and leave them where they are."""
        found = list(self._receive(queue))
        self._release(queue, found)
        return sorted((_letter(message) for message in found), key=lambda letter: letter.sent_at)

    def redrive(self, queue: str, letter: str) -> None:
        """Send a dead letter back to its queue, with a new count of receives.

        Sent before it is deleted: a crash in between delivers it twice, which consumers bear, and never loses it.

        Raises:
            NoSuchLetter: there is none of that id.
        """
        message = self._take(queue, letter)
        self._client.send_message(QueueUrl=self._urls[queue], MessageBody=message["Body"])
        self._client.delete_message(QueueUrl=self._urls[queue + DEAD], ReceiptHandle=message["ReceiptHandle"])

    def delete(self, queue: str, letter: str) -> None:
        """Delete a dead letter for good.

        Raises:
            NoSuchLetter: there is none of that id.
        """
        message = self._take(queue, letter)
        self._client.delete_message(QueueUrl=self._urls[queue + DEAD], ReceiptHandle=message["ReceiptHandle"])

    def _depth(self, name: str) -> Depth:
        waiting, in_work = self._counts(name)
        dead, looked_at = self._counts(name + DEAD)
        return Depth(name, waiting, in_work, dead + looked_at)

    def _counts(self, name: str) -> tuple[int, int]:
        attributes = self._client.get_queue_attributes(
            QueueUrl=self._urls[name],
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )["Attributes"]
        return (
            int(attributes["ApproximateNumberOfMessages"]),
            int(attributes["ApproximateNumberOfMessagesNotVisible"]),
        )

    def _receive(self, queue: str) -> Iterator["MessageTypeDef"]:
        for _ in range(_MOST // _BATCH):
            found = self._client.receive_message(
                QueueUrl=self._urls[queue + DEAD],
                MaxNumberOfMessages=_BATCH,
                VisibilityTimeout=_HOLD,
                MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
            ).get("Messages", [])
            if not found:
                return
            yield from found

    def _take(self, queue: str, letter: str) -> "MessageTypeDef":
        others = list(self._receive(queue))
        wanted = next((message for message in others if message["MessageId"] == letter), None)
        self._release(queue, [message for message in others if message is not wanted])
        if wanted is None:
            message = f"Queue {queue} has no dead letter {letter}."
            raise NoSuchLetter(message)
        return wanted

    def _release(self, queue: str, messages: list["MessageTypeDef"]) -> None:
        for start in range(0, len(messages), _BATCH):
            self._client.change_message_visibility_batch(
                QueueUrl=self._urls[queue + DEAD],
                Entries=[
                    {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
                    for n, message in enumerate(messages[start : start + _BATCH])
                ],
            )


def _letter(message: "MessageTypeDef") -> Letter:
    attributes = message["Attributes"]
    return Letter(
        id=message["MessageId"],
        body=message["Body"],
        sent_at=datetime.fromtimestamp(int(attributes["SentTimestamp"]) / 1000, UTC),
        receives=int(attributes["ApproximateReceiveCount"]),
    )
