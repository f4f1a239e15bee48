"""The emulated SQS: connections that stay open, queues that stay quick when they are deep, and nothing lost."""

import http.client
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psutil
import pytest

from infra.local import aws
from tests.local.factories import a_consumer

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

DEEP = 3000  # messages; moto's own queue needed fifty times as long there as with ten


@pytest.fixture
def url(sqs: "SQSClient") -> str:
    return aws.create_queues(sqs, [a_consumer()])["parcels"]


@pytest.fixture
def line(services: aws.Services) -> Iterator[http.client.HTTPConnection]:
    """Return a connection to the emulation."""
    address = urlsplit(services.endpoint)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    yield connection
    connection.close()


def test_a_connection_serves_one_call_after_the_other(line: http.client.HTTPConnection) -> None:
    answers = [call(line, "AmazonSQS.ListQueues") for _ in range(3)]

    assert [status for status, _ in answers] == [200, 200, 200]
    assert line.sock is not None  # it would be None had the server hung up


def test_a_call_of_another_service_is_refused_by_name_and_the_connection_goes_on(
    line: http.client.HTTPConnection,
) -> None:
    status, told = call(line, "TrentService.Encrypt")

    assert status == 501
    assert "SQS alone" in told
    assert call(line, "AmazonSQS.ListQueues")[0] == 200


def test_what_sqs_refuses_is_refused_as_there(sqs: "SQSClient", url: str) -> None:
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.send_message(QueueUrl=url + "-unknown", MessageBody="lost")
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.delete_message(QueueUrl=url, ReceiptHandle="never given")


def test_a_message_is_later_or_in_work_or_waits_and_is_deleted_by_any_handle_it_had(sqs: "SQSClient", url: str) -> None:
    for body in ("first", "second"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=60)

    [first] = sqs.receive_message(QueueUrl=url, VisibilityTimeout=60)["Messages"]
    received = counts(sqs, url)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    [again] = sqs.receive_message(QueueUrl=url, VisibilityTimeout=60)["Messages"]
    for _ in range(2):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])

    assert received == (1, 1, 1)
    assert again["MessageId"] == first["MessageId"]
    assert counts(sqs, url) == (1, 0, 1)


def test_what_is_sent_while_others_are_deleted_arrives_once(sqs: "SQSClient", url: str) -> None:
    arrived: Counter[str] = Counter()

    def send(sender: int) -> None:
        for number in range(40):
            sqs.send_message(QueueUrl=url, MessageBody=f"{sender}-{number}")

    with ThreadPoolExecutor(4) as senders:
        sending = [senders.submit(send, sender) for sender in range(4)]
        while arrived.total() < 160 and (bodies := take(sqs, url, wait=5)):
            arrived.update(bodies)
        for one in sending:
            one.result()

    assert arrived == Counter(f"{sender}-{number}" for sender in range(4) for number in range(40))
    assert counts(sqs, url) == (0, 0, 0)


def test_a_deep_queue_costs_little_more_than_a_shallow_one(services: aws.Services, sqs: "SQSClient", url: str) -> None:
    emulation = psutil.Process(services.pid)

    def cost() -> float:
        """Return the seconds of CPU that sending and taking two hundred messages costs."""
        before = emulation.cpu_times()
        for _ in range(20):
            send_ten(sqs, url)
            assert len(take(sqs, url)) == 10
        after = emulation.cpu_times()
        return after.user + after.system - before.user - before.system

    shallow = cost()
    for _ in range(DEEP // 10):
        send_ten(sqs, url)
    deep = cost()

    assert counts(sqs, url) == (DEEP, 0, 0)
    assert deep < 6 * shallow


def call(line: http.client.HTTPConnection, target: str) -> tuple[int, str]:
    """Make a call without arguments, as no client library would be needed for."""
    line.request("POST", "/", b"{}", {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"})
    answer = line.getresponse()
    return answer.status, answer.read().decode()


def send_ten(sqs: "SQSClient", url: str) -> None:
    """Send a whole batch."""
    body = json.dumps({"store_id": "s" * 36})
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": body} for n in range(10)])


def take(sqs: "SQSClient", url: str, *, wait: int = 0) -> list[str]:
    """Receive what one call gives, and delete it; return the bodies."""
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=wait).get("Messages", [])
    if found:
        entries: list[Any] = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(found)]
        assert not sqs.delete_message_batch(QueueUrl=url, Entries=entries).get("Failed")
    return [one["Body"] for one in found]


def counts(sqs: "SQSClient", url: str) -> tuple[int, int, int]:
    """Return how many messages wait, are in work, and were sent for later."""
    told: Any = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    names = ("", "NotVisible", "Delayed")
    waiting, in_work, later = (int(told[f"ApproximateNumberOfMessages{name}"]) for name in names)
    return waiting, in_work, later
