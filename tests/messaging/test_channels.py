"""The channels of the cloud, against what SES and SNS answer."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError
from botocore.stub import Stubber

from shared.core import ids
from shared.core.settings import SettingsError, use_settings
from shared.messaging import amazon
from shared.messaging.amazon import AmazonEmail, AmazonText
from shared.messaging.channel import OutgoingMessage, Refused, Sent, TryLater
from shared.messaging.models import ChannelKind

pytestmark = pytest.mark.usefixtures("application")


@pytest.fixture
def ses(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    yield from _stubbed(monkeypatch, "sesv2", "_ses")


@pytest.fixture
def sns(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    yield from _stubbed(monkeypatch, "sns", "_sns")


def _stubbed(monkeypatch: pytest.MonkeyPatch, service: Any, client_of: str) -> Iterator[Stubber]:
    client = boto3.client(service, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    monkeypatch.setattr(amazon, client_of, lambda: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def a_message(**facts: Any) -> OutgoingMessage:
    return OutgoingMessage(
        **{
            "id": ids.new_id(),
            "store_id": ids.new_id(),
            "channel": ChannelKind.EMAIL,
            "purpose": "order_confirmation",
            "to": "salma@example.com",
            "sender": 'রূপালী "Shop", Dhaka',
            "subject": "অর্ডার #1001",
            "text": "ধন্যবাদ",
            "html": "<p>ধন্যবাদ</p>",
            **facts,
        }
    )


def test_an_email_goes_out_under_the_stores_name_with_both_bodies(ses: Stubber) -> None:
    ses.add_response(
        "send_email",
        {"MessageId": "ses-1"},
        {
            "FromEmailAddress": "=?utf-8?b?4Kaw4KeC4Kaq4Ka+4Kay4KeAICJTaG9wIiwgRGhha2E=?= <no-reply@shops.test>",
            "Destination": {"ToAddresses": ["salma@example.com"]},
            "Content": {
                "Simple": {
                    "Subject": {"Data": "অর্ডার #1001", "Charset": "UTF-8"},
                    "Body": {
                        "Text": {"Data": "ধন্যবাদ", "Charset": "UTF-8"},
                        "Html": {"Data": "<p>ধন্যবাদ</p>", "Charset": "UTF-8"},
                    },
                }
            },
        },
    )

    assert AmazonEmail().send(a_message()) == Sent("ses-1")


def test_a_text_message_goes_out_as_one_that_a_person_waits_for(sns: Stubber) -> None:
    sns.add_response(
        "publish",
        {"MessageId": "sns-1"},
        {
            "PhoneNumber": "+8801712345678",
            "Message": "ধন্যবাদ",
            "MessageAttributes": {
                "AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"},
            },
        },
    )

    assert AmazonText().send(a_message(to="+8801712345678", html=None)) == Sent("sns-1")


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("MessageRejected", Refused("MessageRejected")),
        ("BadRequestException", Refused("BadRequestException")),
        ("TooManyRequestsException", TryLater("TooManyRequestsException")),
        ("SendingPausedException", TryLater("SendingPausedException")),
        ("InternalFailure", TryLater("InternalFailure")),
    ],
)
def test_what_ses_says_is_final_or_not(ses: Stubber, code: str, answer: Refused | TryLater) -> None:
    ses.add_client_error("send_email", service_error_code=code, service_message="salma@example.com is not verified")

    assert AmazonEmail().send(a_message()) == answer


def test_who_opted_out_of_text_messages_gets_none(sns: Stubber) -> None:
    sns.add_client_error("publish", service_error_code="OptedOut", http_status_code=400)

    assert AmazonText().send(a_message()) == Refused("OptedOut")


def test_a_provider_that_does_not_answer_is_asked_later(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nobody:
        def publish(self, **_call: object) -> None:
            raise ConnectTimeoutError(endpoint_url="sns")

    monkeypatch.setattr(amazon, "_sns", Nobody)

    assert AmazonText().send(a_message()) == TryLater("ConnectTimeoutError")


def test_without_a_domain_there_is_no_sender_and_the_setting_is_named() -> None:
    with use_settings(storefront_domain=None), pytest.raises(SettingsError, match="STORMCOM_STOREFRONT_DOMAIN"):
        AmazonEmail().send(a_message())
