"""Sending to SQS, the emulated one: at once, later, and after a commit."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from shared.core import database, queues
from shared.core.settings import use_settings
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")


class Counted:
    """An emulated queue that is looked into."""

    def __init__(self) -> None:
        self.client = boto3.client("sqs", region_name="ap-south-1")
        self.url = self.client.create_queue(QueueName="stormcom-test-news")["QueueUrl"]

    def messages(self) -> tuple[int, int]:
        """Return how many messages can be had now, and how many later."""
        names: list[Any] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"]
        told = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return int(told["ApproximateNumberOfMessages"]), int(told["ApproximateNumberOfMessagesDelayed"])


@pytest.fixture
def news(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counted]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")
    with mock_aws():
        queues._make_client.cache_clear()
        counted = Counted()
        with use_settings(kick=True, queue_prefix=counted.url.removesuffix("news")):
            yield counted
    queues._make_client.cache_clear()


def test_a_message_can_be_sent_for_later(news: Counted) -> None:
    queues.send("news", [{"n": 1}])
    queues.send("news", [{"n": 2}, {"n": 3}], delay=60)

    assert news.messages() == (1, 2)


def test_what_waits_for_a_commit_is_sent_once_after_it(news: Counted) -> None:
    store = a_store()

    with store.session() as session:
        for _ in range(3):
            queues.send_after_commit(session, "news", {"store_id": str(store.id)})
        before = news.messages()

    assert (before, news.messages()) == ((0, 0), (1, 0))


def test_what_waits_for_a_commit_that_does_not_come_is_not_sent(news: Counted) -> None:
    with pytest.raises(ZeroDivisionError):
        _fail_with_news()

    assert news.messages() == (0, 0)


def _fail_with_news() -> None:
    with database.transaction() as session:
        queues.send_after_commit(session, "news", {"n": 1})
        raise ZeroDivisionError
