"""What the tests of the local system share: emulated AWS services, and an inbox that each test finds empty."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from infra.local import aws
from tests.local import handlers

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@pytest.fixture(scope="session")
def services() -> Iterator[aws.Services]:
    """Run the emulated AWS services, in their own process."""
    running = aws.Services()
    running.start()
    yield running
    running.stop()


@pytest.fixture
def sqs(services: aws.Services) -> "Iterator[SQSClient]":
    """Return a client of the emulated SQS, which holds no queues."""
    client = aws.sqs(services.endpoint)
    yield client
    for url in client.list_queues().get("QueueUrls", []):
        client.delete_queue(QueueUrl=url)
    client.close()


@pytest.fixture
def inbox() -> handlers.Inbox:
    """Return what the tests' consumer and schedule were called with: nothing yet."""
    handlers.inbox.clear()
    return handlers.inbox
